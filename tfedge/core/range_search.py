"""Searches over a histogram for the range that quantization harms least."""

from __future__ import annotations

import numpy as np

from tfedge.core.histograms import Histogram

_CUTS = 128
_CANDIDATES = 128
_MAGNITUDES = 2048
_LEAST_SHARE = 1e-6


def least_squared_error(
    histogram: Histogram, low: float, high: float, bits: int
) -> tuple[float, float]:
    """Return the range within ``[low, high]`` with the least error of rounding and clipping.

    A value inside costs ``step^2 / 12`` on average, one outside the square of its distance. Both
    ends are sought together, among 128 parts of each.

    Args:
        histogram: Counts of the values.
        low: Smallest value.
        high: Largest value.
        bits: Width of the integers.

    Example:
        >>> found = Histogram()
        >>> found.update(np.append(np.random.default_rng(0).uniform(0, 1, 10_000), 50.0))
        >>> least_squared_error(found, 0.0, 50.0, bits=4)  # (50 - h)^2 + 10,000 (h / 15)^2 / 12
        (0.0, 10.546875)
    """
    counts = _smooth(histogram.counts)
    middles = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    parts = np.arange(1, _CUTS + 1) / _CUTS
    lows = parts * low if low < 0 else np.zeros(1)
    highs = parts * high if high > 0 else np.zeros(1)
    below, clipped_low = _clipped(-middles[::-1], counts[::-1], -lows)
    above, clipped_high = _clipped(middles, counts, highs)
    steps = (highs[None, :] - lows[:, None]) / (2**bits - 1)
    inside = counts.sum() - below[:, None] - above[None, :]
    errors = inside * steps**2 / 12 + clipped_low[:, None] + clipped_high[None, :]
    row, column = np.unravel_index(np.argmin(errors), errors.shape)
    return float(lows[row]), float(highs[column])


def least_divergence(histogram: Histogram, levels: int) -> float:
    """Return the magnitude at which cutting off loses the least information.

    Values beyond it are counted at the cut; what remains is merged into as many bins as there
    are integers, and spread again over the bins that held something. The divergence of the
    second from the first is least at the answer.

    Args:
        histogram: Counts of the values.
        levels: Number of integers for magnitudes.

    Example:
        >>> found = Histogram()
        >>> found.update(np.linspace(0, 1, 100_001))
        >>> print(f"{least_divergence(found, 256):.2f}")
        1.00
    """
    counts, width = _magnitudes(histogram)
    if len(counts) <= levels:
        return len(counts) * width
    ends = np.unique(np.linspace(levels, len(counts), _CANDIDATES).astype(int))
    divergences = [_divergence(counts, end, levels) for end in ends]
    return float(ends[int(np.argmin(divergences))] * width)


def _smooth(counts: np.ndarray) -> np.ndarray:
    """Return counts without the pile of exact zeros, which no range rounds."""
    counts = counts.astype(np.float64)
    zero = len(counts) // 2
    counts[zero] = min(counts[zero], max(counts[zero - 1], counts[zero + 1]))
    return counts if counts.any() else counts + 1


def _clipped(
    middles: np.ndarray, counts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values lie above each end, and the sum of their squared distances."""
    moments = [np.cumsum((counts * middles**power)[::-1])[::-1] for power in range(3)]
    padded = [np.append(moment, 0.0) for moment in moments]
    places = np.searchsorted(middles, ends, side="right")
    number, total, squares = (moment[places] for moment in padded)
    return number, np.maximum(squares - 2 * ends * total + ends**2 * number, 0)


def _magnitudes(histogram: Histogram) -> tuple[np.ndarray, float]:
    """Return counts of magnitudes up to the largest, at most 2048 of them, and their width."""
    counts = _smooth(histogram.counts)
    half = len(counts) // 2
    folded = counts[half:] + counts[:half][::-1]
    folded = folded[: int(np.flatnonzero(folded)[-1]) + 1]
    width = histogram.width
    while len(folded) > _MAGNITUDES:
        folded = np.append(folded, np.zeros(len(folded) % 2)).reshape(-1, 2).sum(1)
        width *= 2
    return folded, width


def _divergence(counts: np.ndarray, end: int, levels: int) -> float:
    """Return the divergence of quantized counts from counts cut off at a bin."""
    kept = counts[:end]
    reference = kept.copy()
    reference[-1] += counts[end:].sum()
    level = np.arange(end) * levels // end
    held = kept > 0
    mass = np.bincount(level, kept, levels)
    members = np.bincount(level, held, levels)
    spread = np.where(held, mass[level] / np.maximum(members[level], 1), 0)
    used = reference > 0
    if not kept.any():
        return np.inf
    p, q = reference[used] / reference.sum(), spread[used] / spread.sum()
    return float(np.sum(p * np.log(p / np.maximum(q, _LEAST_SHARE))))
