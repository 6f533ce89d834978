"""Tensors that are combined place by place: what belongs together then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfedge.compress.pruning.channels.dependency.places import Ids, varying

if TYPE_CHECKING:
    from tfedge.compress.pruning.channels.dependency.call import Call

Part = tuple[Ids, tuple, str]


def joined(call: Call, parts: Sequence[Part]) -> Ids:
    """Tie tensors that are added, multiplied, compared ... and return the ids of the result.

    A tensor of size 1 along an axis is broadcast there and ties nothing. One that has full size
    along an axis and no ids there cannot lose places, so the others must not either.
    """
    rank = max(len(shape) for _, shape, _ in parts)
    aligned = [(_padded(ids, rank), (1,) * (rank - len(s)) + tuple(s), n) for ids, s, n in parts]
    carrying = [part for part in aligned if varying(part[0])]
    if not carrying:
        return None
    axes = {axis for ids, _, _ in carrying for axis in varying(ids)}
    blind = [name for ids, shape, name in aligned if _is_blind(ids, shape, axes)]
    if blind:
        reason = f"{call.name!r} joins it with {blind[0]}, which cannot lose channels"
        for ids, _, _ in carrying:
            call.fix(ids, reason)
    return _tied(call, [ids for ids, _, _ in carrying if ids is not None])


def _padded(ids: Ids, rank: int) -> Ids:
    """Return ids with dimensions put in front."""
    return None if ids is None else ids.reshape((1,) * (rank - ids.ndim) + ids.shape)


def _is_blind(ids: Ids, shape: tuple, axes: set[int]) -> bool:
    """Return whether a tensor has places along the axes, none of which can go."""
    return not varying(ids) and any(shape[axis] != 1 for axis in axes)


def _tied(call: Call, carrying: list[np.ndarray]) -> Ids:
    """Tie all that carry ids along a common axis; None if they share none."""
    first = max(carrying, key=lambda ids: len(varying(ids)))
    for ids in carrying:
        if set(varying(ids)).isdisjoint(varying(first)):
            for one in carrying:
                call.fix(one, f"{call.name!r} joins it with channels along another axis")
            return None
    for ids in carrying:
        if ids is not first:
            call.tie(ids, first)
    return first
