"""Memory that kernels of tflite-micro ask for beside their tensors, while they run.

These are the reference kernels. Kernels tuned for one processor (CMSIS-NN, ESP-NN, Xtensa) ask for
more, convolutions above all.

Reference:
    tflite-micro, ``tensorflow/lite/micro/kernels``, calls of ``RequestScratchBufferInArena``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from tfedge.runtime.graph import OperatorInfo, TensorInfo

_INT, _POINTER = 4, 4
_INTEGERS = ("int8", "int16")
_Tensors = list[TensorInfo | None]
_Rule = Callable[[_Tensors, list[TensorInfo]], tuple[int, ...]]


def scratch_bytes(operator: OperatorInfo, tensors: Mapping[int, TensorInfo]) -> tuple[int, ...]:
    """Return the sizes of the scratch buffers that one operator asks for, in order.

    Args:
        operator: The operator.
        tensors: All tensors of the file by index.

    Returns:
        Bytes of each buffer, not rounded up; empty for most operators.

    Example:
        >>> shapes = [(1, 4, 4, 8), (2,), (1, 8)]
        >>> infos = [TensorInfo(n, "t", shape, shape, "int8") for n, shape in enumerate(shapes)]
        >>> mean = OperatorInfo(0, "MEAN", "int8", "y", (0, 1), (2,), (), ())
        >>> scratch_bytes(mean, dict(enumerate(infos)))
        (32, 16, 8)
    """
    rule = _RULES.get(operator.name)
    if rule is None:
        return ()
    read = [tensors.get(index) for index in operator.inputs]
    return rule(read, [tensors[index] for index in operator.outputs])


def _weights(read: _Tensors, _: list[TensorInfo]) -> tuple[int, ...]:
    """Weights of four bits are unpacked to bytes."""
    packed = read[1] is not None and read[1].dtype == "int4"
    return (_count(read[1]),) if packed else ()


def _least(read: _Tensors, _: list[TensorInfo]) -> tuple[int, ...]:
    """Where the reduction stands, and along which axes."""
    rank = len(read[0].shape) if read[0] else 0
    return _INT * rank, _INT * _count(read[1])


def _sum(read: _Tensors, written: list[TensorInfo]) -> tuple[int, ...]:
    """The same and, for integers, 32-bit sums."""
    integer = read[0] is not None and read[0].dtype in _INTEGERS
    sums = (4 * _count(written[0]),) if integer else ()
    return (*sums, *_least(read, written))


def _transposed(read: _Tensors, written: list[TensorInfo]) -> tuple[int, ...]:
    """The output as 32-bit sums, 64-bit ones for 16-bit activations."""
    width = {"int8": 4, "int16": 8}.get(written[0].dtype, 0)
    bias = read[3] if len(read) > 3 else None
    wide = (8 * _count(bias),) if width == 8 and bias and bias.dtype == "int16" else ()
    return (*wide, width * _count(written[0])) if width else ()


def _recurrent(read: _Tensors, _: list[TensorInfo]) -> tuple[int, ...]:
    """Four gates, each as large as the state of the cell, which is the 20th input."""
    cell = read[19]
    return (4 * (_count(cell) * np.dtype(cell.dtype).itemsize,)) if cell else ()


def _svdf(read: _Tensors, written: list[TensorInfo]) -> tuple[int, ...]:
    """One number per filter, and for integers one per unit."""
    batch, filters = (read[n].shape[0] if read[n] else 0 for n in (0, 1))  # type: ignore[union-attr]
    integer = read[0] is not None and read[0].dtype in _INTEGERS
    return (4 * batch * filters, *((4 * _count(written[0]),) if integer else ()))


def _pointers(read: _Tensors, _: list[TensorInfo]) -> tuple[int, ...]:
    """A pointer to each input."""
    return (_POINTER * len(read),)


def _mirror(read: _Tensors, _: list[TensorInfo]) -> tuple[int, ...]:
    """Strides of input and output."""
    rank = len(read[0].shape) if read[0] else 0
    return _INT * rank, _INT * rank


def _count(tensor: TensorInfo | None) -> int:
    """Return the number of values of a tensor; none has none."""
    return math.prod(tensor.shape) if tensor else 0


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), _weights),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL"), _least),
    **dict.fromkeys(("MEAN", "SUM"), _sum),
    "TRANSPOSE_CONV": _transposed,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "SVDF": _svdf,
    "ADD_N": _pointers,
    "MIRROR_PAD": _mirror,
}
