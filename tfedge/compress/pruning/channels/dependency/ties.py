"""Union-find over integers, in bulk: ties are collected as pairs and resolved together."""

from __future__ import annotations

import numpy as np


class Ties:
    """Hands out integer ids, notes which belong together, and says what is one class.

    Example:
        >>> ties = Ties()
        >>> a, b = ties.new(2), ties.new(2)
        >>> ties.tie(a, b)
        >>> ties.labels().tolist()
        [0, 1, 0, 1]
    """

    def __init__(self) -> None:
        self.count = 0
        self._pairs: list[np.ndarray] = []
        self._labels = np.zeros(0, np.int64)

    def new(self, count: int) -> np.ndarray:
        """Return ``count`` fresh ids."""
        self.count += count
        return np.arange(self.count - count, self.count)

    def tie(self, first: np.ndarray, second: np.ndarray) -> None:
        """Note that ids belong together, place by place; the arrays are broadcast."""
        pair = np.stack(np.broadcast_arrays(first, second)).reshape(2, -1)
        pair = pair[:, pair[0] != pair[1]]
        if pair.size:
            self._pairs.append(pair)

    def labels(self) -> np.ndarray:
        """Return for each id the smallest id of its class."""
        known = self._labels
        labels = np.arange(self.count)
        labels[: len(known)] = known
        if self._pairs:
            labels = _components(labels, *np.concatenate(self._pairs, axis=1))
        self._labels, self._pairs = labels, []
        return labels


def _components(labels: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the smallest id that each id is connected with.

    Roots are hooked onto the smaller root of a pair, then every path is made one step long, until
    no pair spans two classes.
    """
    while (labels[left] != labels[right]).any():
        low = np.minimum(labels[left], labels[right])
        hooked = labels.copy()
        np.minimum.at(hooked, labels[left], low)
        np.minimum.at(hooked, labels[right], low)
        while (hooked[hooked] != hooked).any():
            hooked = hooked[hooked]
        labels = hooked[labels]
    return labels
