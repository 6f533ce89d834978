"""From the values that a tensor takes to the range that integers are to cover.

An observer is a rule: it reads the `Statistics` of a tensor and gives ``(low, high)``. Every range
is widened to contain 0, which LiteRT needs to be exact (zero padding, ReLU).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from tfedge.core.checks import one_of, whole_number, within
from tfedge.core.errors import ArgumentError, CalibrationError
from tfedge.core.range_search import least_divergence, least_squared_error
from tfedge.core.statistics import Statistics


@dataclasses.dataclass(frozen=True)
class Observer:
    """Base of every rule that makes a range of what was seen; write ``limits`` for one of yours.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Half(Observer):
        ...     name = "half"
        ...     def limits(self, seen):
        ...         return seen.low / 2, seen.high / 2
        >>> Half().of([np.array([-1.0, 4.0])])
        (-0.5, 2.0)
    """

    name: ClassVar[str] = "observer"
    counts_values: ClassVar[bool] = True

    def limits(self, seen: Statistics) -> tuple[float, float]:
        """Return the range, not yet widened to contain 0."""
        raise NotImplementedError

    def range(self, seen: Statistics) -> tuple[float, float]:
        """Return the range that integers are to cover.

        Args:
            seen: Statistics of at least one value.

        Returns:
            ``(low, high)`` in real values, ``low <= 0 <= high`` and ``low < high``.

        Raises:
            CalibrationError: If nothing was seen, or nothing but zeros.
        """
        if not seen.lows:
            raise CalibrationError("No values were seen, so there is no range: calibrate first.")
        if seen.low == seen.high == 0:
            raise CalibrationError(
                f"All {seen.count} values are 0, which gives no range. The data never exercise "
                "this tensor: calibrate with more varied samples."
            )
        low, high = self.limits(seen)
        return min(low, 0.0), max(high, 0.0)

    def of(self, batches: Iterable[np.ndarray]) -> tuple[float, float]:
        """Return the range for batches of values, of any shape.

        Raises:
            CalibrationError: If there are no values, only zeros, or some are not finite.
        """
        seen = Statistics()
        for batch in batches:
            seen.update(batch)
        return self.range(seen)

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which `from_config` makes the same observer again."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Observer:
        """Return an observer with these settings."""
        return cls(**config)


@dataclasses.dataclass(frozen=True)
class MinMax(Observer):
    """From the smallest value seen to the largest: nothing is cut off.

    Example:
        >>> MinMax().of([np.array([-1.0, 2.0]), np.array([3.0])])
        (-1.0, 3.0)
    """

    name: ClassVar[str] = "minmax"
    counts_values: ClassVar[bool] = False

    def limits(self, seen: Statistics) -> tuple[float, float]:
        """Return the extrema."""
        return seen.low, seen.high


@dataclasses.dataclass(frozen=True)
class MovingAverage(Observer):
    """Exponential moving average of the extrema of batches; starts at the first batch's.

    Args:
        momentum: Weight of what came before, in [0, 1).

    Example:
        >>> MovingAverage(momentum=0.5).of([np.array([-1.0, 2.0]), np.array([-2.0, 4.0])])
        (-1.5, 3.0)

    Reference:
        Jacob et al., CVPR 2018, arXiv:1712.05877, section 3.1.
    """

    momentum: float = 0.9
    name: ClassVar[str] = "moving_average"
    counts_values: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        within("momentum", self.momentum, 0, 1, open_high=True)

    def limits(self, seen: Statistics) -> tuple[float, float]:
        """Return the averages."""
        return self._average(seen.lows), self._average(seen.highs)

    def _average(self, values: list[float]) -> float:
        """Return the moving average after the last value."""
        average = values[0]
        for value in values[1:]:
            average = self.momentum * average + (1 - self.momentum) * value
        return average


@dataclasses.dataclass(frozen=True)
class Percentile(Observer):
    """Cuts off the same share of values at both ends.

    Args:
        q: Percentile that is the upper end, in [50, 100]; the lower end is ``100 - q``.

    Example:
        >>> low, high = Percentile(90).of([np.linspace(-1, 1, 100_001)])
        >>> print(f"{low:.2f} {high:.2f}")
        -0.80 0.80

    Reference:
        Wu et al., 2020, arXiv:2004.09602, section 5.
    """

    q: float = 99.99
    name: ClassVar[str] = "percentile"

    def __post_init__(self) -> None:
        """Check the settings."""
        within("q", self.q, 50, 100)

    def limits(self, seen: Statistics) -> tuple[float, float]:
        """Return the percentiles."""
        counts = seen.histogram.counts
        below = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
        held = np.flatnonzero(counts)
        ends = np.arange(held[0], held[-1] + 2)
        found = np.interp([1 - self.q / 100, self.q / 100], below[ends], seen.histogram.edges[ends])
        low, high = np.clip(found, seen.low, seen.high)
        return float(low), float(high)


@dataclasses.dataclass(frozen=True)
class MSE(Observer):
    """The range with the least squared error of rounding and clipping, taken together.

    Args:
        bits: Width of the integers.

    Example:
        >>> outlier = np.append(np.random.default_rng(0).normal(size=100_000), 100.0)
        >>> low, high = MSE(bits=4).of([outlier])
        >>> low < -2, high < 4
        (True, True)

    Reference:
        Banner et al., NeurIPS 2019, arXiv:1810.05723, section 3.
    """

    bits: int = 8
    name: ClassVar[str] = "mse"

    def __post_init__(self) -> None:
        """Check the settings."""
        whole_number("bits", self.bits, 2)

    def limits(self, seen: Statistics) -> tuple[float, float]:
        """Return the range of least error."""
        return least_squared_error(seen.histogram, seen.low, seen.high, self.bits)


@dataclasses.dataclass(frozen=True)
class Entropy(Observer):
    """The threshold at which rounding loses the least information (Kullback-Leibler divergence).

    One threshold for magnitudes, so that ranges of both signs are cut alike.

    Args:
        bits: Width of the integers.

    Example:
        >>> outlier = np.append(np.random.default_rng(0).normal(size=100_000), 100.0)
        >>> low, high = Entropy().of([outlier])
        >>> low < -2, high < 10
        (True, True)

    Reference:
        Migacz, 8-bit Inference with TensorRT, GPU Technology Conference 2017, slides 28 to 38.
    """

    bits: int = 8
    name: ClassVar[str] = "entropy"

    def __post_init__(self) -> None:
        """Check the settings."""
        whole_number("bits", self.bits, 2)

    def limits(self, seen: Statistics) -> tuple[float, float]:
        """Return the extrema, cut at the threshold."""
        one_sided = seen.low >= 0 or seen.high <= 0
        threshold = least_divergence(seen.histogram, 2 ** (self.bits - (not one_sided)))
        return max(seen.low, -threshold), min(seen.high, threshold)


OBSERVERS = {kind.name: kind for kind in (MinMax, MovingAverage, Percentile, MSE, Entropy)}


def observer_named(observer: str | Observer) -> Observer:
    """Return an observer by name, or the one that was given.

    Raises:
        ArgumentError: If there is none of that name.

    Example:
        >>> observer_named("mse")
        MSE(bits=8)
    """
    if isinstance(observer, Observer):
        return observer
    if not isinstance(observer, str):
        raise ArgumentError(
            f"observer={observer!r} is no observer. Give a name of {list(OBSERVERS)}, or an object "
            "of tfedge.core.observers such as Percentile(99.9)."
        )
    one_of("observer", observer, list(OBSERVERS))
    return OBSERVERS[observer]()
