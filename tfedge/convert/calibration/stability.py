"""How many samples are enough: ranges from disjoint parts of the samples, set side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

TOLERANCE = 0.1


def spread_by_samples(
    lows: np.ndarray, highs: np.ndarray, sizes: Sequence[int]
) -> dict[int, float]:
    """Return how far extrema of fewer samples stray from those of all.

    The parts are joined to disjoint sets of 1, 2, 4 … parts. For each tensor and set, the larger
    of the differences at both ends counts, as a share of the width of the range of all samples.
    Extrema settle last: an observer that cuts tails off is content with fewer samples.

    Args:
        lows: Smallest value of each tensor in each part, shape ``(parts, tensors)``.
        highs: Largest value, same shape.
        sizes: Number of samples in each part.

    Returns:
        The mean over sets and tensors, by number of samples in a set. Tensors that never change
        are left out.

    Example:
        >>> spread_by_samples(np.array([[-1.0], [0.0]]), np.array([[4.0], [3.0]]), [5, 5])
        {5: 0.1}
    """
    low, high = lows.min(0), highs.max(0)
    moving = high > low
    found, joined = {}, 1
    while 2 * joined <= len(lows) and moving.any():
        starts = np.arange(0, len(lows) - joined + 1, joined)
        parts = np.add.outer(starts, np.arange(joined))
        below = lows[parts].min(1) - low
        above = high - highs[parts].max(1)
        strays = np.maximum(below, above)[:, moving] / (high - low)[moving]
        found[int(np.mean(sizes) * joined)] = float(strays.mean())
        joined *= 2
    return found


def enough(spread: Mapping[int, float]) -> int | None:
    """Return the least number of samples from which extrema stray little, None if none do.

    Example:
        >>> enough({25: 0.3, 50: 0.08, 100: 0.05})
        50
    """
    return next((size for size, stray in sorted(spread.items()) if stray <= TOLERANCE), None)
