"""Operations become the layer that computes the same, or one that repeats them exactly."""

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from handmade_models import inputs_for

from tfedge.core.errors import ModelError
from tfedge.models import adopt
from tfedge.models.adoption.operation import Operation
from tfedge.models.adoption.templates import constant, decode, encode

ops = keras3.ops
ARRAY = np.array([1.0, -2.0, 0.5, 4.0], "float32")

KERAS3 = {
    "add": (lambda x, y: x + y, "Add"),
    "subtract": (lambda x, y: x - y, "Subtract"),
    "multiply": (lambda x, y: x * y, "Multiply"),
    "maximum": (lambda x, y: ops.maximum(x, y), "Maximum"),
    "minimum": (lambda x, y: ops.minimum(x, y), "Minimum"),
    "divide": (lambda x, y: x / (ops.abs(y) + 1.0), "Operation"),
    "plus_number": (lambda x, y: x + 3, "Rescaling"),
    "number_minus": (lambda x, y: 3.0 - x, "Rescaling"),
    "over_number": (lambda x, y: x / 4.0, "Rescaling"),
    "number_over": (lambda x, y: 4.0 / (ops.abs(x) + 1.0), "Operation"),
    "times_array": (lambda x, y: x * ARRAY, "Rescaling"),
    "negative": (lambda x, y: -x, "Rescaling"),
    "power": (lambda x, y: x**2, "Operation"),
    "relu": (lambda x, y: ops.relu(x), "ReLU"),
    "relu6": (lambda x, y: ops.relu6(x), "ReLU"),
    "maximum_zero": (lambda x, y: ops.maximum(0.0, x), "ReLU"),
    "clip": (lambda x, y: ops.clip(x, 0.0, 1.0), "ReLU"),
    "clip_both": (lambda x, y: ops.clip(x, -1.0, 1.0), "Operation"),
    "sigmoid": (lambda x, y: ops.sigmoid(x), "Activation"),
    "silu": (lambda x, y: ops.silu(x), "Activation"),
    "hard_sigmoid": (lambda x, y: ops.hard_sigmoid(x), "Activation"),
    "gelu": (lambda x, y: ops.gelu(x, approximate=False), "Activation"),
    "gelu_approximate": (lambda x, y: ops.gelu(x), "Operation"),
    "elu": (lambda x, y: ops.elu(x), "Activation"),
    "elu_half": (lambda x, y: ops.elu(x, alpha=0.5), "Operation"),
    "softmax": (lambda x, y: ops.softmax(x), "Softmax"),
    "softmax_all": (lambda x, y: ops.softmax(x, axis=None), "Operation"),
    "leaky_relu": (lambda x, y: ops.leaky_relu(x, 0.1), "LeakyReLU"),
    "mean": (lambda x, y: ops.mean(x, axis=[1, 2]), "GlobalAveragePooling2D"),
    "mean_kept": (lambda x, y: ops.mean(x, (-3, -2), keepdims=True), "GlobalAveragePooling2D"),
    "mean_channels": (lambda x, y: ops.mean(x, axis=-1), "Operation"),
    "max": (lambda x, y: ops.max(x, axis=(1, 2)), "GlobalMaxPooling2D"),
    "concatenate": (lambda x, y: ops.concatenate([x, y], axis=1), "Concatenate"),
    "reshape": (lambda x, y: ops.reshape(x, (-1, 4, 25)), "Reshape"),
    "reshape_batch": (lambda x, y: ops.reshape(x, (-1, 20)), "Operation"),
    "squeeze": (lambda x, y: ops.squeeze(ops.expand_dims(x, 1), 1), "Reshape"),
    "transpose": (lambda x, y: ops.transpose(x, (0, 3, 1, 2)), "Permute"),
    "pad": (lambda x, y: ops.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0))), "ZeroPadding2D"),
    "pad_edge": (lambda x, y: ops.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), "reflect"), "Operation"),
    "pad_ones": (
        lambda x, y: ops.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), constant_values=1.0),
        "Operation",
    ),
    "max_pool": (lambda x, y: ops.max_pool(x, 2, padding="same"), "MaxPooling2D"),
    "average_pool": (lambda x, y: ops.average_pool(x, 2, strides=1), "AveragePooling2D"),
    "slice": (lambda x, y: x[:, ::2, 1:, :1], "Operation"),
    "ellipsis": (lambda x, y: x[..., 0], "Operation"),
    "take": (lambda x, y: ops.take(x, np.array([0, 2]), axis=-1), "Operation"),
    "other_rank": (lambda x, y: x + ops.mean(y, axis=(0, 1, 2)), "Operation"),
    "cast": (lambda x, y: ops.cast(ops.cast(x, "int32"), "float32"), "Operation"),
    "cumsum": (lambda x, y: ops.cumsum(x, axis=1), "Operation"),
    "where": (lambda x, y: ops.where(x > 0.5, x, y), "Operation"),
}

TENSORFLOW = {
    "add": (lambda x, y: x + y, "Add"),
    "math_add": (lambda x, y: tf.add(x, y), "Add"),
    "add_n": (lambda x, y: tf.add_n([x, y, x]), "Add"),
    "plus_number": (lambda x, y: 3.0 + x, "Rescaling"),
    "over_number": (lambda x, y: x / 4.0, "Rescaling"),
    "times_array": (lambda x, y: x * tf.constant(ARRAY), "Rescaling"),
    "relu": (lambda x, y: tf.nn.relu(x), "ReLU"),
    "relu6": (lambda x, y: tf.nn.relu6(x), "ReLU"),
    "sigmoid": (lambda x, y: tf.sigmoid(x), "Activation"),
    "silu": (lambda x, y: tf.nn.silu(x), "Activation"),
    "silu_beta": (lambda x, y: tf.nn.silu(x, 2.0), "Operation"),
    "gelu": (lambda x, y: tf.nn.gelu(x), "Activation"),
    "gelu_approximate": (lambda x, y: tf.nn.gelu(x, approximate=True), "Operation"),
    "leaky_relu": (lambda x, y: tf.nn.leaky_relu(x), "LeakyReLU"),
    "mean": (lambda x, y: tf.reduce_mean(x, [1, 2]), "GlobalAveragePooling2D"),
    "concat": (lambda x, y: tf.concat([x, y], -1), "Concatenate"),
    "reshape": (lambda x, y: tf.reshape(x, (-1, 4, 25)), "Reshape"),
    "flatten": (lambda x, y: tf.reshape(x, (tf.shape(x)[0], 100)), "Reshape"),
    "expand": (lambda x, y: tf.expand_dims(x, 2), "Reshape"),
    "transpose": (lambda x, y: tf.transpose(x, [0, 3, 1, 2]), "Permute"),
    "pad": (lambda x, y: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]), "ZeroPadding2D"),
    "clip": (lambda x, y: tf.clip_by_value(x, 0.0, 1.0), "ReLU"),
    "slice": (lambda x, y: x[:, ::2, 1:, :1], "Operation"),
    "split": (lambda x, y: tf.split(x, 2, axis=-1)[1], "Operation"),
    "matmul": (lambda x, y: tf.matmul(x, y, transpose_b=True), "Operation"),
    "power": (lambda x, y: x**2, "Operation"),
    "depth_to_space": (lambda x, y: tf.nn.depth_to_space(x, 2), "Operation"),
}

CASES = [(keras3, name, *case) for name, case in KERAS3.items()]
CASES += [(tf_keras, name, *case) for name, case in TENSORFLOW.items()]


@pytest.mark.parametrize(
    ("keras", "name", "function", "kind"), CASES, ids=[f"{c[0].__name__}-{c[1]}" for c in CASES]
)
def test_operation(keras, name, function, kind):
    inputs = [keras.Input((5, 5, 4)), keras.Input((5, 5, 4))]
    model = keras.Model(inputs, function(*inputs))
    adopted = adopt(model)
    assert type(adopted.layers[-1]).__name__ == kind
    copies = [adopted, tf_keras.models.clone_model(adopted), adopt(adopted)]
    data = inputs_for(model)
    expected = np.asarray(model(data))
    for one in copies:
        np.testing.assert_allclose(np.asarray(one(data)), expected, atol=1e-6)


@pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
def test_other_ranks_broadcast_like_numpy(keras):
    """A merge layer of tf_keras would put the new axes elsewhere."""
    inputs = [keras.Input(batch_shape=(5, 5, 5, 4)), keras.Input(batch_shape=(5, 4))]
    adopted = adopt(keras.Model(inputs, inputs[0] + inputs[1]))
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=tensor.shape).astype("float32") for tensor in inputs)
    np.testing.assert_allclose(np.asarray(adopted([x, y])), x + y, atol=1e-6)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5, "same", None, True],
        (slice(1, None, 2), Ellipsis, None, 3),
        {"axis": (1, 2), "nested": {"deep": [(), {}]}},
    ],
)
def test_templates_go_there_and_back(value):
    assert decode(encode(value, id), []) == value


def test_templates_keep_arrays_and_dtypes():
    written = encode([ARRAY, tf.constant(3), tf.int32], id)
    array, number, dtype = decode(written, [])
    np.testing.assert_array_equal(array, ARRAY)
    assert (array.dtype, number, dtype) == (np.float32, 3, "int32")
    with pytest.raises(ModelError, match="cannot be kept in a layer's config"):
        encode(object(), id)


def test_what_is_a_constant():
    assert constant(tf.constant([1.0])).tolist() == [1.0]
    assert constant(2).tolist() == 2
    assert constant("same") is None
    assert constant(None) is None
    assert constant(keras3.Input((2,))) is None


@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "tf:no_such", "keras.src.ops.nn:x"])
def test_operations_of_other_modules_are_refused(name):
    with pytest.raises(ModelError):
        Operation(name)
