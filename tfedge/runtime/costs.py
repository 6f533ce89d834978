"""What one operator of a file costs on any machine: multiply-accumulates, and bytes it moves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.model import TFLiteModel

_BITS = {"int4": 4, "uint4": 4, "int2": 2}


def operator_macs(operator: OperatorInfo, tensors: Mapping[int, TensorInfo]) -> int:
    """Return the multiply-accumulates of one run of an operator, for the shapes in the file.

    Convolutions, matrix products and recurrent layers have them; everything else counts as 0.

    Args:
        operator: The operator.
        tensors: All tensors of the file by index.

    Example:
        >>> shapes = enumerate([(1, 8, 8, 3), (16, 3, 3, 3), (1, 8, 8, 16)])
        >>> tensors = {n: TensorInfo(n, "t", shape, shape, "int8") for n, shape in shapes}
        >>> operator_macs(OperatorInfo(0, "CONV_2D", "int8", "y", (0, 1), (2,), (), ()), tensors)
        27648
    """
    shapes = [tensors[index].shape if index in tensors else () for index in operator.inputs]
    written = math.prod(tensors[operator.outputs[0]].shape) if operator.outputs else 0
    name = operator.name
    if name in ("CONV_2D", "CONV_3D"):
        return written * math.prod(shapes[1][1:] if name == "CONV_2D" else shapes[1][:-1])
    if name == "DEPTHWISE_CONV_2D":
        return written * math.prod(shapes[1][1:3])
    if name == "TRANSPOSE_CONV":
        return math.prod(shapes[2]) * math.prod(shapes[1][:3])
    if name == "FULLY_CONNECTED":
        return written * shapes[1][-1]
    if name == "BATCH_MATMUL":
        return written * shapes[0][-1]
    if name.endswith(("SEQUENCE_LSTM", "SEQUENCE_RNN")):
        return _recurrent(shapes)
    return 0


def macs_of_file(lite: TFLiteModel) -> int:
    """Return the multiply-accumulates of one run of a file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> macs_of_file(sample_model())
        0
    """
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    return sum(operator_macs(one, tensors) for one in lite.operators)


def _recurrent(shapes: list[tuple[int, ...]]) -> int:
    """Return the multiply-accumulates of a recurrent layer: its matrices, once a step."""
    steps = math.prod(shapes[0][:-1])
    return steps * sum(math.prod(shape) for shape in shapes[1:] if len(shape) == 2 and shape[0] > 1)


def operator_bytes(operator: OperatorInfo, tensors: Mapping[int, TensorInfo]) -> int:
    """Return the bytes that one run of an operator has to move: what it reads and writes, once.

    Inputs, weights and outputs, each once, as if caches held everything else: the least that any
    kernel can do.

    Args:
        operator: The operator.
        tensors: All tensors of the file by index.

    Example:
        >>> tensors = {n: TensorInfo(n, "t", (1, 4), (1, 4), "float32") for n in range(2)}
        >>> operator_bytes(OperatorInfo(0, "RELU", "float32", "y", (0,), (1,), (), ()), tensors)
        32
    """
    touched = dict.fromkeys((*operator.inputs, *operator.outputs))
    return sum(tensor_bytes(tensors[index]) for index in touched if index in tensors)


def tensor_bytes(tensor: TensorInfo) -> int:
    """Return the size of a tensor's values, in bytes; strings and handles count as 0.

    Example:
        >>> tensor_bytes(TensorInfo(0, "w", (3, 5), (3, 5), "int8"))
        15
    """
    size = math.prod(tensor.shape)
    if tensor.dtype in _BITS:
        return -(-size * _BITS[tensor.dtype] // 8)
    kind = np.dtype(tensor.dtype)
    return 0 if kind.kind in "OSU" else size * kind.itemsize
