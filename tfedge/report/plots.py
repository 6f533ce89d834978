"""Pictures of results. Needs matplotlib: ``pip install tfedge[plot]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.figures import new_axes, plain_frame

_INK = "#333333"
_NEAR = 1.3
_COLOURS = ("#4C72B0", "#DD8452", "#55A868", "#C44E52", "#8172B3", "#937860", "#DA8BC3")


def plot_tradeoff(
    rows: Sequence[Mapping[str, Any]],
    *,
    x: str,
    y: str,
    label: str,
    x_title: str | None = None,
    y_title: str | None = None,
    title: str = "",
    axes: Any = None,
) -> Any:
    """Draw one labelled point per row: what a file costs against what it is worth.

    Args:
        rows: One mapping per point.
        x: Key of the horizontal value, such as a size; drawn on a logarithmic axis.
        y: Key of the vertical value, such as an accuracy.
        label: Key of the text beside the point.
        x_title: Title of the horizontal axis; ``x`` by default.
        y_title: Title of the vertical axis; ``y`` by default.
        title: Title of the picture.
        axes: Matplotlib axes to draw into; a new figure by default.

    Returns:
        The matplotlib axes; ``axes.figure`` can be saved.

    Raises:
        ArgumentError: If there are no rows, or one has no value that can be drawn.
        MissingPackageError: If matplotlib is not installed.

    Example:
        >>> rows = [{"size": 10, "accuracy": 0.9, "file": "int8"}]
        >>> plot_tradeoff(rows, x="size", y="accuracy", label="file").get_xlabel()
        'size'
    """
    if not rows:
        raise ArgumentError("There is nothing to draw: rows is empty.")
    for number, row in enumerate(rows):
        _check_row(number, row, x, y, label)
    axes = new_axes() if axes is None else axes
    for number, row in enumerate(sorted(rows, key=lambda row: (row[x], row[y]))):
        colour = _COLOURS[number % len(_COLOURS)]
        axes.scatter(row[x], row[y], s=80, color=colour, zorder=3)
        shift, side = _label_place(row, rows, x, y)
        axes.annotate(
            row[label],
            (row[x], row[y]),
            xytext=shift,
            fontsize=9,
            color=_INK,
            textcoords="offset points",
            ha=side,
        )
    _use_round_numbers(axes)
    axes.set(xlabel=x_title or x, ylabel=y_title or y, title=title)
    axes.margins(x=0.15, y=0.2)
    return plain_frame(axes)


def _check_row(number: int, row: Mapping[str, Any], x: str, y: str, label: str) -> None:
    """Refuse a row that would silently be missing from the picture."""
    missing = [key for key in (x, y, label) if row.get(key) is None]
    if missing:
        raise ArgumentError(
            f"Row {number} has no value for {', '.join(map(repr, missing))}, so it cannot be "
            f"drawn. Its keys are {', '.join(map(repr, row))}."
        )
    if not row[x] > 0:
        raise ArgumentError(
            f"Row {number} has {x}={row[x]!r}, which has no place on a logarithmic axis: leave "
            f"the row out, or draw another value."
        )


def _label_place(
    row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], x: str, y: str
) -> tuple[tuple[int, int], str]:
    """Return where a label stands: over the highest of near points, under the lowest, or aside."""
    near = [one for one in rows if 1 / _NEAR < one[x] / row[x] < _NEAR]
    place = [one is row for one in sorted(near, key=lambda one: one[y])].index(True)
    if place == len(near) - 1:
        return (0, 9), "center"
    return ((0, -17), "center") if place == 0 else ((9, -3), "left")


def _use_round_numbers(axes: Any) -> None:
    """Make the horizontal axis logarithmic, labelled 10 k, 20 k, 50 k and so on."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
