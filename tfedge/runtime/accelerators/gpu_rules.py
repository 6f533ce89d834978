"""When the GPU delegate takes an operator: one rule for each kind.

Reference:
    LiteRT, ``tflite/tools/versioning/gpu_compatibility.cc`` without its flags, and what
    ``tflite/delegates/gpu/common/model_builder.cc`` asks for CAST, comparisons and LSTM.
"""

from __future__ import annotations

from tfedge.runtime.accelerators.operator import Operator

_FLOATS = ("float32", "float16")
_TAKE_FLAGS = ("CAST", "SELECT", "SELECT_V2")
_TANH, _BASIC, _FULL_INPUTS = 4, 1, (20, 24)


def anything(item: Operator) -> str:
    """No condition of its own."""
    return ""


def one_input(item: Operator) -> str:
    """One computed input, one output."""
    if len(item.flowing) == 1 and len(item.outputs) == 1:
        return ""
    return f"takes one computed input; there are {len(item.flowing)}"


def two_inputs(item: Operator) -> str:
    """Two inputs, at most one of them constant."""
    fits = len(item.inputs) == 2 and len(item.flowing) >= 1 and len(item.outputs) == 1
    return "" if fits else "takes two inputs, one of them computed, and has one output"


def reduction(item: Operator) -> str:
    """Axes are constant."""
    if len(item.constants) != 1 or item.constants[0].dtype != "int32":
        return "takes constant axes only"
    return one_input(item)


def convolution(item: Operator) -> str:
    """At most two computed inputs."""
    return "" if len(item.flowing) <= 2 else "takes at most two computed inputs"


def depthwise(item: Operator) -> str:
    """Several outputs per channel only from one channel."""
    several = item.options["depth_multiplier"] != 1 and item.inputs[0].shape[-1] != 1
    if several:
        return "takes depth_multiplier > 1 only where the input has one channel"
    return convolution(item)


def dense(item: Operator) -> str:
    """Default weights, a computed input, rank kept only where it is the same."""
    if item.options["weights_format"] or len(item.flowing) > 2:
        return "takes weights in the default format and at most two computed inputs"
    if item.inputs[0].constant:
        return "takes no constant input"
    same = len(item.inputs[0].shape) == len(item.outputs[0].shape)
    if item.options["keep_num_dims"] and not same:
        return "cannot change the number of axes with keep_num_dims"
    return ""


def two_at_all(item: Operator) -> str:
    """Two inputs, of whatever kind."""
    return "" if len(item.inputs) == 2 else "takes two inputs"


def add(item: Operator) -> str:
    """Two inputs that broadcast."""
    return two_at_all(item) or _broadcast(item)


def _broadcast(item: Operator) -> str:
    """Of different ranks only where the shorter shape stands for rows of a whole batch."""
    short, long = sorted((tensor.shape for tensor in item.inputs), key=len)
    if len(short) < 2 or len(short) == len(long):
        return ""
    fits = len(long) == 4 and (
        (len(short) == 3 and long[0] == 1)
        or (short == (1, 1) and long[0] == 1)
        or short == (long[0], long[3])
    )
    return "" if fits else f"cannot broadcast {short} to {long}"


def multiply(item: Operator) -> str:
    """Two inputs of which one is nowhere the smaller one."""
    if why := add(item):
        return why
    first, second = (tensor.shape for tensor in item.inputs)
    pairs = list(zip(first, second, strict=False)) if len(first) == len(second) else []
    if any(a < b for a, b in pairs) and any(a > b for a, b in pairs):
        return f"cannot multiply {first} by {second}: each is the smaller one along some axis"
    return ""


def cast(item: Operator) -> str:
    """Between float and bool, float and int32; flags from an operator to an operator."""
    kinds = item.inputs[0].dtype, item.outputs[0].dtype
    flags = "bool" in kinds and any(kind in _FLOATS for kind in kinds)
    if not flags and not set(kinds) <= {"float32", "int32"}:
        return f"cannot cast {kinds[0]} to {kinds[1]}"
    around = item.neighbours
    lonely = around.made and around.alone and len(around.readers) == 1
    if kinds[0] == "bool" and not lonely:
        return "casts flags only from one operator for one operator"
    return one_input(item)


def logical(item: Operator) -> str:
    """Flags go into one CAST or SELECT that makes floats of them."""
    readers = item.neighbours.readers
    fits = len(readers) == 1 and readers[0][0] in _TAKE_FLAGS and readers[0][1] in _FLOATS
    return "" if fits else "its flags have to go into one CAST or SELECT to float, nowhere else"


def lstm(item: Operator) -> str:
    """A basic cell of five inputs or a full one of 20 or 24, with tanh."""
    if item.options["fused_activation"] != _TANH:
        return "takes tanh activation only"
    if item.options["kernel_type"] == _BASIC:
        return _basic_lstm(item)
    count = len(item.info.inputs)
    if count not in _FULL_INPUTS:
        return f"takes 20 or 24 inputs; there are {count}"
    return "" if len(item.outputs) == 1 else f"takes one output; there are {len(item.outputs)}"


def _basic_lstm(item: Operator) -> str:
    """Three computed and two constant inputs, four outputs, no clipping, whole groups of four."""
    counts = len(item.flowing), len(item.constants), len(item.outputs)
    if counts != (3, 2, 4):
        return (
            "takes 3 computed and 2 constant inputs and 4 outputs; there are {}, {} and {}".format(
                *counts
            )
        )
    clips = [name for name in ("cell_clip", "proj_clip") if item.options[name]]
    if clips:
        return f"does not take {clips[0]}"
    depth = item.outputs[3].shape[-1]
    return "" if depth % 4 == 0 else f"takes gates in multiples of 4 only; there are {depth}"


def cumulative_sum(item: Operator) -> str:
    """Floats along a constant axis."""
    if len(item.inputs) != 2 or item.inputs[0].dtype not in _FLOATS:
        return "takes float values and an axis"
    axis = item.inputs[1]
    return "" if axis.constant and axis.dtype == "int32" else "takes a constant axis only"


def one_hot(item: Operator) -> str:
    """One number in a batch, spread along a new last axis, between constant floats."""
    if len(item.inputs) != 4 or item.inputs[0].dtype != "int32":
        return "takes int32 numbers"
    if item.options["axis"] != -1:
        return "adds a last axis only"
    shape = item.inputs[0].shape
    inner = shape[1 if len(shape) > 3 else 0 : -1]
    if any(size != 1 for size in inner):
        return f"takes one number in a batch; the input is {shape}"
    values = item.inputs[2:]
    plain = all(t.constant and t.dtype == "float32" and t.shape in ((), (1,)) for t in values)
    return "" if plain else "takes constant float values for on and off only"


def select(item: Operator) -> str:
    """Flags or floats choose between floats as large as the output, or single ones."""
    if len(item.inputs) != 3 or len(item.outputs) != 1:
        return "takes three inputs and has one output"
    condition, *values = item.inputs
    if condition.dtype not in ("bool", *_FLOATS) or {v.dtype for v in values} - set(_FLOATS):
        return "chooses between floats only, by flags or floats"
    for value in values:
        if value.shape not in ((), (1,), item.outputs[0].shape):
            return f"cannot broadcast {value.shape} to {item.outputs[0].shape}"
        if value.constant and len(value.shape) == 2:
            return "takes no constant values of 2 axes"
    return ""


def densify(item: Operator) -> str:
    """Sparse values that lie in the file."""
    return "takes values that lie in the file only" if item.flowing else ""


def slice(item: Operator) -> str:
    """Three or four axes, nothing that changes their number."""
    masks = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    used = [name for name in masks if item.options.get(name)]
    if used:
        return f"does not take {used[0]}"
    if len(item.inputs[0].shape) not in (3, 4):
        return f"takes tensors of 3 or 4 axes; this one has {len(item.inputs[0].shape)}"
    return ""


def pad(item: Operator) -> str:
    """Three or four axes; mirrored only by reflection."""
    if item.options.get("mode"):
        return "takes reflection only"
    if len(item.inputs) < 2 or item.inputs[1].shape not in ((3, 2), (4, 2)):
        return "takes tensors of 3 or 4 axes"
    return one_input(item)


def softmax(item: Operator) -> str:
    """No temperature."""
    return "" if item.options["beta"] == 1 else "takes beta = 1 only"


def dequantize(item: Operator) -> str:
    """From 8 bits or float16."""
    return "cannot dequantize int16" if item.inputs[0].dtype == "int16" else ""


def gather(item: Operator) -> str:
    """A vector of indices, no whole numbers to choose from."""
    if item.inputs[0].dtype == "int32":
        return "does not choose among int32 values"
    indices = item.inputs[1]
    if len(indices.shape) != 1 or indices.dtype != "int32":
        return "takes a vector of int32 indices"
    return ""
