"""Layers that scale channels: normalizations, PReLU, LayerScale."""

from __future__ import annotations

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.places import Ids, varying
from tfedge.compress.pruning.channels.dependency.rules_kernels import channel_axis

_OF_BATCH_NORM = (
    "gamma", "beta", "moving_mean", "moving_variance",
    "moving_stddev", "renorm_mean", "renorm_stddev",
)  # fmt: skip


def batch_norm(call: Call) -> Ids:
    """Each channel has statistics of its own, so that the others do not feel one going."""
    axis = call.layer.axis
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    if isinstance(axis, (list, tuple)):
        return mixed(call)
    line, rest = call.line(axis)
    if rest is not None:
        return _normalized_over(call)
    for weight in _OF_BATCH_NORM:
        call.follows(weight, 0, line)
    return call.incoming[0]


def layer_norm(call: Call) -> Ids:
    """Statistics over channels change when one goes, which no mask can copy: all must stay."""
    axes = call.layer.axis
    axes = [axes] if isinstance(axes, int) else list(axes)
    rank = len(call.shapes[0])
    over = {axis % rank for axis in axes}
    if over.intersection(varying(call.incoming[0])):
        return _normalized_over(call)
    return call.incoming[0]


def group_norm(call: Call) -> Ids:
    """Whole groups go; a group keeps its size and so its statistics."""
    line, rest = call.line(call.layer.axis)
    if line is None:
        return None if rest is None else _normalized_over(call)
    groups = call.layer.groups if call.layer.groups > 0 else len(line)
    if groups == 1:
        return _normalized_over(call)
    table = line.reshape(groups, -1)
    call.tie(table, table[:, :1])
    call.follows("gamma", 0, line)
    call.follows("beta", 0, line)
    call.sets("groups", lambda kept, old: old if old < 0 else kept.count(table[:, 0]))
    return call.incoming[0]


def mixed(call: Call) -> Ids:
    """Keep what goes into a layer that computes each value from several channels."""
    kind = type(call.layer).__name__
    call.fix_all(f"{call.name!r} ({kind}) computes with all channels together")
    return None


def _normalized_over(call: Call) -> Ids:
    """Keep the channels that a normalization takes its statistics over."""
    call.fix_all(
        f"{call.name!r} ({type(call.layer).__name__}) takes its statistics over it: without it "
        f"the other channels would change"
    )
    return None


def prelu(call: Call) -> Ids:
    """A slope for each channel, and maybe for each place."""
    ids = call.incoming[0]
    shape = tuple(call.layer.alpha.shape)
    carrying = [axis for axis in varying(ids) if shape[axis - 1] > 1]
    if len(carrying) == 1:
        line, _ = call.line(carrying[0])
        call.follows("alpha", carrying[0] - 1, line)
    elif carrying:
        return mixed(call)
    return ids


def layer_scale(call: Call) -> Ids:
    """One factor for each channel, its number a setting."""
    line, rest = call.line(channel_axis(call.layer))
    if rest is not None:
        return mixed(call)
    call.follows("gamma", 0, line)
    call.width("projection_dim", line)
    return call.incoming[0]


def normalization(call: Call) -> Ids:
    """Rescaling and Normalization: numbers alone do not care, a number for each channel does."""
    settings = (getattr(call.layer, name, 0.0) for name in ("scale", "offset", "mean", "variance"))
    if any(np.ndim(value) > 0 and np.size(value) > 1 for value in settings if value is not None):
        return mixed(call)
    return call.incoming[0]


def registered(call: Call, rule: object, follows: dict[str, int]) -> Ids:
    """A layer of the user's own: the same channels come out."""
    if callable(rule):
        return rule(call)
    if len(call.incoming) > 1:
        return call.joined(call.parts()) if not follows else mixed(call)
    if follows:
        line, rest = call.line(channel_axis(call.layer))
        if rest is not None:
            return mixed(call)
        for weight, axis in follows.items():
            call.follows(weight, axis, line)
    return call.incoming[0]
