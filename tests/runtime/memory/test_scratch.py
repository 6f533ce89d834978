"""Scratch buffers by hand, as the kernels' ``Prepare`` functions ask for them."""

import pytest

from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.memory.scratch import scratch_bytes


def asked(name, *tensors):
    """Scratch of an operator whose last tensor, given as (shape, dtype), is what it writes."""
    known = {n: TensorInfo(n, "t", one[0], one[0], one[1]) for n, one in enumerate(tensors) if one}
    read = tuple(n if one else -1 for n, one in enumerate(tensors[:-1]))
    operator = OperatorInfo(0, name, "int8", "t", read, (len(tensors) - 1,), (), ())
    return scratch_bytes(operator, known)


def test_sums_are_wide():
    image, out = ((1, 5, 6, 3), "int8"), ((1, 10, 12, 4), "int8")
    shape, kernel = ((4,), "int32"), ((4, 3, 3, 3), "int8")
    assert asked("TRANSPOSE_CONV", shape, kernel, image, out) == (4 * 10 * 12 * 4,)
    wide = ((1, 10, 12, 4), "int16")
    assert asked("TRANSPOSE_CONV", shape, kernel, image, wide) == (8 * 10 * 12 * 4,)
    bias = ((4,), "int16")
    assert asked("TRANSPOSE_CONV", shape, kernel, image, bias, wide) == (8 * 4, 8 * 10 * 12 * 4)
    assert asked("TRANSPOSE_CONV", shape, kernel, image, ((1, 9), "float32")) == ()


def test_reductions():
    axes, few = ((2,), "int32"), ((1, 3), "int8")
    image, real = ((1, 5, 6, 3), "int8"), ((1, 5, 6, 3), "float32")
    assert asked("MEAN", image, axes, few) == (4 * 3, 4 * 4, 4 * 2)
    assert asked("SUM", real, axes, ((1, 3), "float32")) == (4 * 4, 4 * 2)
    assert asked("REDUCE_MAX", image, axes, few) == (4 * 4, 4 * 2)


def test_recurrent_layers():
    absent = [None] * 17
    cell = ((1, 20), "int16")
    lstm = [((1, 7, 3), "int8"), *absent, ((1, 20), "int8"), cell, ((1, 7, 20), "int8")]
    assert asked("UNIDIRECTIONAL_SEQUENCE_LSTM", *lstm) == (2 * 20,) * 4
    svdf = [((1, 9), "int8"), ((8, 9), "int8"), ((8, 10), "int16"), None, ((1, 80), "int16")]
    assert asked("SVDF", *svdf, ((1, 4), "int8")) == (4 * 8, 4 * 4)


@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_weights_of_four_bits_are_unpacked(name):
    image, out = ((1, 5), "int8"), ((1, 7), "int8")
    assert asked(name, image, ((7, 5), "int4"), out) == (35,)
    assert asked(name, image, ((7, 5), "int8"), out) == ()


def test_small_change():
    image = ((1, 5, 6, 3), "int8")
    assert asked("ADD_N", image, image, image, image) == (3 * 4,)
    assert asked("MIRROR_PAD", image, ((4, 2), "int32"), image) == (16, 16)
    assert asked("RELU", image, image) == ()
