"""What tflite-micro's reference kernels take."""

from __future__ import annotations

from tfedge.runtime.accelerators.operator import Operator
from tfedge.runtime.micro_operators import MICRO_OPERATORS

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "SVDF")
_TEXT = ("bytes", "str")
_NEVER = ("float16", "bfloat16", "float64")


def micro(item: Operator) -> str:
    """Return why tflite-micro does not run an operator, or an empty text.

    Args:
        item: The operator.
    """
    if item.info.name not in MICRO_OPERATORS:
        return "tflite-micro has no such operator"
    kinds = {tensor.dtype for tensor in (*item.inputs, *item.outputs)}
    if foreign := sorted(kinds & set(_NEVER)):
        return f"{foreign[0]} is not supported"
    if kinds & set(_TEXT):
        return "strings are not supported"
    if item.info.name in _WEIGHTED and item.info.numeric_type.startswith("dynamic-"):
        return "float activations with integer weights are not supported"
    return ""
