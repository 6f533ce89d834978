"""Layers that leave channels as they are, or about which nothing is known."""

from __future__ import annotations

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.elementwise import activate
from tfedge.compress.pruning.channels.dependency.places import Ids, on_axis
from tfedge.compress.pruning.channels.dependency.rules_kernels import channel_axis
from tfedge.compress.pruning.channels.dependency.rules_norms import mixed


def unknown(call: Call) -> list[Ids]:
    """Keep all that goes in; nothing that comes out can go."""
    call.fix_all(call.unknown)
    return [None] * len(call.out_shapes)


def same(call: Call) -> Ids:
    """Each place of the output comes from the same place of the input."""
    return call.incoming[0]


def merge(call: Call) -> Ids:
    """Add, Multiply, Average ...: tensors combined place by place."""
    ranks = {len(shape) for shape in call.shapes}
    return call.joined(call.parts()) if len(ranks) == 1 else mixed(call)


def activation(call: Call) -> Ids:
    """A function of each value, or one over channels."""
    ids = call.incoming[0]
    activate(call, ids)
    return ids


def softmax(call: Call) -> Ids:
    """Softmax over some axes: what lies along them must stay."""
    axes = call.layer.axis
    for axis in axes if isinstance(axes, (list, tuple)) else [axes]:
        if call.incoming[0] is not None and call.incoming[0].shape[axis] > 1:
            return mixed(call)
    return call.incoming[0]


def window(call: Call) -> Ids:
    """Pooling, padding, cropping, resizing: places move within each channel."""
    axis = channel_axis(call.layer)
    line, _ = call.line(axis, keep=True)
    return on_axis(line, axis, len(call.out_shapes[0]))


def global_pooling(call: Call) -> Ids:
    """One value for each channel is left."""
    first = channel_axis(call.layer) == 1
    line, _ = call.line(channel_axis(call.layer), keep=True)
    rank = len(call.out_shapes[0])
    return on_axis(line, 1 if first or rank == 2 else -1, rank)
