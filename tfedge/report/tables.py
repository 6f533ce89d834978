"""Tables of results, for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from tfedge.core.errors import ArgumentError


def markdown_table(
    rows: Sequence[Mapping[str, Any]], formats: Mapping[str, Callable[[Any], str]] | None = None
) -> str:
    """Return rows as a Markdown table; numbers are aligned to the right.

    Args:
        rows: One mapping per row, all with the same keys: the headings.
        formats: How to show the values of a column, by heading.

    Returns:
        The table, one line per row, without a newline at the end. None is shown as a dash.
        Bars in a text are escaped, and its line breaks become spaces.

    Raises:
        ArgumentError: If there are no rows, their keys differ, or ``formats`` names no column.

    Example:
        >>> print(markdown_table([{"file": "a", "kB": 1.5}, {"file": "b", "kB": None}]))
        | file |  kB |
        |:-----|----:|
        | a    | 1.5 |
        | b    |   – |
    """
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ArgumentError("A table needs at least one row, and the same keys in every row.")
    unknown = set(formats or {}) - set(rows[0])
    if unknown:
        raise ArgumentError(
            f"formats names {', '.join(map(repr, sorted(unknown)))}, and the columns are "
            f"{', '.join(map(repr, rows[0]))}."
        )
    columns = [_column(name, rows, (formats or {}).get(name, _shown)) for name in rows[0]]
    heading, rule, *lines = zip(*columns, strict=True)
    body = [f"| {' | '.join(cells)} |" for cells in (heading, *lines)]
    return "\n".join([body[0], f"|{'|'.join(rule)}|", *body[1:]])


def _column(name: str, rows: Sequence[Mapping[str, Any]], shown: Callable) -> list[str]:
    """Return heading, rule and cells of a column; the rule fills the margins too."""
    values = [row[name] for row in rows]
    texts = [name, *("–" if value is None else shown(value) for value in values)]
    cells = [" ".join(text.splitlines()).replace("|", r"\|") for text in texts]
    width = max(3, *map(len, cells))
    if any(isinstance(value, str) for value in values):
        heading, *rest = (cell.ljust(width) for cell in cells)
        return [heading, ":" + "-" * (width + 1), *rest]
    heading, *rest = (cell.rjust(width) for cell in cells)
    return [heading, "-" * (width + 1) + ":", *rest]


def _shown(value: Any) -> str:
    """Return a value as short text; NumPy's numbers are numbers too."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return f"{int(value):,}"
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return f"{float(value):.4g}" if is_number else str(value)
