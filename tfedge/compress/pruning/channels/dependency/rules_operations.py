"""Operations of a graph: ``x + y``, ``x[..., :8]``, ``keras.ops.mean``, ``tf.concat``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.options import Options
from tfedge.compress.pruning.channels.dependency.places import Ids, on_axis, varying
from tfedge.compress.pruning.channels.dependency.rules_norms import mixed
from tfedge.compress.pruning.channels.dependency.rules_shapes import (
    axis_by_axis,
    concatenated,
    follow,
    new_sizes,
)
from tfedge.compress.pruning.channels.dependency.rules_simple import unknown
from tfedge.models.edges import Tensor, is_tensor, tensors_in


def elementwise(call: Call) -> Ids:
    """Tensors, numbers and constant arrays combined value by value."""
    constants = _constants(call)
    parts = call.parts() + [(_like(call, one), one.shape, "") for one in constants.values()]
    ids = call.joined(parts)
    if len(call.out_shapes) != 1 or ids is None or ids.ndim != len(call.out_shapes[0]):
        return mixed(call) if ids is not None else None
    for place, constant in constants.items():
        _cut_constant(call, place, constant, ids)
    return ids


def _constants(call: Call) -> dict[int | str, np.ndarray]:
    """Return the arrays among the arguments."""
    given = {**dict(enumerate(call.args)), **call.kwargs}
    plain = {k: v for k, v in given.items() if not tensors_in(v) and not isinstance(v, (str, dict))}
    arrays = {k: np.asarray(v) for k, v in plain.items() if hasattr(v, "shape")}
    lists = {k: np.asarray(v) for k, v in plain.items() if isinstance(v, (list, tuple))}
    return {k: v for k, v in {**arrays, **lists}.items() if v.ndim and v.size > 1}


def _like(call: Call, constant: np.ndarray) -> Ids:
    """Return ids for a constant: those of the first tensor, where it has full size."""
    for ids, shape in zip(call.incoming, call.shapes, strict=True):
        if len(varying(ids)) == 1:
            from_end = varying(ids)[0] - len(shape)
            if constant.ndim >= -from_end and constant.shape[from_end] == shape[from_end]:
                return on_axis(ids.reshape(-1), from_end, constant.ndim)  # type: ignore[union-attr]
    return None


def _cut_constant(call: Call, place: int | str, constant: np.ndarray, ids: np.ndarray) -> None:
    """Cut a constant where the channels lie."""
    for axis in varying(ids):
        from_end = axis - ids.ndim
        if constant.ndim >= -from_end and constant.shape[from_end] > 1:

            def value(kept: Any, old: Any, axis: int = axis, from_end: int = from_end) -> Any:
                """Return what is left of the constant."""
                return np.take(np.asarray(old), kept.places(ids, axis), from_end)

            call.argument(place, value)


def cast(call: Call) -> Ids:
    """Another dtype, the same places."""
    return call.incoming[0]


def silent(call: Call) -> list[Ids]:
    """The shape of a tensor is read when the model runs, and says what is left then."""
    return [None] * len(call.out_shapes)


def reduce(call: Call) -> Ids:
    """Mean, maximum ... over axes without channels; ``var`` and ``std`` too."""
    options = Options(call)
    axes = options.axes(len(call.shapes[0]))
    if options.get("keepdims"):
        return axis_by_axis(call, lambda ids: ids, axes)
    return axis_by_axis(call, lambda ids: ids.squeeze(axes), axes)


def softmax(call: Call) -> Ids:
    """Softmax along one axis, the last unless said."""
    return axis_by_axis(call, lambda ids: ids, Options(call).axes(len(call.shapes[0]), -1))


def along(call: Call) -> Ids:
    """Cumulative sums, rolls ...: along some axes, all unless said."""
    return axis_by_axis(call, lambda ids: ids, Options(call).axes(len(call.shapes[0])))


def pad(call: Call) -> Ids:
    """Borders are put around axes without channels."""
    widths = np.asarray(Options(call).get("pad"))
    padded = np.flatnonzero(widths.reshape(-1, 2).any(axis=1)) if widths.ndim == 2 else range(99)
    axes = [axis for axis in padded if axis < len(call.shapes[0])]
    return axis_by_axis(call, lambda ids: ids, axes)


def transpose(call: Call) -> Ids:
    """Axes in another order."""
    ids, rank = call.incoming[0], len(call.shapes[0])
    order = Options(call).get("axis", tuple(range(rank))[::-1])
    return None if ids is None else ids.transpose([int(axis) for axis in order])


def swapaxes(call: Call) -> Ids:
    """Two axes change places."""
    options = Options(call)
    ids = call.incoming[0]
    return None if ids is None else ids.swapaxes(options.get("axis1"), options.get("axis2"))


def moveaxis(call: Call) -> Ids:
    """Axes move to other places."""
    options = Options(call)
    ids = call.incoming[0]
    return None if ids is None else np.moveaxis(
        ids, options.get("source"), options.get("destination")
    )  # fmt: skip


def expand_dims(call: Call) -> Ids:
    """A new axis of size 1."""
    ids = call.incoming[0]
    return None if ids is None else np.expand_dims(ids, Options(call).get("axis"))


def squeeze(call: Call) -> Ids:
    """Axes of size 1 go."""
    shape = call.shapes[0]
    axes = Options(call).get("axis")
    if axes is None:
        axes = [axis for axis, size in enumerate(shape) if size == 1]
    chosen = tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)
    return axis_by_axis(call, lambda ids: ids.squeeze(chosen), chosen)


def reshape(call: Call) -> Ids:
    """A new shape, whose sizes change where channels go."""
    options, rank = Options(call), len(call.out_shapes[0])
    target = options.get("shape")
    if is_tensor(target):
        return mixed(call)
    ids = follow(call, call.incoming[0], call.shapes[0])
    sizes = list(target) if isinstance(target, (list, tuple)) else []
    if any(isinstance(sizes[axis], Tensor) for axis in varying(ids) if axis < len(sizes)):
        return mixed(call)
    if ids is not None and sizes:
        options.change("shape", lambda kept, old: new_sizes(kept, ids, old, rank))
    return ids


def concat(call: Call) -> Ids:
    """Tensors one after the other."""
    return concatenated(call, call.parts(), Options(call).get("axis", 0))


def stack(call: Call) -> Ids:
    """Tensors along a new axis: they must lose the same channels."""
    ids = call.joined(call.parts())
    axis = Options(call).get("axis", 0)
    return None if ids is None else np.expand_dims(ids, axis % (ids.ndim + 1))


def unstack(call: Call) -> list[Ids]:
    """The tensors along an axis, each for itself."""
    ids, rank = call.incoming[0], len(call.shapes[0])
    axis = int(Options(call).get("axis", 0)) % rank
    if ids is None or (ids.shape[axis] > 1 and len(varying(ids)) == 1):
        return unknown(call)
    count = len(call.out_shapes)
    if ids.shape[axis] == 1:
        return [ids.squeeze(axis)] * count
    return [ids.take(place, axis) for place in range(count)]
