"""What else was tried, and which of it is best in cost and worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Cell, Chart, Note, Section, Table, dash, row
from tfedge.report.writing.charts.pareto import Axis, Point, front, pareto
from tfedge.report.writing.numbers import (
    is_fraction,
    lower_is_better,
    percent,
    plural,
    quantity,
    short_count,
)

_COSTS = (
    ("gzip_bytes", "size_bytes"),
    ("latency_ms", "energy_uj", "macs", "arena_bytes", "parameters"),
)
_WORTHS = ("accuracy", "auc", "sqnr_db", "accuracy_drop", "loss", "mae", "mse")
_CHOSEN = ("chosen", "best", "is_best")
_LONGEST = 6


def trials(report: ModelReport) -> Section | None:
    """Return the Pareto charts, and a table that explains the numbers in them.

    Args:
        report: The report.
    """
    if not report.trials:
        return None
    rows = [flat(one) for one in report.trials]
    worth = _worth(rows)
    blocks: list[Any] = []
    for costs in _COSTS:
        cost = next((name for name in costs if _common(rows, name, least=2, positive=True)), None)
        if cost and worth:
            blocks += _front(rows, cost, worth)
    if not blocks:
        blocks = [
            Note("No two trials have both a cost and a metric, so there is no front to draw.")
        ]
    return Section("trials", "What was tried", tuple(blocks), plural(len(rows), "trial"))


def flat(row_: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial with what lies in inner mappings brought up; outer names go first.

    Example:
        >>> flat({"metrics": {"accuracy": 0.9}, "size_bytes": 10})
        {'accuracy': 0.9, 'size_bytes': 10}
    """
    found: dict[str, Any] = {}
    for value in row_.values():
        if isinstance(value, Mapping):
            found |= flat(value)
    return found | {name: value for name, value in row_.items() if not isinstance(value, Mapping)}


def _number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return plain and math.isfinite(value)


def _common(rows: Sequence[Mapping], name: str, least: int, positive: bool = False) -> bool:
    """Return whether enough trials have a number of that name."""
    found = [row_[name] for row_ in rows if _number(row_.get(name))]
    return len([value for value in found if value > 0 or not positive]) >= least


def _worth(rows: Sequence[Mapping]) -> str | None:
    """Return the name of the metric that most trials have: an accuracy if there is one."""
    names = dict.fromkeys(name for row_ in rows for name in row_ if _common(rows, name, 2))
    endings = (
        name for word in _WORTHS for name in names if name == word or name.endswith(f"_{word}")
    )
    return next(endings, None)


def _front(rows: Sequence[dict], cost: str, worth: str) -> list[Any]:
    """Return the chart of one cost, and the table of its front."""
    known = [
        one for one in rows if _number(one.get(cost)) and _number(one.get(worth)) and one[cost] > 0
    ]
    points = [Point(one[cost], one[worth], _hint(one, cost, worth), _chosen(one)) for one in known]
    lower = lower_is_better(worth)
    x = Axis(cost.replace("_", " "), _tick(cost))
    y = Axis(worth.replace("_", " "), _tick(worth))
    alt = f"{worth} over {cost} of {plural(len(known), 'trial')}".replace("_", " ")
    best = front(points, lower)
    ring = " The ring marks the one that was chosen." if any(one.chosen for one in points) else ""
    without = len(rows) - len(known)
    left = f" {plural(without, 'trial')} without both figures left out." if without else ""
    legend = f"{alt}. Numbered: no other trial is better in both.{ring}{left}"
    chart = Chart(pareto(points, x, y, alt, lower), legend)
    return [chart, _table([known[at] for at in best], cost, worth)]


def _chosen(one: Mapping[str, Any]) -> bool:
    """Return whether a trial says that it was chosen."""
    return any(one.get(name) is True for name in _CHOSEN)


def _tick(name: str) -> Any:
    """Return how to write a tick of an axis."""
    if name.endswith("_bytes"):
        return lambda value: quantity(name, value).replace(".0 ", " ")
    if is_fraction(name) or name.endswith("drop"):
        return lambda value: percent(value)
    return lambda value: short_count(value) if abs(value) >= 1e3 else f"{value:.4g}"


def _others(one: Mapping[str, Any], cost: str, worth: str) -> list[str]:
    """Return names of what else a trial says in short."""
    short = (name for name, value in one.items() if isinstance(value, (int, float, str, bool)))
    return [name for name in short if name not in (cost, worth, *_CHOSEN)]


def _hint(one: Mapping[str, Any], cost: str, worth: str) -> str:
    """Return what a trial says when pointed at."""
    names = [worth, cost, *_others(one, cost, worth)]
    return ", ".join(
        f"{name.replace('_', ' ')} {quantity(name, one[name])[:60]}" for name in names[:12]
    )


def _table(rows: Sequence[Mapping[str, Any]], cost: str, worth: str) -> Table:
    """Return the front as a table: what is numbered in the chart."""
    others = list(dict.fromkeys(n for one in rows for n in _others(one, cost, worth)))
    names = [cost, worth, *others[:_LONGEST]]
    lines = []
    for place, one in enumerate(rows):
        cells = [_cell(name, one.get(name)) for name in names]
        lines.append(row(Cell(str(place + 1), place + 1), *cells))
    heads = tuple(name.replace("_", " ") for name in names)
    return Table(
        f"The front: {heads[1]} over {heads[0]}", ("#", *heads), tuple(lines), sortable=True
    )


def _cell(name: str, value: Any) -> Cell:
    """Return a value of a trial."""
    if value is None:
        return dash()
    text = quantity(name, value)
    return Cell(text, float(value)) if _number(value) else Cell(text[:60], hint=text)
