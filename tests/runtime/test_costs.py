import numpy as np
import pytest

from tfedge.runtime.costs import operator_bytes, operator_macs, tensor_bytes
from tfedge.runtime.graph import OperatorInfo, TensorInfo


def counted(name, *shapes, dtype="int8"):
    """MACs of an operator whose last tensor is what it writes."""
    tensors = {n: TensorInfo(n, "t", shape, shape, dtype) for n, shape in enumerate(shapes)}
    last = len(shapes) - 1
    operator = OperatorInfo(0, name, dtype, "t", tuple(range(last)), (last,), (), ())
    return operator_macs(operator, tensors)


def test_matrix_products_by_hand():
    assert counted("FULLY_CONNECTED", (3, 5), (7, 5), (7,), (3, 7)) == 3 * 7 * 5
    assert counted("BATCH_MATMUL", (2, 3, 5), (2, 5, 7), (2, 3, 7)) == 2 * 3 * 5 * 7
    assert counted("CONV_2D", (1, 8, 8, 4), (6, 3, 3, 4), (6,), (1, 4, 4, 6)) == 16 * 6 * 36
    assert counted("CONV_2D", (1, 8, 8, 4), (6, 3, 3, 2), (6,), (1, 8, 8, 6)) == 64 * 6 * 18
    assert counted("DEPTHWISE_CONV_2D", (1, 8, 8, 4), (1, 3, 5, 8), (1, 8, 8, 8)) == 64 * 8 * 15
    assert counted("CONV_3D", (1, 4, 4, 4, 2), (3, 3, 3, 2, 5), (1, 4, 4, 4, 5)) == 64 * 5 * 54
    assert counted("RELU", (1, 8), (1, 8)) == 0


def test_a_transposed_convolution_scatters_each_input():
    expected = np.prod((4, 4, 3)) * 3 * 3 * 6
    assert counted("TRANSPOSE_CONV", (4,), (6, 3, 3, 3), (1, 4, 4, 3), (1, 8, 8, 6)) == expected


def test_a_recurrent_layer_counts_its_steps(load):
    model = load("lstm")
    tensors = {tensor.index: tensor for tensor in model.tensors()}
    layer = model.operators[0]
    _, steps, inputs = tensors[layer.inputs[0]].shape
    units = tensors[layer.outputs[0]].shape[-1]
    assert operator_macs(layer, tensors) == steps * 4 * units * (inputs + units)


def test_bytes_of_a_file(load):
    model = load("cnn_int8")
    tensors = {tensor.index: tensor for tensor in model.tensors()}
    first = model.operators[0]
    assert first.name == "CONV_2D"
    assert operator_bytes(first, tensors) == 64 + (9 * 16 + 4 * 16) + 64 * 16


@pytest.mark.parametrize(
    ("dtype", "size"), [("int4", 8), ("int8", 15), ("float32", 60), ("str", 0), ("int64", 120)]
)
def test_bytes_of_a_tensor(dtype, size):
    assert tensor_bytes(TensorInfo(0, "w", (3, 5), (3, 5), dtype)) == size
