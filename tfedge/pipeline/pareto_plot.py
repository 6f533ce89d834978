"""A picture of a search: what each file costs against how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfedge.core.errors import ArgumentError
from tfedge.core.figures import new_axes, plain_frame
from tfedge.pipeline.budget import UNITS

if TYPE_CHECKING:
    from tfedge.pipeline.result import CompressionResult

_OTHER, _FRONT, _BEST, _LIMIT = "#AAAAAA", "#4C72B0", "#C44E52", "#333333"


def draw_trials(result: CompressionResult, x: str, axes: Any = None) -> Any:
    """Draw the trials of a search.

    Args:
        result: The result of the search.
        x: The cost along x.
        axes: Matplotlib axes, or None for a new figure.

    Returns:
        The axes.

    Raises:
        ArgumentError: If the cost is not known of the trials.
        MissingPackageError: If matplotlib is not installed.
    """
    complete = [one for one in result.trials if one.measured is not None and one.measured.drop]
    if not complete:
        raise ArgumentError("There is nothing to draw: no trial of this search made a file.")
    known = ["size_bytes", "gzip_bytes", "macs", *result.budget.limits]
    if x not in known:
        raise ArgumentError(f"x={x!r} is not known of the trials. Choose one of: {known}.")
    axes = plain_frame(new_axes() if axes is None else axes)
    points = {one.number: (one.measured[x], one.measured.drop.value) for one in complete}  # type: ignore[index, union-attr]
    best = sorted(points[one.number] for one in result.pareto_set if one.number in points)
    axes.scatter(*zip(*points.values(), strict=True), color=_OTHER, label="trials", zorder=2)
    axes.plot(*zip(*best, strict=True), "o-", color=_FRONT, label="Pareto set", zorder=3)
    axes.plot(*points[result.chosen], "*", ms=16, color=_BEST, label="best", zorder=4)
    _draw_limits(result, x, axes)
    metric = complete[0].measured.drop.metric  # type: ignore[union-attr]
    axes.set(xlabel=UNITS.get(x, x), ylabel=metric, title=f"{result.model}: {len(points)} files")
    axes.legend()
    return axes


def _draw_limits(result: CompressionResult, x: str, axes: Any) -> None:
    """Draw the limits of the budget as lines."""
    if x in result.budget.limits:
        axes.axvline(result.budget.limits[x], ls="--", color=_LIMIT, lw=1, label="budget")
    drop = result.trial(result.chosen).measured
    if result.budget.accuracy_drop is not None and drop is not None and drop.drop is not None:
        allowed = result.budget.accuracy_drop
        accurate = drop.drop.metric == "accuracy"
        least = drop.drop.original - allowed if accurate else drop.drop.original * (1 + allowed)
        axes.axhline(least, ls="--", color=_LIMIT, lw=1)
