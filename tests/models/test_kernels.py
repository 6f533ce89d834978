"""Kernels of any model, and the axes along which outputs sum."""

import keras as keras3
import numpy as np
import pytest
import tf_keras

import tfedge
from tfedge.core.errors import ModelError
from tfedge.models.kernels import is_built, kernel_layers
from tfedge.models.layers import input_axis_of, kernels_of

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])


@both
def test_every_layer_class_with_kernels(keras):
    k = keras.layers
    line, image, film = keras.Input((6, 8)), keras.Input((6, 6, 8)), keras.Input((4, 6, 6, 8))
    ids = keras.Input((6,), dtype="int32")
    cases = [
        (k.Dense(3), line, [(8, 3)], [-2]),
        (k.EinsumDense("abc,cd->abd", (None, 3)), line, [(8, 3)], [-2]),
        (k.EinsumDense("abc,dc->abd", (None, 3)), line, [(3, 8)], [-1]),
        (k.Conv1D(3, 2), line, [(2, 8, 3)], [-2]),
        (k.Conv2D(4, 2, groups=2), image, [(2, 2, 4, 4)], [-2]),
        (k.Conv3D(3, 2), film, [(2, 2, 2, 8, 3)], [-2]),
        (k.Conv1DTranspose(3, 2), line, [(2, 3, 8)], [-1]),
        (k.Conv2DTranspose(3, 2), image, [(2, 2, 3, 8)], [-1]),
        (k.Conv3DTranspose(3, 2), film, [(2, 2, 2, 3, 8)], [-1]),
        (k.DepthwiseConv1D(2), line, [(2, 8, 1)], [None]),
        (k.DepthwiseConv2D(2, depth_multiplier=2), image, [(2, 2, 8, 2)], [None]),
        (k.SeparableConv1D(3, 2), line, [(1, 8, 3)], [-2]),
        (k.SeparableConv2D(3, 2), image, [(1, 1, 8, 3)], [-2]),
        (k.Embedding(9, 4), ids, [(9, 4)], [None]),
        (k.SimpleRNN(3), line, [(8, 3), (3, 3)], [-2, -2]),
        (k.GRU(3), line, [(8, 9), (3, 9)], [-2, -2]),
        (k.RNN(k.StackedRNNCells([k.LSTMCell(3)])), line, [(8, 12), (3, 12)], [-2, -2]),
        (k.Bidirectional(k.LSTM(2)), line, [(8, 8), (2, 8)] * 2, [-2] * 4),
        (k.ConvLSTM2D(3, 2), film, [(2, 2, 8, 12), (2, 2, 3, 12)], [-2, -2]),
        (k.TimeDistributed(k.Dense(3)), line, [(8, 3)], [-2]),
    ]
    for layer, x, shapes, axes in cases:
        layer(x)
        [found] = kernel_layers(keras.Model(x, layer(x)))
        assert [tuple(one.shape) for one in found.variables()] == shapes, layer.name
        assert found.axes() == axes and found.kind == type(layer).__name__
    attention = k.MultiHeadAttention(2, 3)
    [found] = kernel_layers(keras.Model(line, attention(line, line)))
    shapes = [(8, 2, 3)] * 3 + [(2, 3, 8)]
    assert [tuple(one.shape) for one in found.variables()] == shapes
    assert found.axes() == [-3, -3, -3, -2]
    for layer in (k.ReLU(), k.BatchNormalization(), k.LayerNormalization(), k.Dropout(0.1)):
        assert kernels_of(layer) == ()


def test_grouped_attention_of_keras3():
    layer, x = keras3.layers.GroupQueryAttention(4, 2, 1), keras3.Input((6, 8))
    layer(x, x)
    assert [input_axis_of(layer, path) for path in kernels_of(layer)] == [-3, -3, -3, -2]


@both
def test_nested_subclassed_shared_and_wrapped(keras):
    k = keras.layers
    shared = k.Dense(4, name="shared")
    body = keras.Sequential([keras.Input((4,)), k.Dense(4, name="d"), shared], name="body")

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [body, k.Dense(4, name="d")]
            self.again = shared

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return self.again(x)

    net = Net()
    assert not is_built(net)
    with pytest.raises(ModelError, match="'d' has no weights yet"):
        kernel_layers(net)
    net(np.ones((1, 4), "float32"))
    assert is_built(net)
    names = [layer.name for layer in kernel_layers(net)]
    assert sorted(names) == ["body/d", "d", "shared"]
    assert tfedge.sparsity(net).weights == 48
    with pytest.raises(ModelError, match="A Keras model was asked for"):
        kernel_layers("model.keras")


def test_a_model_inside_a_time_distributed_layer():
    inner = keras3.Sequential([keras3.Input((8,)), keras3.layers.Dense(4), keras3.layers.Dense(3)])
    x = keras3.Input((5, 8))
    model = keras3.Model(x, keras3.layers.TimeDistributed(inner, name="td")(x))
    assert tfedge.sparsity(model).weights == 32 + 12
    sparse = tfedge.prune(model, tfedge.ConstantSparsity(0.5, 0))
    sparse.compile("sgd", "mse")
    data = np.ones((4, 5, 8)), np.ones((4, 5, 3))
    sparse.fit(*data, verbose=0)
    assert [(row.name, row.sparsity) for row in tfedge.sparsity(sparse).layers] == [("td", 0.5)]
    plain = tfedge.strip(sparse)
    np.testing.assert_allclose(
        plain.predict(data[0], verbose=0), sparse.predict(data[0], verbose=0), atol=1e-6
    )
