"""Which ids stay, and how many of them."""

from __future__ import annotations

import numpy as np

from tfedge.compress.pruning.channels.dependency.places import varying


class Kept:
    """Says of ids which stay.

    Args:
        stays: For each id whether it stays.

    Example:
        >>> kept = Kept(np.array([True, False, True]))
        >>> kept.count(np.array([0, 1, 2])), kept.places(np.array([[1, 2]]), 1).tolist()
        (2, [1])
    """

    def __init__(self, stays: np.ndarray) -> None:
        self._stays = stays

    def mask(self, ids: np.ndarray) -> np.ndarray:
        """Return for each id whether it stays."""
        return self._stays[ids]

    def count(self, ids: np.ndarray) -> int:
        """Return how many of the ids stay."""
        return int(self._stays[ids].sum())

    def places(self, ids: np.ndarray, axis: int) -> np.ndarray:
        """Return the places along one axis at which anything stays."""
        planes = np.moveaxis(self._stays[ids], axis, 0).reshape(ids.shape[axis], -1)
        return np.flatnonzero(planes.any(axis=1))

    def shape(self, ids: np.ndarray | None, shape: tuple) -> tuple:
        """Return what is left of the shape of a tensor."""
        sizes = {axis: len(self.places(ids, axis)) for axis in varying(ids)}  # type: ignore[arg-type]
        return tuple(sizes.get(axis, size) for axis, size in enumerate(shape))
