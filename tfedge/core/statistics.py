"""What is kept of the values of one tensor while data runs by: extrema and a histogram."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tfedge.core.errors import CalibrationError
from tfedge.core.histograms import Histogram


class Statistics:
    """Gathers the values of one tensor, batch by batch, for an observer to read.

    Args:
        most_counted: Largest number of values of one batch that go into the histogram, spread
            evenly over it; extrema are always those of all values. 0 keeps no histogram.

    Attributes:
        lows: Smallest value of each batch.
        highs: Largest value of each batch.
        count: Number of values.
        histogram: Counts of the values.

    Example:
        >>> seen = Statistics()
        >>> seen.update(np.array([-1.0, 2.0]))
        >>> seen.update(np.array([0.5, 3.0]))
        >>> seen.lows, seen.highs, seen.count
        ([-1.0, 0.5], [2.0, 3.0], 4)
    """

    def __init__(self, most_counted: int = 1 << 20) -> None:
        self.most_counted = most_counted
        self.lows: list[float] = []
        self.highs: list[float] = []
        self.count = 0
        self.histogram = Histogram()

    @property
    def low(self) -> float:
        """Smallest value seen."""
        return min(self.lows)

    @property
    def high(self) -> float:
        """Largest value seen."""
        return max(self.highs)

    @property
    def is_constant(self) -> bool:
        """Whether all values seen are equal."""
        return bool(self.lows) and self.low == self.high

    def update(self, values: np.ndarray) -> None:
        """Take a batch of values into account, of any shape.

        Raises:
            CalibrationError: If a value is NaN or infinite; says how many are and where the
                first is.
        """
        values = np.asarray(values)
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise CalibrationError(_not_finite(values))
        self.lows.append(low)
        self.highs.append(high)
        self.count += values.size
        if self.most_counted:
            step = -(-values.size // self.most_counted)
            self.histogram.update(values.reshape(-1)[:: step | 1])

    def end_batch(self) -> None:
        """Make one batch of all updates so far.

        Example:
            >>> seen = Statistics()
            >>> seen.update(np.array([-1.0, 2.0]))
            >>> seen.update(np.array([0.5, 3.0]))
            >>> seen.end_batch()
            >>> seen.lows, seen.highs
            ([-1.0], [3.0])
        """
        if self.lows:
            self.lows, self.highs = [self.low], [self.high]

    def add(self, other: Statistics) -> None:
        """Take into account what other statistics hold, as later batches."""
        self.lows += other.lows
        self.highs += other.highs
        self.count += other.count
        self.histogram.add(other.histogram)


def together(parts: Iterable[Statistics]) -> Statistics:
    """Return the statistics of all parts as one.

    Example:
        >>> one, two = Statistics(), Statistics()
        >>> one.update(np.array([1.0]))
        >>> two.update(np.array([2.0]))
        >>> together([one, two]).high
        2.0
    """
    whole = Statistics()
    for part in parts:
        whole.add(part)
    return whole


def _not_finite(values: np.ndarray) -> str:
    """Return what is wrong with values of which some are no numbers."""
    bad = np.argwhere(~np.isfinite(values))
    first = tuple(int(place) for place in bad[0])
    return (
        f"{len(bad)} of {values.size} values are not finite, the first is {values[first]} at "
        f"{first}. No range holds them."
    )
