"""Where the shared values of a kernel start: k-means in one dimension, in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_MOST = 2**18
_SEED = 9
_ROUNDS = 300


def starting_centroids(
    values: np.ndarray, clusters: int, init: str = "kmeans++", refine: bool = True
) -> np.ndarray:
    """Return the values that stand for many others, from few to few.

    Args:
        values: At least one finite number, any shape. Of more than 2**18 numbers a seeded
            random sample of that size is looked at.
        clusters: How many values are wanted.
        init: ``"kmeans++"``: numbers drawn with a probability proportional to the squared
            distance from those drawn before. ``"linear"``: evenly spaced from the smallest to
            the largest. ``"density"``: each stands for equally many numbers. ``"random"``:
            uniform between the smallest and the largest. Random choices are seeded.
        refine: Whether k-means (Lloyd's rounds, until nothing changes) follows.

    Returns:
        Ascending float64 array of shape ``(clusters,)``. If there are fewer distinct numbers
        than ``clusters``, these and repetitions of the largest.

    Example:
        >>> starting_centroids(np.array([0.0, 0.2, 5.0, 5.2, 9.0]), 3).round(3).tolist()
        [0.1, 5.1, 9.0]

    Reference:
        Arthur and Vassilvitskii, SODA 2007 (k-means++); Lloyd, 1982; Han et al., ICLR 2016,
        arXiv:1510.00149, section 3.
    """
    sample = np.sort(_sample(np.ravel(values)).astype("float64"))
    distinct = np.unique(sample)
    if len(distinct) <= clusters:
        return np.pad(distinct, (0, clusters - len(distinct)), mode="edge")
    start = np.sort(INITS[init](sample, clusters, np.random.default_rng(_SEED)))
    return _refined(sample, start) if refine else start


def _sample(values: np.ndarray) -> np.ndarray:
    """Return the values, or a random part of very many."""
    if values.size <= _MOST:
        return values
    return values[np.random.default_rng(_SEED).integers(values.size, size=_MOST)]


def _plus_plus(sample: np.ndarray, clusters: int, rng: Any) -> np.ndarray:
    """Draw each next value with a probability proportional to its squared distance."""
    chosen = [rng.choice(sample)]
    distance = (sample - chosen[0]) ** 2
    for _ in range(clusters - 1):
        reach = np.cumsum(distance)
        draw = np.searchsorted(reach, rng.random() * reach[-1], side="right")
        chosen.append(sample[min(draw, len(sample) - 1)])
        distance = np.minimum(distance, (sample - chosen[-1]) ** 2)
    return np.array(chosen)


def _linear(sample: np.ndarray, clusters: int, rng: Any) -> np.ndarray:
    """Space values evenly over the range."""
    return np.linspace(sample[0], sample[-1], clusters)


def _density(sample: np.ndarray, clusters: int, rng: Any) -> np.ndarray:
    """Take the middle of each of equally full parts."""
    return np.quantile(sample, (np.arange(clusters) + 0.5) / clusters)


def _random(sample: np.ndarray, clusters: int, rng: Any) -> np.ndarray:
    """Draw values uniformly over the range."""
    return rng.uniform(sample[0], sample[-1], clusters)


INITS: dict[str, Callable[[np.ndarray, int, Any], np.ndarray]] = {
    "kmeans++": _plus_plus,
    "linear": _linear,
    "density": _density,
    "random": _random,
}


def _refined(sample: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Move each centroid to the mean of the numbers nearest to it, until nothing changes.

    The sample is sorted, so a cluster is a slice of it and its mean a difference of sums.
    """
    sums = np.concatenate([[0.0], np.cumsum(sample)])
    centroids, edges = start, np.empty(0, "int64")
    for _ in range(_ROUNDS):
        middles = (centroids[1:] + centroids[:-1]) / 2
        now = np.concatenate([[0], np.searchsorted(sample, middles), [len(sample)]])
        if np.array_equal(now, edges):
            break
        edges, counts = now, np.diff(now)
        means = np.diff(sums[edges]) / np.maximum(counts, 1)
        centroids = np.sort(np.where(counts > 0, means, _farthest(sample, means, counts)))
    return centroids


def _farthest(sample: np.ndarray, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return for each centroid a number far from its mean, where an empty one does more good."""
    if counts.all():
        return means
    far = np.argsort(-np.abs(sample - np.repeat(means, counts)))
    places = np.zeros(len(counts), "int64")
    places[counts == 0] = far[: np.sum(counts == 0)]
    return sample[places]
