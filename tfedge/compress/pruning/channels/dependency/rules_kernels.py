"""Layers with kernels: they consume channels and make new ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.elementwise import activate
from tfedge.compress.pruning.channels.dependency.places import Ids, collapse, on_axis, varying


def channel_axis(layer: Any) -> int:
    """Return the axis of a layer's tensors that holds channels.

    Example:
        >>> channel_axis("a layer without data format")
        -1
    """
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


def dense(call: Call) -> Ids:
    """The last axis is consumed and made anew; places along others pass."""
    line, rest = call.line(-1)
    call.consumes("kernel", 0, line)
    made = _units(call, "kernel", -1, "units")
    return passing(call, made, rest)


def passing(call: Call, made: np.ndarray, rest: Ids) -> Ids:
    """Return the ids of an output whose last axis was made, and whose others may carry ids.

    Ids of two axes at once are not followed: those that can go anyhow win.
    """
    rank = len(call.out_shapes[0])
    if rest is None or call.trace.is_fixed(rest):
        return on_axis(made, -1, rank)
    call.fix(made, f"{call.name!r} makes it while another axis carries channels")
    return rest


def _units(call: Call, weight: str, axis: int, setting: str) -> np.ndarray:
    """Name the weights that make the channels of a layer, and return the channels."""
    made = call.makes(weight, axis)
    call.follows("bias", 0, made)
    call.width(setting, made)
    activate(call, made)
    return made


def conv(call: Call) -> Ids:
    """Convolutions, grouped ones too."""
    axis, groups = channel_axis(call.layer), getattr(call.layer, "groups", 1)
    line, _ = call.line(axis, keep=True)
    if groups > 1:
        made = _grouped(call, line, groups)
    else:
        call.consumes("kernel", -2, line)
        made = _units(call, "kernel", -1, "filters")
    return on_axis(made, axis, len(call.out_shapes[0]))


def _grouped(call: Call, line: Ids, groups: int) -> np.ndarray:
    """Groups must stay alike: whole groups go, or the same channels of each."""
    made = _units(call, "kernel", -1, "filters")
    by_group = made.reshape(groups, -1)
    if line is None:
        call.consumes("kernel", -2, None)
        call.tie(by_group, by_group[:1])
    elif groups >= len(line) // groups:
        call.tie(line.reshape(groups, -1), by_group[:, :1])
        call.tie(by_group, by_group[:, :1])
        call.width("groups", by_group[:, 0])
    else:
        call.tie(line.reshape(groups, -1), line.reshape(groups, -1)[:1])
        call.consumes("kernel", -2, line[: len(line) // groups])
        call.tie(by_group, by_group[:1])
    return made


def conv_transpose(call: Call) -> Ids:
    """Transposed convolutions hold the two axes the other way round."""
    axis = channel_axis(call.layer)
    line, _ = call.line(axis, keep=True)
    call.consumes("kernel", -1, line)
    made = _units(call, "kernel", -2, "filters")
    return on_axis(made, axis, len(call.out_shapes[0]))


def depthwise(call: Call) -> Ids:
    """Each channel has kernels of its own, ``depth_multiplier`` of them."""
    axis, times = channel_axis(call.layer), call.layer.depth_multiplier
    line, _ = call.line(axis, keep=True)
    weight = "kernel" if call.variable("depthwise_kernel") is None else "depthwise_kernel"
    call.follows(weight, -2, line)
    made = None if line is None else np.repeat(line, times)
    call.follows("bias", 0, made)
    activate(call, made)
    return on_axis(made, axis, len(call.out_shapes[0]))


def separable(call: Call) -> Ids:
    """A depthwise convolution and a pointwise one in one layer."""
    axis, times = channel_axis(call.layer), call.layer.depth_multiplier
    line, _ = call.line(axis, keep=True)
    call.follows("depthwise_kernel", -2, line)
    call.consumes("pointwise_kernel", -2, None if line is None else np.repeat(line, times))
    made = _units(call, "pointwise_kernel", -1, "filters")
    return on_axis(made, axis, len(call.out_shapes[0]))


def embedding(call: Call) -> Ids:
    """A table of vectors: the width of the vectors can go."""
    made = call.makes("embeddings", -1)
    call.width("output_dim", made)
    return on_axis(made, -1, len(call.out_shapes[0]))


def einsum_dense(call: Call) -> Ids:
    """Each letter of the kernel is consumed, made, or goes along."""
    given, kernel, out = letters(call.layer.equation, len(call.shapes[0]), len(call.out_shapes[0]))
    ids = call.incoming[0]
    carried = [given[axis] for axis in varying(ids)]
    used = [letter for letter in carried if letter in kernel]
    if used:
        ids = collapse(call.trace.ties, ids, given.index(used[0]))  # type: ignore[arg-type]
    for axis, letter in enumerate(kernel):
        line = ids if used and letter == used[0] else None
        if letter in given:
            (call.follows if letter in out else call.consumes)("kernel", axis, line)
    if used and used[0] in out:
        made, letter = ids, used[0]
        _other_axes(call, kernel, given)
    else:
        made, letter = _widest(call, kernel, given, out)
    if ids is not None and not used and not call.trace.is_fixed(ids):
        call.fix(made, f"{call.name!r} makes it while another axis carries channels")
        return _moved(ids, given, out)
    if made is None:
        return None
    _einsum_width(call, made, letter, out)
    return on_axis(made, out.index(letter), len(out))


def letters(equation: str, in_rank: int, out_rank: int) -> tuple[str, str, str]:
    """Return the subscripts of input, kernel and output, with ``...`` spelt out in digits.

    Example:
        >>> letters("...x,xy->...y", 3, 3)
        ('01x', 'xy', '01y')
    """
    given, rest = equation.replace(" ", "").split(",")
    kernel, out = rest.split("->")
    more = "".join(map(str, range(in_rank - len(given.replace("...", "")))))
    return given.replace("...", more), kernel, out.replace("...", more)


def _widest(call: Call, kernel: str, given: str, out: str) -> tuple[Any, str]:
    """Make the first axis of the kernel that only the output has; the others stay."""
    new = [letter for letter in kernel if letter in out and letter not in given]
    if not new:
        return None, ""
    made = call.makes("kernel", kernel.index(new[0]))
    for letter in new[1:]:
        _stays(call, kernel, letter)
    return made, new[0]


def _other_axes(call: Call, kernel: str, given: str) -> None:
    """Keep what is made while a letter goes along with the channels that come in."""
    for letter in kernel:
        if letter not in given:
            _stays(call, kernel, letter)


def _stays(call: Call, kernel: str, letter: str) -> None:
    """Note an axis that is made and keeps its width."""
    one = call.makes("kernel", kernel.index(letter))
    call.fix(one, f"{call.name!r} makes channels along several axes, and another was chosen")


def _moved(ids: np.ndarray, given: str, out: str) -> Ids:
    """Return ids in the order of the output's letters."""
    if not all(given[axis] in out for axis in varying(ids)):
        return None
    shape = [ids.shape[given.index(one)] if one in given else 1 for one in out]
    order = [given.index(one) for one in out if one in given]
    rest = [axis for axis in range(ids.ndim) if axis not in order]
    return ids.transpose(order + rest).reshape(shape)


def _einsum_width(call: Call, made: np.ndarray, letter: str, out: str) -> None:
    """Note bias and settings of the made axis."""
    axis = out.index(letter)
    biased = [one for one in out if one in (call.layer.bias_axes or "")]
    if letter in biased:
        call.follows("bias", biased.index(letter), made)

    def value(kept: Any, old: Any) -> Any:
        """Return the output shape, batch left out, with the new width."""
        sizes = list(old) if isinstance(old, (list, tuple)) else [old]
        sizes[axis - (len(out) - len(sizes))] = kept.count(made)
        return type(old)(sizes) if isinstance(old, (list, tuple)) else sizes[0]

    call.sets("output_shape", value)
    activate(call, made)
