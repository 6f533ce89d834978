"""What Coral's Edge TPU takes, as its compiler decides.

Reference:
    Coral, "TensorFlow models on the Edge TPU", model requirements and supported operations:
    https://coral.ai/docs/edgetpu/models-intro/ ; a copy of its table at
    https://developer.axis.com/computer-vision/on-device/system-on-chip/artpec-7/supported-ops/
"""

from __future__ import annotations

import numpy as np

from tfedge.runtime.accelerators.operator import Operator, Rule

_CODES = ("int8", "uint8")
_LARGEST_SOFTMAX = 16_000
_CHANNELS = 4
_ANY = [
    "ADD",
    "EXPAND_DIMS",
    "L2_NORMALIZATION",
    "LOGISTIC",
    "MAXIMUM",
    "MINIMUM",
    "MUL",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
    "RSQRT",
    "SLICE",
    "SPACE_TO_DEPTH",
    "SQUARED_DIFFERENCE",
    "SUB",
    "TANH",
    "TRANSPOSE",
    "TRANSPOSE_CONV",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
]


def requirements(item: Operator) -> str:
    """Return which requirement of every operator is not met, or an empty text.

    Tensors are int8 or uint8, of constant size, and only their three innermost axes are longer
    than 1; weights lie in the file.

    Args:
        item: The operator.
    """
    for tensor in (*item.flowing, *item.outputs):
        if tensor.dtype not in _CODES:
            return f"{tensor.dtype} activations; int8 ones are needed"
        if -1 in tensor.shape_signature[1:] or 0 in tensor.shape:
            return f"tensor {tensor.name!r} has no constant size"
        if len(tensor.shape) > 3 and max(tensor.shape[:-3]) > 1:
            return f"shape {tensor.shape}: only the three innermost axes may be longer than 1"
    return ""


def _no_fused_activation(item: Operator) -> str:
    """Pooling has no activation built in."""
    return "takes no fused activation" if item.options["fused_activation"] else ""


def _concatenation(item: Operator) -> str:
    """No activation; a constant part only as padding with zeros."""
    if item.options["fused_activation"]:
        return "takes no fused activation"
    if not item.constants:
        return ""
    zeros = all(
        np.all(item.stored[tensor.index] == (tensor.zero_point or 0)) for tensor in item.constants
    )
    fits = len(item.inputs) == 2 and zeros
    return "" if fits else "takes a constant part only beside one other, and of zeros"


def _convolution(item: Operator) -> str:
    """The same dilation both ways, weights in the file."""
    if item.options["dilation_w"] != item.options["dilation_h"]:
        return "takes the same dilation along both axes only"
    return _weights(item)


def _weights(item: Operator) -> str:
    """Weights lie in the file."""
    return "" if len(item.flowing) == 1 else "takes weights that lie in the file only"


def _dense(item: Operator) -> str:
    """Default weights, a vector out."""
    if item.options["weights_format"]:
        return "takes weights in the default format only"
    shape = item.outputs[0].shape
    if len(shape) > 1 and max(shape[:-1]) > 1:
        return f"has to give one vector; the output is {shape}"
    return _weights(item)


def _axes(item: Operator) -> set[int] | None:
    """Return the axes that an operator reduces, counted from the front; None if not constant."""
    value, count = item.value(1), len(item.inputs[0].shape)
    return None if value is None else {int(axis) % count for axis in np.ravel(value)}


def _not_the_batch(item: Operator) -> str:
    """Reductions leave the batch alone."""
    axes = _axes(item)
    if axes is None:
        return "takes constant axes only"
    return "cannot reduce the batch axis" if 0 in axes else ""


def _mean(item: Operator) -> str:
    """Leave the batch alone; channels by multiples of four."""
    axes, shape = _axes(item), item.inputs[0].shape
    if axes and len(shape) - 1 in axes and shape[-1] % _CHANNELS:
        return f"averages channels in multiples of {_CHANNELS} only; there are {shape[-1]}"
    return _not_the_batch(item)


def _pad(item: Operator) -> str:
    """Not along the batch."""
    value = item.value(1)
    if value is None:
        return "takes constant paddings only"
    return "cannot pad the batch axis" if value[0].any() else ""


def _prelu(item: Operator) -> str:
    """One slope per channel."""
    shape = item.inputs[1].shape
    return "" if max(shape[:-1], default=1) == 1 else "takes one slope for each channel only"


def _softmax(item: Operator) -> str:
    """One vector of at most 16,000 values."""
    shape = item.inputs[0].shape
    if len(shape) > 1 and max(shape[:-1]) > 1:
        return f"takes one vector; the input is {shape}"
    return "" if shape[-1] <= _LARGEST_SOFTMAX else f"takes at most {_LARGEST_SOFTMAX:,} values"


def _strided_slice(item: Operator) -> str:
    """Strides of 1, nothing that makes axes."""
    steps = item.value(3)
    if steps is None or np.any(steps != 1):
        return "takes constant strides of 1 only"
    masks = [name for name in ("ellipsis_mask", "new_axis_mask") if item.options[name]]
    return f"does not take {masks[0]}" if masks else ""


def _pack(item: Operator) -> str:
    """Not along the batch."""
    return "" if item.options["axis"] else "cannot pack along the batch axis"


def _split(item: Operator) -> str:
    """Not along the batch: the axis comes first."""
    axis = item.value(0)
    if axis is None:
        return "takes a constant axis only"
    return "" if int(np.ravel(axis)[0]) else "cannot split the batch axis"


def _squeeze(item: Operator) -> str:
    """Only leading axes of 1."""
    long = [size for size in item.inputs[0].shape if size > 1]
    tail = item.inputs[0].shape[len(item.inputs[0].shape) - len(long) :]
    return "" if list(tail) == long else "drops leading axes only"


EDGETPU: dict[str, Rule] = {
    **dict.fromkeys(_ANY, lambda item: ""),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _no_fused_activation),
    **dict.fromkeys(("SUM", "REDUCE_MAX", "REDUCE_MIN"), _not_the_batch),
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "FULLY_CONNECTED": _dense,
    "MEAN": _mean,
    "PACK": _pack,
    "PAD": _pad,
    "PRELU": _prelu,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
}
