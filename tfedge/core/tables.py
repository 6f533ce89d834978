"""Rows of records as text and as a pandas frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfedge.core.errors import MissingPackageError


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of a table: the first column to the left, the others to the right.

    Example:
        >>> print(*text_table(["name", "ms"], [["cnn", "0.20"], ["mlp", "10.00"]]), sep="|")
          name     ms|  cnn    0.20|  mlp   10.00
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  "
        + "  ".join(
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, *rows]
    ]


def frame(rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as a ``pandas.DataFrame``.

    Raises:
        MissingPackageError: If pandas is not installed.

    Example:
        >>> frame([{"a": 1}, {"a": 2}])["a"].sum() == 3
        True
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingPackageError(
            "A frame needs pandas, which is not installed. Install it with: pip install pandas. "
            "to_dict() has the same rows without it."
        ) from error
    return pandas.DataFrame(list(rows))
