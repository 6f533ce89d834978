"""What is wrong with a series of timings, in words: outliers, drift, an interval that is wide."""

from __future__ import annotations

import math
import os
import warnings

import numpy as np

from tfedge.core.errors import NoisyTimingWarning
from tfedge.runtime.latency.intervals import block_medians
from tfedge.runtime.processors import processors

_MANY_OUTLIERS = 0.05
_MUCH_DRIFT = 0.05
_SURE = 2.58
_ENOUGH = 30


def outlier_fraction(times: np.ndarray) -> float:
    """Return the fraction of runs that took far longer than the others.

    Those above the third quartile by more than three times the distance of the quartiles (Tukey's
    outer fence), and above the median by a fifth at least.

    Args:
        times: Times of runs, in any unit.

    Example:
        >>> outlier_fraction(np.array([1.0, 1.1, 0.9, 1.0, 5.0]))
        0.2

    Reference:
        Tukey, "Exploratory Data Analysis", 1977, section 2D.
    """
    low, middle, high = np.percentile(times, (25, 50, 75))
    return float(np.mean(times > max(high + 3 * (high - low), 1.2 * middle)))


def drift(times: np.ndarray) -> float:
    """Return how much slower the last runs were than the first, as a fraction of the median.

    The slope is the median of the slopes between all pairs of stretches (Theil-Sen). It counts as
    0 unless the Mann-Kendall test is 99 % sure of a trend.

    Args:
        times: In the order of the runs, in any unit.

    Example:
        >>> print(f"{drift(np.linspace(1.0, 1.5, 310)):.2f}")
        0.39
        >>> drift(np.tile([1.0, 2.0], 40))
        0.0

    Reference:
        Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968.
    """
    medians = block_medians(times)
    count = len(medians)
    first, last = np.triu_indices(count, 1)
    rises = medians[last] - medians[first]
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if count < 6 or abs(np.sign(rises).sum()) <= _SURE * spread:
        return 0.0
    return float(np.median(rises / (last - first)) * (count - 1) / np.median(medians))


def complaints(times: np.ndarray, width: float, precision: float) -> tuple[str, ...]:
    """Return what makes a series of runs hard to trust, one sentence each.

    Args:
        times: In the order of the runs; fewer than 30 are not judged.
        width: Width of the interval of the median, as a fraction of the median.
        precision: The width that was asked for.
    """
    if len(times) < _ENOUGH:
        return ()
    found, outliers, trend = [], outlier_fraction(times), drift(times)
    if outliers > _MANY_OUTLIERS:
        found.append(f"{outliers:.0%} of the runs took far longer than the others")
    if abs(trend) > _MUCH_DRIFT:
        way = "slower" if trend > 0 else "faster"
        found.append(
            f"runs became {abs(trend):.0%} {way} from first to last: the clock of the processor or "
            "its other load changed"
        )
    if width > precision:
        found.append(f"the median is known to {width:.1%} only, {precision:.1%} was asked for")
    return tuple(found)


def warn_of_noise(name: str, found: tuple[str, ...], stacklevel: int = 3) -> None:
    """Warn of timings that are hard to trust, with the load of the machine.

    Args:
        name: Whose timings.
        found: Sentences of `complaints`; none, no warning.
        stacklevel: As of `warnings.warn`.
    """
    if found:
        warnings.warn(
            f"Timings of {name!r}: {'; '.join(found)}. The load of the machine is "
            f"{os.getloadavg()[0]:.1f} on {processors()} processors. Quiet the machine or give "
            "more seconds=; ratios of tfedge.compare_latency hold all the same.",
            NoisyTimingWarning,
            stacklevel=stacklevel + 1,
        )
