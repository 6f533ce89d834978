"""What the GPU delegate of TensorFlow Lite takes.

The rules are those that the delegate itself applies before it takes an operator over.

Reference:
    TensorFlow, ``tensorflow/lite/tools/versioning/gpu_compatibility.cc``.
"""

from __future__ import annotations

from tfedge.runtime.accelerators.operator import Operator, Rule

_TWO = "takes two inputs, one of them computed, and has one output"
_UNARY = [
    "ABS",
    "CEIL",
    "COS",
    "ELU",
    "EXP",
    "FLOOR",
    "GELU",
    "LOG",
    "LOGISTIC",
    "NEG",
    "RSQRT",
    "SIGN",
    "SIN",
    "SQRT",
    "SQUARE",
    "TANH",
    "HARD_SWISH",
    "RESHAPE",
    "TILE",
    "TRANSPOSE",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
    "QUANTIZE",
    "DEPTH_TO_SPACE",
    "SPACE_TO_DEPTH",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
]
_BINARY = [
    "ATAN2",
    "DIV",
    "EQUAL",
    "FLOOR_DIV",
    "FLOOR_MOD",
    "GREATER",
    "GREATER_EQUAL",
    "LOGICAL_AND",
    "LESS",
    "LESS_EQUAL",
    "MAXIMUM",
    "MINIMUM",
    "NOT_EQUAL",
    "POW",
    "SQUARED_DIFFERENCE",
    "SUB",
]
_ANY = [
    "CONCATENATION",
    "PACK",
    "PRELU",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "LEAKY_RELU",
    "SPLIT",
    "SPLIT_V",
    "DENSIFY",
    "BATCH_MATMUL",
]
_REDUCTIONS = ["MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM"]


def _one_input(item: Operator) -> str:
    """One computed input, one output."""
    if len(item.flowing) == 1 and len(item.outputs) == 1:
        return ""
    return f"takes one computed input; there are {len(item.flowing)}"


def _two_inputs(item: Operator) -> str:
    """Two inputs, at most one of them constant."""
    fits = len(item.inputs) == 2 and len(item.flowing) >= 1 and len(item.outputs) == 1
    return "" if fits else _TWO


def _reduction(item: Operator) -> str:
    """Axes are constant."""
    if len(item.constants) != 1 or item.constants[0].dtype != "int32":
        return "takes constant axes only"
    return _one_input(item)


def _convolution(item: Operator) -> str:
    """At most two computed inputs."""
    return "" if len(item.flowing) <= 2 else "takes at most two computed inputs"


def _depthwise(item: Operator) -> str:
    """Several outputs per channel only from one channel."""
    several = item.options["depth_multiplier"] != 1 and item.inputs[0].shape[-1] != 1
    if several:
        return "takes depth_multiplier > 1 only where the input has one channel"
    return _convolution(item)


def _dense(item: Operator) -> str:
    """Default weights, a computed input, rank kept only where it is the same."""
    if item.options["weights_format"] or len(item.flowing) > 2:
        return "takes weights in the default format and at most two computed inputs"
    if item.inputs[0].constant:
        return "takes no constant input"
    same = len(item.inputs[0].shape) == len(item.outputs[0].shape)
    if item.options["keep_num_dims"] and not same:
        return "cannot change the number of axes with keep_num_dims"
    return ""


def _add(item: Operator) -> str:
    """Two inputs that broadcast."""
    return "" if len(item.inputs) == 2 else "takes two inputs"


def _multiply(item: Operator) -> str:
    """Two inputs of which one is nowhere the smaller one."""
    if len(item.inputs) != 2:
        return "takes two inputs"
    first, second = (tensor.shape for tensor in item.inputs)
    pairs = list(zip(first, second, strict=False)) if len(first) == len(second) else []
    if any(a < b for a, b in pairs) and any(a > b for a, b in pairs):
        return f"cannot multiply {first} by {second}: each is the smaller one along some axis"
    return ""


def _cast(item: Operator) -> str:
    """Between float and bool, float and int32."""
    kinds = item.inputs[0].dtype, item.outputs[0].dtype
    floats = ("float16", "float32")
    flags = "bool" in kinds and any(kind in floats for kind in kinds)
    numbers = set(kinds) <= {"float32", "int32"}
    return "" if flags or numbers else f"cannot cast {kinds[0]} to {kinds[1]}"


def _slice(item: Operator) -> str:
    """Three or four axes, nothing that changes their number."""
    masks = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    used = [name for name in masks if item.options.get(name)]
    if used:
        return f"does not take {used[0]}"
    if len(item.inputs[0].shape) not in (3, 4):
        return f"takes tensors of 3 or 4 axes; this one has {len(item.inputs[0].shape)}"
    return ""


def _pad(item: Operator) -> str:
    """Three or four axes; mirrored only by reflection."""
    if item.options.get("mode"):
        return "takes reflection only"
    if len(item.inputs) < 2 or item.inputs[1].shape not in ((3, 2), (4, 2)):
        return "takes tensors of 3 or 4 axes"
    return _one_input(item)


def _softmax(item: Operator) -> str:
    """No temperature."""
    return "" if item.options["beta"] == 1 else "takes beta = 1 only"


def _dequantize(item: Operator) -> str:
    """From 8 bits or float16."""
    return "cannot dequantize int16" if item.inputs[0].dtype == "int16" else ""


def _gather(item: Operator) -> str:
    """A vector of indices, no whole numbers to choose from."""
    if item.inputs[0].dtype == "int32":
        return "does not choose among int32 values"
    indices = item.inputs[1]
    if len(indices.shape) != 1 or indices.dtype != "int32":
        return "takes a vector of int32 indices"
    return ""


def _lookup(item: Operator) -> str:
    """A vector of numbers, a table of int8, int4 or float32."""
    if len(item.inputs[0].shape) != 1:
        return "takes a vector of numbers"
    kind = item.inputs[1].dtype
    return "" if kind in ("int8", "int4", "float32") else f"takes no table of {kind}"


GPU: dict[str, Rule] = {
    **dict.fromkeys(_UNARY, _one_input),
    **dict.fromkeys(_BINARY, _two_inputs),
    **dict.fromkeys(_ANY, lambda item: ""),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(("CONV_2D", "TRANSPOSE_CONV"), _convolution),
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), _slice),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _pad),
    "ADD": _add,
    "ADD_N": _add,
    "CAST": _cast,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": _dequantize,
    "EMBEDDING_LOOKUP": _lookup,
    "FULLY_CONNECTED": _dense,
    "GATHER": _gather,
    "MUL": _multiply,
    "SOFTMAX": _softmax,
}
