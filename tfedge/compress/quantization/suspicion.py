"""Ranges that calibration data can hardly have meant: of one value, or stretched by a few."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from tfedge.core.statistics import Statistics

_STRETCHED = 64
_LISTED = 5


def warn_of_ranges(name: str, seen: Mapping[str, Statistics]) -> None:
    """Warn of places where calibration saw one value only, or where one batch went far off.

    Args:
        name: Name of the model.
        seen: What passed each place, by its name.

    Example:
        >>> warn_of_ranges("net", {})
    """
    if idle := [place for place, one in seen.items() if one.is_constant]:
        _warn(
            f"The calibration samples never exercise a part of {name!r}: {_listed(idle)} held one "
            f"value throughout, so the range there is a guess. Calibrate with more varied samples, "
            f"or remove what is dead."
        )
    if stretched := [place for place, one in seen.items() if _is_stretched(one)]:
        _warn(
            f"A few calibration samples stretch ranges of {name!r}: at {_listed(stretched)} one "
            f"batch reaches {_STRETCHED} times as far as most do, which leaves four of 256 steps "
            f"or fewer for the others. Look for outliers in the data, or choose "
            f"calibration_observer='percentile'."
        )


def _is_stretched(seen: Statistics) -> bool:
    """Return whether the range of all batches is far wider than that of most."""
    widths = np.maximum(seen.highs, 0.0) - np.minimum(seen.lows, 0.0)
    middle = float(np.median(widths)) if len(widths) else 0.0
    return middle > 0 and max(seen.high, 0.0) - min(seen.low, 0.0) > _STRETCHED * middle


def _listed(places: list[str]) -> str:
    """Return the first of some places."""
    more = len(places) - _LISTED
    return ", ".join(map(repr, places[:_LISTED])) + (f" and {more} more" if more > 0 else "")


def _warn(text: str) -> None:
    """Warn at the line that called ``quantize``."""
    warnings.warn(text, UserWarning, stacklevel=5)
