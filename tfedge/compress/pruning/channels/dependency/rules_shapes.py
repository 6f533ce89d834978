"""What changes the shape of a tensor: flatten, reshape, permute, concatenate, repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.joining import Part
from tfedge.compress.pruning.channels.dependency.places import Ids, collapse, reshaped, varying
from tfedge.compress.pruning.channels.dependency.rules_norms import mixed


def reshape(call: Call) -> Ids:
    """The layers Reshape and Flatten, and operations that need no new argument."""
    ids = _followed(call)
    if ids is not None and call.variable("target_shape") is not None:
        rank = len(call.out_shapes[0])
        call.sets("target_shape", lambda kept, old: new_sizes(kept, ids, old, rank))
    return ids


def flatten(call: Call) -> Ids:
    """Places first, channels last; with channels in front, places lie last."""
    first = getattr(call.layer, "data_format", None) == "channels_first"
    ids = call.incoming[0]
    if first and ids is not None and len(call.shapes[0]) > 2:
        order = (0, *range(2, ids.ndim), 1)
        shape = call.shapes[0]
        return follow(call, ids.transpose(order), tuple(shape[axis] for axis in order))
    return _followed(call)


def _followed(call: Call) -> Ids:
    """Return the ids of the reshaped input."""
    return follow(call, call.incoming[0], call.shapes[0])


def follow(call: Call, ids: Ids, shape: tuple) -> Ids:
    """Return ids after a reshape to the output's shape; what cannot be followed must stay."""
    if not varying(ids):
        return None
    made = reshaped(ids, shape, call.out_shapes[0])  # type: ignore[arg-type]
    if made is None:
        return mixed(call)
    call.trace.block(made)
    return made


def new_sizes(kept: Any, ids: np.ndarray, old: Any, rank: int) -> Any:
    """Return the target of a reshape with the sizes that are left; -1 stays.

    Args:
        kept: Which ids stay.
        ids: Ids of the output.
        old: The target before, with or without the batch.
        rank: Number of dimensions of the output, batch included.
    """
    sizes = list(old)
    for axis in varying(ids):
        place = axis - (rank - len(sizes))
        if isinstance(sizes[place], (int, np.integer)) and sizes[place] != -1:
            sizes[place] = len(kept.places(ids, axis))
    return tuple(sizes) if isinstance(old, tuple) else sizes


def permute(call: Call) -> Ids:
    """The layer Permute counts axes from 1 and leaves the batch out."""
    ids = call.incoming[0]
    return None if ids is None else ids.transpose((0, *call.layer.dims))


def repeat_vector(call: Call) -> Ids:
    """(batch, channels) becomes (batch, n, channels)."""
    ids = call.incoming[0]
    return None if ids is None else np.expand_dims(ids, 1)


def concatenate(call: Call) -> Ids:
    """The layer Concatenate."""
    return concatenated(call, call.parts(), call.layer.axis)


def concatenated(call: Call, parts: Sequence[Part], axis: int) -> Ids:
    """Return the ids of tensors put one after the other along an axis.

    Along the channels each keeps its own; along another axis they must lose the same.
    """
    rank = len(parts[0][1])
    axis = axis % rank
    along = any(axis in varying(ids) for ids, _, _ in parts)
    if not along:
        same = [(ids, (*s[:axis], 2, *s[axis + 1 :]), name) for ids, s, name in parts]
        return call.joined(same)
    if any(shape[axis] is None for _, shape, _ in parts):
        return mixed(call)
    lines = [_line(call, part, axis) for part in parts]
    shape = [1] * rank
    line = np.concatenate(lines)
    shape[axis] = len(line)
    return line.reshape(shape)


def _line(call: Call, part: Part, axis: int) -> np.ndarray:
    """Return the ids of one part along the axis; new ones that stay, if it has none."""
    ids, shape, name = part
    if axis in varying(ids):
        return collapse(call.trace.ties, ids, axis)  # type: ignore[arg-type]
    call.fix(ids, f"{call.name!r} joins it with channels along another axis")
    line = call.trace.ties.new(shape[axis])
    call.fix(line, f"{call.name!r} joins it with {name}, which cannot lose channels")
    return line


def axis_by_axis(call: Call, change: Callable[[np.ndarray], np.ndarray], axes: Any) -> Ids:
    """Apply a change to ids if none lie along the axes that it mixes; else keep all."""
    ids = call.incoming[0]
    if ids is None:
        return None
    if {axis % ids.ndim for axis in axes}.intersection(varying(ids)):
        return mixed(call)
    return change(ids)
