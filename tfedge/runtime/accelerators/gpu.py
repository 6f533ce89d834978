"""What the GPU delegate of LiteRT and TensorFlow Lite takes.

The rules are those that the delegate itself applies before it takes an operator over. It may still
fail to build a graph of what it took.

Reference:
    LiteRT, ``tflite/delegates/gpu/common/model_builder.cc``: ``NewOperationParser`` lists the
    operators, each parser's ``IsSupported`` the newest version, ``GetOpsToReplace`` the types.
"""

from __future__ import annotations

from tfedge.runtime.accelerators import gpu_rules as rules
from tfedge.runtime.accelerators.operator import Operator, Rule

_NUMBERS = ("float32", "float16", "int8", "uint8")
_LARGEST_RANK = 4
_UNARY = [
    "ABS",
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
]
_COMPARISONS = ["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"]
_BINARY = [
    "DIV",
    "FLOOR_DIV",
    "FLOOR_MOD",
    "LOGICAL_AND",
    "MAXIMUM",
    "MINIMUM",
    "POW",
    "SQUARED_DIFFERENCE",
    "SUB",
]
_RECTIFIERS = ["RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "LEAKY_RELU"]
_POOLS = ["AVERAGE_POOL_2D", "MAX_POOL_2D"]
_RESIZES = ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"]
_PADS = ["PAD", "PADV2", "MIRROR_PAD"]
_MOVES = ["DEPTH_TO_SPACE", "HARD_SWISH", "QUANTIZE", "RESHAPE", "SPACE_TO_DEPTH", "TILE"]
_ANY = ["CONCATENATION", "PACK", "PRELU", "SPLIT", "SPLIT_V", "UNPACK", *_RECTIFIERS]

GPU: dict[str, Rule] = {
    **dict.fromkeys((*_UNARY, *_POOLS, *_RESIZES, *_MOVES, "TRANSPOSE"), rules.one_input),
    **dict.fromkeys(_BINARY, rules.two_inputs),
    **dict.fromkeys(_COMPARISONS, rules.logical),
    **dict.fromkeys(_ANY, rules.anything),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM"), rules.reduction),
    **dict.fromkeys(("CONV_2D", "TRANSPOSE_CONV"), rules.convolution),
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), rules.slice),
    **dict.fromkeys(_PADS, rules.pad),
    **dict.fromkeys(("SELECT", "SELECT_V2"), rules.select),
    **dict.fromkeys(("ADD_N", "BATCH_MATMUL"), rules.two_at_all),
    "ADD": rules.add,
    "CAST": rules.cast,
    "CUMSUM": rules.cumulative_sum,
    "DENSIFY": rules.densify,
    "DEPTHWISE_CONV_2D": rules.depthwise,
    "DEQUANTIZE": rules.dequantize,
    "FULLY_CONNECTED": rules.dense,
    "GATHER": rules.gather,
    "LSTM": rules.lstm,
    "MUL": rules.multiply,
    "ONE_HOT": rules.one_hot,
    "SOFTMAX": rules.softmax,
}

# The newest version of each operator that the delegate takes; those left out have no limit.
_NEWEST = {
    **dict.fromkeys((*_UNARY, *_BINARY, *_COMPARISONS, *_RECTIFIERS, *_POOLS, *_PADS), 2),
    **dict.fromkeys(("ADD", "ADD_N", "CONCATENATION", "QUANTIZE", "SLICE", "SOFTMAX"), 2),
    **dict.fromkeys(("CUMSUM", "DENSIFY", "GATHER", "ONE_HOT", "PRELU", "RESHAPE"), 1),
    **dict.fromkeys(("SELECT", "SELECT_V2"), 1),
    **dict.fromkeys((*_RESIZES, "DEQUANTIZE", "MUL", "TRANSPOSE_CONV"), 3),
    **dict.fromkeys(("LSTM", "STRIDED_SLICE", "TRANSPOSE"), 4),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), 6),
    "FULLY_CONNECTED": 9,
    "SPACE_TO_DEPTH": 2,
}

_EXTRA_IN = {
    "CAST": ("bool", "int32"),
    "GATHER": ("int32",),
    "LOGICAL_AND": ("bool",),
    "ONE_HOT": ("int32",),
    "SELECT": ("bool",),
    "SELECT_V2": ("bool",),
}
_EXTRA_OUT = {
    **dict.fromkeys((*_COMPARISONS, "LOGICAL_AND"), ("bool",)),
    "CAST": ("bool", "int32"),
}


def gpu(item: Operator) -> str:
    """Return why the GPU delegate does not take an operator, or an empty text.

    Args:
        item: The operator.
    """
    name = item.info.name
    if name not in GPU:
        return "not among the supported operations"
    if item.version > _NEWEST.get(name, item.version):
        return f"takes versions up to {_NEWEST[name]}; the file asks for {item.version}"
    return GPU[name](item) or _tensors(item)


def _tensors(item: Operator) -> str:
    """Return why tensors do not fit: more than four axes, types other than floats and 8 bits."""
    for tensor in (*item.inputs, *item.outputs):
        if len(tensor.shape) > _LARGEST_RANK:
            return f"takes up to {_LARGEST_RANK} axes; tensor {tensor.name!r} is {tensor.shape}"
    for tensors, extra in ((item.flowing, _EXTRA_IN), (item.outputs, _EXTRA_OUT)):
        allowed = (*_NUMBERS, *extra.get(item.info.name, ()))
        for tensor in tensors:
            if tensor.dtype not in allowed and not (tensor.variable or tensor.constant):
                return f"{tensor.dtype} activations; float or int8 ones are needed"
    return ""
