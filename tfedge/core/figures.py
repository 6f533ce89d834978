"""A place to draw on. Needs matplotlib: ``pip install tfedge[plot]``."""

from __future__ import annotations

from typing import Any

from tfedge.core.errors import MissingPackageError


def new_axes(width: float = 7.0, height: float = 4.5) -> Any:
    """Return the axes of a new matplotlib figure that needs no screen.

    Args:
        width: In inches.
        height: In inches.

    Raises:
        MissingPackageError: If matplotlib is not installed.

    Example:
        >>> print(new_axes().figure.get_figwidth())
        7.0
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError(
            "Plots need matplotlib, which is not installed. Install it with: "
            "pip install 'tfedge[plot]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def plain_frame(axes: Any) -> Any:
    """Return axes with a light grid and without the frame above and on the right.

    Example:
        >>> plain_frame(new_axes()).spines["top"].get_visible()
        False
    """
    axes.grid(True, color="#E5E5E5", zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes
