"""What was tried: cost along x, worth along y, the front of those that are best in both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tfedge.report.writing.charts.svg import (
    Svg,
    linear,
    log_ticks,
    logarithmic,
    round_ticks,
)

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 680.0, 380.0, 70.0, 44.0, 28.0


class Point(NamedTuple):
    """One trial: what it costs, what it is worth, and what it says when pointed at."""

    cost: float
    worth: float
    hint: str
    chosen: bool = False


def front(points: Sequence[Point], lower: bool = False) -> list[int]:
    """Return the places of points that no other beats in both, by rising cost.

    Args:
        points: The points.
        lower: Whether less worth is better, as for a loss.

    Example:
        >>> front([Point(1, 0.8, ""), Point(2, 0.7, ""), Point(3, 0.9, "")])
        [0, 2]
    """
    sign = -1 if lower else 1
    order = sorted(range(len(points)), key=lambda at: (points[at].cost, -sign * points[at].worth))
    best, found = float("-inf"), []
    for at in order:
        if sign * points[at].worth > best:
            best = sign * points[at].worth
            found.append(at)
    return found


class Axis(NamedTuple):
    """Title of an axis and how to write its ticks."""

    title: str
    show: Callable[[float], str]


def pareto(points: Sequence[Point], x: Axis, y: Axis, alt: str, lower: bool = False) -> str:
    """Return a chart of trials; those of the front have numbers, which a table explains.

    Args:
        points: The trials.
        x: The axis of costs, logarithmic.
        y: The axis of worth.
        alt: What the chart shows.
        lower: Whether less worth is better.

    Example:
        >>> points = [Point(1e3, 0.8, "a"), Point(2e3, 0.7, "b"), Point(3e3, 0.9, "c")]
        >>> pareto(points, Axis("bytes", str), Axis("accuracy", str), "trials").count("<circle")
        3
    """
    svg = Svg(_WIDTH, _HEIGHT, alt)
    right, up = _frame(svg, points, x, y)
    best = front(points, lower)
    _draw_front(svg, [(right(points[at].cost), up(points[at].worth)) for at in best])
    numbers = {at: str(place + 1) for place, at in enumerate(best)}
    for at in sorted(range(len(points)), key=lambda at: at in numbers):
        one = points[at]
        kind = "after" if at in numbers else "other"
        size = 10 if at in numbers else 5
        if one.chosen:
            svg.circle(right(one.cost), up(one.worth), size + 4, "ring")
        svg.circle(right(one.cost), up(one.worth), size, kind, one.hint)
        if at in numbers:
            svg.text(right(one.cost), up(one.worth) + 4, numbers[at], "middle", "number")
    return str(svg)


def _frame(
    svg: Svg, points: Sequence[Point], x: Axis, y: Axis
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Draw the axes; return what maps costs and worths onto the drawing."""
    costs, worths = [one.cost for one in points], [one.worth for one in points]
    low, high = min(costs) / 1.12, max(costs) * 1.12
    spread = (max(worths) - min(worths)) or abs(max(worths)) or 1.0
    bottom, top = min(worths) - 0.1 * spread, max(worths) + 0.1 * spread
    right = logarithmic(low, high, _LEFT, _WIDTH - 12)
    up = linear(bottom, top, _HEIGHT - _BOTTOM, _TOP)
    for tick in round_ticks(bottom, top, 6):
        svg.line(_LEFT, up(tick), _WIDTH, up(tick))
        svg.text(_LEFT - 8, up(tick) + 4, y.show(tick), "end", "tick")
    for tick in log_ticks(low, high):
        svg.line(right(tick), _TOP, right(tick), _HEIGHT - _BOTTOM)
        svg.text(right(tick), _HEIGHT - _BOTTOM + 17, x.show(tick), "middle", "tick")
    svg.text((_LEFT + _WIDTH) / 2, _HEIGHT - 6, x.title, "middle", "title")
    svg.text(4, 13, y.title, "start", "title")
    return right, up


def _draw_front(svg: Svg, points: Sequence[tuple[float, float]]) -> None:
    """Draw the front as steps: what can be had for a cost."""
    steps = [points[0]]
    for (_, height), (place, next_height) in itertools.pairwise(points):
        steps += [(place, height), (place, next_height)]
    svg.path(steps, "front")
