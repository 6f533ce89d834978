"""How sure a median is: intervals by order statistics, of medians and of their ratios."""

from __future__ import annotations

import math

import numpy as np

CONFIDENCE = 0.95
_BLOCKS = 31


def block_medians(values: np.ndarray) -> np.ndarray:
    """Return the medians of up to 31 stretches of a series, in order.

    Neighbouring runs share the machine's clock and its other load, so they are no independent
    samples; stretches nearly are.

    Args:
        values: Times in the order of the runs, shape ``(runs,)``.

    Example:
        >>> block_medians(np.arange(62.0))[:3]
        array([0.5, 2.5, 4.5])
    """
    parts = np.array_split(np.asarray(values, float), min(len(values), _BLOCKS))
    return np.array([np.median(part) for part in parts])


def median_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return an interval that holds the median of the distribution of independent values.

    It runs from the ``j``-th smallest value to the ``j``-th largest, with the largest ``j`` for
    which ``P(Binomial(n, 1/2) < j) <= (1 - confidence) / 2``. No distribution is assumed. Too few
    values for that confidence (under six for 0.95) give the smallest and the largest.

    Args:
        values: Independent values, at least one.
        confidence: How often such intervals hold the median, in [0, 1].

    Returns:
        Lower and upper end.

    Example:
        >>> median_interval(np.arange(1, 11))
        (2.0, 9.0)

    Reference:
        David and Nagaraja, "Order Statistics", 3rd edition, 2003, section 7.1.
    """
    ordered, rank = np.sort(np.asarray(values, float)), 1
    while _below(rank + 1, len(ordered)) <= (1 - confidence) / 2:
        rank += 1
    return float(ordered[rank - 1]), float(ordered[-rank])


def _below(rank: int, count: int) -> float:
    """Return the probability that fewer than ``rank`` of ``count`` fair coins show heads."""
    return float(sum(math.comb(count, heads) for heads in range(rank)) / 2**count)


def interval_of_runs(times: np.ndarray) -> tuple[float, float, float]:
    """Return the median of a series of runs, and the interval around it.

    Args:
        times: In the order of the runs.

    Returns:
        Median, lower and upper end, in the unit of the times.

    Example:
        >>> interval_of_runs(np.array([3.0, 1.0, 2.0]))
        (2.0, 1.0, 3.0)
    """
    middle = float(np.median(times))
    low, high = median_interval(block_medians(times))
    return middle, min(low, middle), max(high, middle)


def ratio_of_runs(times: np.ndarray, others: np.ndarray) -> tuple[float, float, float]:
    """Return the ratio of the medians of two series that took turns, and its interval.

    Each stretch of rounds gives one ratio of medians; what slowed both down cancels out. The
    result is the median of these ratios.

    Args:
        times: In the order of the rounds.
        others: Of the same rounds.

    Returns:
        Ratio ``times / others``, lower and upper end.

    Example:
        >>> busy = np.array([1.0, 1.0, 9.0, 9.0, 1.0, 1.0])
        >>> ratio_of_runs(2 * busy, busy)
        (2.0, 2.0, 2.0)
    """
    ratios = block_medians(times) / block_medians(others)
    low, high = median_interval(ratios)
    return float(np.median(ratios)), low, high
