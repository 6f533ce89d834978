"""Horizontal bars with labels, and thin columns for many values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tfedge.report.writing.charts.svg import Svg, linear, round_ticks
from tfedge.report.writing.numbers import tail

_WIDTH, _LABEL, _ROW = 680, 190, 22


class Bar(NamedTuple):
    """One bar: its label, its length, the class that colours it, and what stands beside it."""

    label: str
    value: float
    kind: str
    text: str
    hint: str = ""


def bars(rows: Sequence[Bar], alt: str, label_width: int = _LABEL) -> str:
    """Return horizontal bars; rows of one label stand close together.

    Args:
        rows: The bars, from top to bottom.
        alt: What the chart shows.
        label_width: Room for the labels.

    Example:
        >>> bars([Bar("conv", 3.0, "after", "3 kB")], "sizes").count("<rect")
        1
    """
    height, y = 8.0, 4.0
    for place, one in enumerate(rows):
        height += _ROW if not place or rows[place - 1].label != one.label else _ROW - 6
    svg = Svg(_WIDTH, height + 4, alt)
    right = linear(0, max(one.value for one in rows), 0, _WIDTH - label_width - 90)
    for place, one in enumerate(rows):
        first = not place or rows[place - 1].label != one.label
        y += 6 if first else 0
        if first:
            svg.text(label_width - 10, y + 11, tail(one.label, 26), "end", "label")
        length = right(one.value) if one.value > 0 else 0.0
        svg.rect(label_width, y, length, 13, one.kind, one.hint)
        svg.text(label_width + length + 7, y + 11, one.text, kind="value")
        y += _ROW - 6
    return str(svg)


class Column(NamedTuple):
    """One column: its value, the class that colours it, what it says when pointed at, its label."""

    value: float
    kind: str
    hint: str
    label: str = ""


def columns(
    values: Sequence[Column], alt: str, show: Callable[[float], str], x_title: str = ""
) -> str:
    """Return thin columns side by side, as many as there are.

    Args:
        values: From left to right.
        alt: What the chart shows.
        show: How to write a tick of the vertical axis.
        x_title: What stands under the horizontal axis.

    Example:
        >>> columns([Column(1.0, "after", "conv")] * 300, "SQNR", str).count("<rect")
        300
    """
    width, height, left, bottom = 680.0, 220.0, 62.0, 40.0
    svg = Svg(width, height, alt)
    low = min(0.0, *(one.value for one in values))
    high = max(0.0, *(one.value for one in values)) or 1.0
    up = linear(low, high, height - bottom, 10)
    for tick in round_ticks(low, high, 5):
        svg.line(left, up(tick), width, up(tick))
        svg.text(left - 8, up(tick) + 4, show(tick), "end", "tick")
    step = (width - left) / len(values)
    gap = min(6.0, step * 0.25)
    for place, one in enumerate(values):
        top, foot = sorted((up(one.value), up(0.0)))
        wide = min(step - gap, 44.0)
        middle = left + (place + 0.5) * step
        svg.rect(middle - wide / 2, top, wide, foot - top, one.kind, one.hint)
        if place % _every(34 / step) == 0:
            svg.text(middle, height - bottom + 15, one.label, "middle", "tick")
    svg.text((left + width) / 2, height - 6, x_title, "middle", "tick")
    return str(svg)


def _every(least: float) -> int:
    """Return the least of 1, 2, 5, 10, … that is at least so much."""
    rounds = (one * 10**power for power in range(9) for one in (1, 2, 5))
    return next(one for one in rounds if one >= least)


class Pair(NamedTuple):
    """Two values of one thing."""

    label: str
    before: float | None
    after: float | None
    hint: str


def dumbbells(rows: Sequence[Pair], alt: str, show: Callable[[float], str]) -> str:
    """Return two dots per row, joined by a line: before and after.

    Args:
        rows: From top to bottom.
        alt: What the chart shows.
        show: How to write a tick.

    Example:
        >>> dumbbells([Pair("cat", 0.9, 0.8, "cat")], "accuracy", str).count("<circle")
        2
    """
    found = [value for row in rows for value in (row.before, row.after) if value is not None]
    low, high = min(found), max(found)
    margin = max(0.03, 0.08 * (high - low))
    low, high = max(0.0, low - margin), min(1.0, high + margin)
    height = 30 + 20 * len(rows)
    svg, left = Svg(_WIDTH, height, alt), 130
    x = linear(low, high, left, _WIDTH - 24)
    for tick in round_ticks(low, high, 6):
        svg.line(x(tick), 4, x(tick), height - 22)
        svg.text(x(tick), height - 6, show(tick), "middle", "tick")
    for place, row in enumerate(rows):
        y = 14 + 20 * place
        svg.text(left - 14, y + 4, tail(row.label, 17), "end", "label")
        if row.before is not None and row.after is not None:
            worse = row.after < row.before
            svg.line(x(row.before), y, x(row.after), y, "fall" if worse else "rise")
            svg.circle(x(row.before), y, 5, "before", row.hint)
        if row.after is not None:
            svg.circle(x(row.after), y, 5, "after", row.hint)
    return str(svg)
