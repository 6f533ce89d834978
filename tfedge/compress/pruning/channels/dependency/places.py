"""Ids over a tensor: which of its places exist only together.

Ids are an integer array with one dimension for each dimension of the tensor. A dimension of size
1 says that the places along it do not differ; one of full size says that each place has an id of
its own. None stands for a tensor none of whose places can go.
"""

from __future__ import annotations

import numpy as np

from tfedge.compress.pruning.channels.dependency.ties import Ties

Ids = np.ndarray | None


def varying(ids: Ids) -> tuple[int, ...]:
    """Return the axes along which places can go.

    Example:
        >>> varying(np.zeros((1, 1, 8), int))
        (2,)
    """
    return () if ids is None else tuple(a for a, size in enumerate(ids.shape) if size > 1)


def on_axis(line: Ids, axis: int, rank: int) -> Ids:
    """Return the ids of a tensor whose channels lie along one axis.

    Example:
        >>> on_axis(np.arange(4), -1, 3).shape
        (1, 1, 4)
    """
    if line is None or len(line) == 1:
        return None
    shape = [1] * rank
    shape[axis] = len(line)
    return line.reshape(shape)


def first_line(ids: np.ndarray, axis: int) -> np.ndarray:
    """Return the ids along one axis at the first place of all others.

    Example:
        >>> first_line(np.arange(6).reshape(2, 3), 1).tolist()
        [0, 1, 2]
    """
    return np.moveaxis(ids, axis, 0).reshape(ids.shape[axis], -1)[:, 0]


def collapse(ties: Ties, ids: np.ndarray, axis: int) -> np.ndarray:
    """Tie what lies at the same place of one axis, and return the ids along it.

    Example:
        >>> collapse(Ties(), np.arange(4).reshape(1, 4), 1).tolist()
        [0, 1, 2, 3]
    """
    planes = np.moveaxis(ids, axis, 0).reshape(ids.shape[axis], -1)
    ties.tie(planes[:, 1:], planes[:, :1])
    return planes[:, 0]


def reshaped(ids: np.ndarray, before: tuple, after: tuple) -> Ids:
    """Return the ids of a tensor that was reshaped; None if they cannot be followed.

    Dimensions are matched from the last one backwards, in blocks of equal size; what is left in
    front (the batch, usually) must not carry ids.

    Args:
        ids: Ids before.
        before: Shape of the tensor before, None where it is open.
        after: Shape after.

    Example:
        >>> reshaped(np.arange(4).reshape(1, 1, 4), (None, 3, 4), (None, 12)).tolist()
        [[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]]
        >>> reshaped(np.arange(4).reshape(1, 1, 4), (None, 3, 4), (None, 3, 2, 2)).shape
        (1, 1, 2, 2)
    """
    blocks = _blocks(before, after)
    full, result = [1] * len(before), [1] * len(after)
    for old, new in blocks:
        if any(ids.shape[axis] > 1 for axis in old):
            for axis in old:
                full[axis] = before[axis]
            for axis in new:
                result[axis] = after[axis]
    if any(full[axis] != 1 for axis in varying(ids)) and np.prod(full) == np.prod(result):
        covered = {axis for old, _ in blocks for axis in old}
        if covered.issuperset(varying(ids)):
            return np.broadcast_to(ids, full).reshape(result)
    return None


def _blocks(before: tuple, after: tuple) -> list[tuple[list[int], list[int]]]:
    """Return groups of axes with the same number of places before and after."""
    blocks: list[tuple[list[int], list[int]]] = []
    i, j = len(before), len(after)
    while i > 0 and j > 0:
        start = i, j
        i, j = i - 1, j - 1
        old, new = before[i], after[j]
        while old != new and old is not None and new is not None:
            if old < new and i > 0:
                i -= 1
                old = None if before[i] is None else old * before[i]
            elif new < old and j > 0:
                j -= 1
                new = None if after[j] is None else new * after[j]
            else:
                return blocks
        if old != new or (old is None and start != (i + 1, j + 1)):
            return blocks
        blocks.append((list(range(i, start[0])), list(range(j, start[1]))))
    return blocks
