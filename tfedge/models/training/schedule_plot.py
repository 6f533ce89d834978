"""A picture of a sparsity schedule. Needs matplotlib: ``pip install tfedge[plot]``."""

from __future__ import annotations

from typing import Any

from tfedge.core.checks import whole_number
from tfedge.core.figures import new_axes, plain_frame


def plot_schedule(schedule: Any, steps: int | None = None, axes: Any = None) -> Any:
    """Draw the sparsity of a schedule over the training steps.

    Args:
        schedule: Any schedule of tfedge or tfmot.
        steps: Number of steps to draw; a quarter more than the schedule lasts by default.
        axes: Matplotlib axes to draw into; a new figure by default.

    Returns:
        The matplotlib axes: a line of what the schedule asks for, and a stair of what the masks
        have, which change at the points.

    Raises:
        MissingPackageError: If matplotlib is not installed.

    Example:
        >>> from tfedge.models.training.schedules import PolynomialDecay
        >>> axes = plot_schedule(PolynomialDecay(0.0, 0.8, 0, 40, frequency=10))
        >>> axes.lines[1].get_ydata().round(2).tolist()[:4]
        [0.06, 0.46, 0.7, 0.79]
    """
    steps = steps or _length(schedule)
    whole_number("steps", steps)
    found = [tuple(map(float, schedule(step))) for step in range(1, steps + 1)]
    turns = [(step, s) for step, (now, s) in enumerate(found, 1) if now]
    axes = plain_frame(new_axes() if axes is None else axes)
    axes.plot(range(1, steps + 1), [s for _, s in found], color="#BBBBBB", label="schedule")
    at, values = [step for step, _ in turns], [s for _, s in turns]
    axes.plot(at, values, "o", color="#4C72B0", markersize=4, label="masks change")
    stairs = [*turns, *((steps, s) for _, s in turns[-1:])]
    axes.step([x for x, _ in stairs], [s for _, s in stairs], where="post", color="#4C72B0")
    axes.set(xlabel="training step", ylabel="sparsity", title=type(schedule).__name__)
    axes.set_ylim(-0.02, 1.0)
    axes.legend()
    return axes


def _length(schedule: Any) -> int:
    """Return a number of steps that shows all of a schedule."""
    begin, end = (getattr(schedule, name, -1) for name in ("begin_step", "end_step"))
    last = max(begin + 2 * getattr(schedule, "frequency", 100) if end < 0 else end, 1)
    return max(last + last // 4, 10)
