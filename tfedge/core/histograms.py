"""Histograms of streams whose range is not known before: bins grow by powers of two."""

from __future__ import annotations

import math

import numpy as np

_HALF = 4096
_LEAST = 2.0**-100


class Histogram:
    """Counts values in bins of equal width, ``[i * width, (i + 1) * width)``.

    The width is a power of two and doubles when a value lies too far out; two neighbouring bins
    then become one. Every edge stays an edge or goes, so no count is ever guessed, and what is
    counted depends on the values alone, not on their order or on how they are cut into batches.

    Attributes:
        width: Width of a bin, 0 as long as nothing but zeros was seen.
        counts: int64 array of shape ``(8192,)``; entry 4096 is the bin that begins at 0.

    Example:
        >>> found = Histogram()
        >>> found.update(np.array([0.25, 0.5, 100.0]))
        >>> found.width, int(found.counts.sum())
        (0.03125, 3)
        >>> found.counts[[4096 + 8, 4096 + 16, 4096 + 3200]].tolist()
        [1, 1, 1]
    """

    def __init__(self) -> None:
        self.width = 0.0
        self.counts = np.zeros(2 * _HALF, np.int64)

    @property
    def edges(self) -> np.ndarray:
        """Lower edges of the bins and the upper edge of the last, float64."""
        return np.arange(-_HALF, _HALF + 1) * self.width

    def update(self, values: np.ndarray) -> None:
        """Count finite values of any shape."""
        values = np.asarray(values, np.result_type(values, np.float32)).reshape(-1)
        if not values.size:
            return
        largest = float(max(-values.min(), values.max()))
        if largest == 0 and self.width == 0:
            self.counts[_HALF] += values.size
            return
        self._widen(_width_for(largest))
        places = values * np.asarray(1 / self.width, values.dtype)
        np.floor(places, out=places)
        places += _HALF
        self.counts += np.bincount(places.astype(np.intp), minlength=2 * _HALF)

    def add(self, other: Histogram) -> None:
        """Count what another histogram counted."""
        counts = other.counts
        if other.width:
            self._widen(other.width)
            counts = _merged(counts, self.width / other.width)
        self.counts = self.counts + counts

    def _widen(self, width: float) -> None:
        """Make bins at least so wide."""
        if width > self.width:
            self.counts = _merged(self.counts, width / (self.width or width))
            self.width = width


def _width_for(largest: float) -> float:
    """Return the least power of two with which a magnitude lies within the bins."""
    _, exponent = math.frexp(max(largest, _LEAST))
    return math.ldexp(1.0, exponent) / _HALF


def _merged(counts: np.ndarray, factor: float) -> np.ndarray:
    """Return counts in bins that are so many times wider."""
    if factor == 1:
        return counts
    bins = np.floor(np.arange(-_HALF, _HALF) / factor).astype(np.intp) + _HALF
    return np.bincount(bins, counts, 2 * _HALF).astype(np.int64)
