"""Tables of results, for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    Raises:
        ArgumentError: If there are no rows, or their keys differ.

    Example:
        >>> print(markdown_table([{"file": "a", "kB": 1.5}, {"file": "b", "kB": None}]))
        | file |  kB |
        |:-----|----:|
        | a    | 1.5 |
        | b    |   – |
    """
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ArgumentError("A table needs at least one row, and the same keys in every row.")
    columns = [_column(name, rows, (formats or {}).get(name, _shown)) for name in rows[0]]
    heading, rule, *lines = zip(*columns, strict=True)
    body = [f"| {' | '.join(cells)} |" for cells in (heading, *lines)]
    return "\n".join([body[0], f"|{'|'.join(rule)}|", *body[1:]])


def _column(name: str, rows: Sequence[Mapping[str, Any]], shown: Callable) -> list[str]:
    """Return heading, rule and cells of a column; the rule fills the margins too."""
    values = [row[name] for row in rows]
    cells = [name, *("–" if value is None else shown(value) for value in values)]
    width = max(3, *map(len, cells))
    if any(isinstance(value, str) for value in values):
        heading, *rest = (cell.ljust(width) for cell in cells)
        return [heading, ":" + "-" * (width + 1), *rest]
    heading, *rest = (cell.rjust(width) for cell in cells)
    return [heading, "-" * (width + 1) + ":", *rest]


def _shown(value: Any) -> str:
    """Return a value as short text."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
