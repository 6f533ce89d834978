"""How values are spread: histograms, ranges of activations, intervals of times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tfedge.report.findings import ActivationRange, WeightHistogram
from tfedge.report.writing.charts.svg import Svg, linear, round_ticks
from tfedge.report.writing.numbers import tail


def histogram(found: WeightHistogram) -> str:
    """Return the histogram of one kernel; zeros are drawn apart, as they would hide the rest.

    Example:
        >>> one = WeightHistogram("w", "CONV_2D", "int8", 9, 1, -1.0, 1.0, (2, 4, 3))
        >>> histogram(one).count("<rect")
        3
    """
    width, height, floor = 220.0, 92.0, 74.0
    svg = Svg(width, height, f"Values of {found.name}")
    step = (found.high - found.low) / len(found.counts)
    place_of_zero = int(-found.low / step) if step and found.low <= 0 <= found.high else -1
    counts = list(found.counts)
    if 0 <= place_of_zero < len(counts):
        counts[place_of_zero] = max(0, counts[place_of_zero] - found.zeros)
    up = linear(0, max(1, *counts), 0, floor - 6)
    bar = width / len(counts)
    for place, count in enumerate(counts):
        if count:
            svg.rect(place * bar + 0.4, floor - up(count), bar - 0.8, up(count), "after")
    svg.line(0, floor, width, floor, "axis")
    x = linear(found.low, found.high, 0, width)
    if found.low < 0 < found.high:
        svg.line(x(0), 4, x(0), floor + 4, "zero")
        if width * 0.2 < x(0) < width * 0.8:
            svg.text(x(0), height - 4, "0", "middle", "tick")
    svg.text(0, height - 4, f"{found.low:.3g}", "start", "tick")
    svg.text(width, height - 4, f"{found.high:.3g}", "end", "tick")
    return str(svg)


def ranges(rows: Sequence[ActivationRange], hints: Sequence[str], alt: str) -> str:
    """Return a bar per activation, in the order of execution: what codes express, what was seen.

    Args:
        rows: The activations.
        hints: What each says when pointed at.
        alt: What the chart shows.

    Example:
        >>> one = ActivationRange("y", "RELU", "int8", 0.0, 6.0, 0.5, 3.0)
        >>> ranges([one], ["y"], "ranges").count("<rect")
        2
    """
    width, height, left, bottom = 680.0, 250.0, 62.0, 26.0
    svg = Svg(width, height, alt)
    ends = [one for row in rows for one in (row.low, row.high, row.seen_low, row.seen_high)]
    known = [one for one in ends if one is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    up, ticks = _scale(rows, low, high, height - bottom)
    for tick in ticks:
        svg.line(left, up(tick), width, up(tick), "zero" if tick == 0 else "grid")
        svg.text(left - 8, up(tick) + 4, f"{tick:g}", "end", "tick")
    step = (width - left) / len(rows)
    for place, (row, hint) in enumerate(zip(rows, hints, strict=True)):
        x, wide = left + place * step, min(step * 0.76, 34.0)
        middle = x + step / 2
        if row.low is not None and row.high is not None:
            svg.rect(
                middle - wide / 2, up(row.high), wide, up(row.low) - up(row.high), "span", hint
            )
        if row.seen_low is not None and row.seen_high is not None:
            thin = wide * 0.46
            seen = up(row.seen_low) - up(row.seen_high)
            svg.rect(middle - thin / 2, up(row.seen_high), thin, seen, "after", hint)
    svg.text(
        (left + width) / 2, height - 6, "activations in the order of execution", "middle", "tick"
    )
    return str(svg)


def _scale(
    rows: Sequence[ActivationRange], low: float, high: float, floor: float
) -> tuple[Callable[[float], float], list[float]]:
    """Return what maps values onto the drawing, and the ticks: logarithmic where it has to be.

    Where some ranges are far wider than the others, distance from 0 is drawn by its logarithm.
    """
    ends = ((row.low, row.high, row.seen_low, row.seen_high) for row in rows)
    widths = sorted(max(abs(one) for one in four if one is not None) for four in ends)
    least = next((one for one in widths if one > 0), 1.0)
    if max(-low, high) < _WIDE * widths[len(widths) // 2]:
        return linear(low, high, floor, 10), round_ticks(low, high, 6)

    def bent(value: float) -> float:
        return math.copysign(math.log10(1 + abs(value) / least), value)

    inner = linear(bent(low), bent(high), floor, 10)
    powers = range(math.ceil(math.log10(least)), math.floor(math.log10(max(-low, high))) + 1)
    every = max(1, len(powers) // 4)
    found = [sign * 10.0**power for power in powers[::-1][::every] for sign in (-1, 1)]
    return lambda value: inner(bent(value)), [0.0, *(tick for tick in found if low <= tick <= high)]


_FAR, _WIDE = 3.0, 20.0


class Times(NamedTuple):
    """Times of one file in milliseconds."""

    label: str
    low: float
    middle: float
    high: float
    p90: float
    p99: float
    kind: str


def intervals(rows: Sequence[Times], alt: str, show: Callable[[float], str]) -> str:
    """Return medians with their intervals as bars, 90th and 99th percentiles as lines behind.

    Args:
        rows: From top to bottom.
        alt: What the chart shows.
        show: How to write a tick.

    Example:
        >>> row = Times("int8", 1.0, 1.1, 1.2, 2.0, 3.0, "after")
        >>> intervals([row], "times", str).count("<rect")
        1
    """
    width, left, height = 680.0, 190.0, 34.0 + 34.0 * len(rows)
    svg = Svg(width, height, alt)
    furthest = max(row.p99 for row in rows)
    end = min(furthest, _FAR * max(row.high for row in rows)) * 1.04
    x = linear(0, end, left, width - 16)
    for tick in round_ticks(0, end, 6):
        svg.line(x(tick), 4, x(tick), height - 22)
        svg.text(x(tick), height - 6, show(tick), "middle", "tick")
    for place, row in enumerate(rows):
        y = 22 + 34 * place
        svg.text(left - 10, y + 4, tail(row.label, 26), "end", "label")
        svg.line(x(0), y, x(row.middle), y, f"reach {row.kind}")
        svg.line(x(row.middle), y, x(min(row.p99, end)), y, "whisker")
        for value in (row.p90, row.p99):
            if value <= end:
                svg.line(x(value), y - 6, x(value), y + 6, "whisker")
        if row.p99 > end:
            svg.path([(x(end) - 5, y - 5), (x(end), y), (x(end) - 5, y + 5)], "arrow")
        hint = (
            f"{row.label}: median {show(row.middle)}, 95 % sure {show(row.low)} to {show(row.high)}"
        )
        wide = max(x(row.high) - x(row.low), 4.0)
        svg.rect(x(row.middle) - wide / 2, y - 9, wide, 18, row.kind, hint)
    return str(svg)
