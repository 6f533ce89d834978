"""Every kind of layer and model: clustered, trained for a step, saved, loaded, stripped."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.clustered import Clustered

MODELS = {}
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "coverage.py"
FAMILIES = (
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "RegNetX002",
    "RegNetY002",
    "ResNet50",
    "ResNet50V2",
    "ResNetRS50",
    "VGG16",
    "Xception",
)


def model(function):
    """Register a builder ``(keras) -> model`` by name."""
    MODELS[function.__name__] = function
    return function


@model
def recurrent(keras):
    layers = keras.layers
    inputs = keras.Input((6, 4))
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(inputs)
    x = layers.RNN([layers.GRUCell(6), layers.SimpleRNNCell(5)])(x)
    return keras.Model(inputs, layers.Dense(2)(x))


@model
def states_between_layers(keras):
    layers = keras.layers
    first, second = keras.Input((6, 4)), keras.Input((5, 4))
    _, *states = layers.LSTM(6, return_state=True)(first)
    x = layers.LSTM(6)(second, initial_state=states)
    return keras.Model([first, second], layers.Dense(2)(x))


@model
def attention(keras):
    layers = keras.layers
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(inputs)
    y = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.TimeDistributed(layers.Dense(5))(x)
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(x))


@model
def convolutions(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.SeparableConv2D(8, 3)(inputs)
    x = layers.Conv2DTranspose(6, 3, strides=2)(x)
    x = layers.Conv2D(8, 3, groups=2)(x)
    x = layers.DepthwiseConv2D(3)(x)
    x = layers.Reshape((9, 9, 8, 1))(x)
    x = layers.Conv3D(3, 3)(x)
    x = layers.Reshape((49, 18))(x)
    return keras.Model(inputs, layers.Conv1D(2, 4)(x))


@model
def nested_with_operators_and_a_shared_layer(keras):
    layers = keras.layers
    twice = layers.Dense(8, activation="relu")
    inner = keras.Sequential([keras.Input((8,)), twice, layers.Dense(8)])
    inputs = keras.Input((8,))
    x = inner(twice(inputs)) * 2.0 + inputs
    return keras.Model(inputs, layers.Dense(3)(inner(x)))


@model
def half_precision(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, dtype="mixed_bfloat16")(inputs)
    x = layers.Flatten(dtype="mixed_bfloat16")(x)
    return keras.Model(inputs, layers.Dense(3, dtype="float32")(x))


def samples(model, count=4):
    """Return random inputs of a model."""
    rng = np.random.default_rng(0)
    kinds = [(tensor.shape[1:], tf.as_dtype(tensor.dtype)) for tensor in model.inputs]
    arrays = [
        rng.integers(0, 6, (count, *shape)) if dtype.is_integer else rng.random((count, *shape))
        for shape, dtype in kinds
    ]
    arrays = [x.astype(dtype.name) for x, (_, dtype) in zip(arrays, kinds, strict=True)]
    return arrays if len(arrays) > 1 else arrays[0]


@pytest.mark.parametrize("flavour", ["keras3", "tf_keras"])
@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model(name, flavour, tmp_path):
    keras = keras3() if flavour == "keras3" else tf_keras()
    keras.utils.set_random_seed(0)
    original = MODELS[name](keras)
    x = samples(original)
    expected = np.asarray(original(x, training=False))
    kind = "keras" if flavour == "keras3" else "h5"
    shared = tfedge.cluster(original, 4, per_channel=flavour == "keras3")
    start = [centroids.numpy() for centroids in shared.trainable_weights]
    shared.compile("adam", "mse")
    shared.fit(x, np.ones_like(expected, "float32"), verbose=0)
    wrappers = [layer for layer in shared.layers if isinstance(layer, Clustered)]
    assert wrappers
    moved = [
        np.abs(a - b.numpy()).max() for a, b in zip(start, shared.trainable_weights, strict=True)
    ]
    assert np.mean(np.array(moved) > 0) > 0.9

    plain = tfedge.strip(shared)
    assert not any(isinstance(layer, Clustered) for layer in plain.layers)
    np.testing.assert_array_equal(plain(x, training=False), shared(x, training=False))
    np.testing.assert_array_equal(np.asarray(original(x, training=False)), expected)
    rows = {row.name: row for row in tfedge.unique_weights(plain).kernels}
    for wrapper in wrappers:
        for path in wrapper.kernels:
            row = rows[f"{wrapper.name}/{path}"]
            assert min(row.unique, row.unique_per_channel) <= 4 < row.weights

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5")
        shared.save(tmp_path / f"model.{kind}")
    again = tfedge.load(tmp_path / f"model.{kind}")
    np.testing.assert_array_equal(again(x, training=False), shared(x, training=False))
    again.fit(x, np.ones_like(expected, "float32"), verbose=0)


@tf_keras().saving.register_keras_serializable("test")
class TwoKernels(tf_keras().layers.Dense):
    """A child of Dense; the table knows its ancestor."""

    def call(self, inputs):
        return super().call(inputs) * 2.0


def test_a_child_of_a_known_layer(flat):
    keras = tf_keras()
    inputs = keras.Input((64,))
    shared = tfedge.cluster(keras.Model(inputs, TwoKernels(4, name="own")(inputs)), 3)
    plain = tfedge.strip(shared)
    assert type(plain.get_layer("own")) is TwoKernels
    assert len(np.unique(plain.get_layer("own").kernel)) == 3
    np.testing.assert_array_equal(plain(flat[0]), shared(flat[0]))


def test_kernels_in_lists_and_kernels_that_are_computed():
    keras = tf_keras()

    class Listed(keras.layers.Layer):
        def build(self, shape):
            self.parts = [self.add_weight(f"part{i}", (shape[-1], 3)) for i in range(2)]

        @property
        def kernel(self):
            return self.parts[0] + 1.0

        def call(self, inputs):
            return inputs @ self.parts[0] + inputs @ self.parts[1]

    layer = Listed()
    x = np.random.default_rng(0).random((5, 8)).astype("float32")
    layer(x)
    wrapper = Clustered(layer, 2, ("parts.0", "parts.1"))
    wrapper.build()
    for centroids in wrapper.centroids:
        centroids.assign([[1.0, 2.0]])
    first, second = (np.where(part.numpy() > 1.5, 2.0, 1.0) for part in layer.parts)
    np.testing.assert_allclose(wrapper(x), x @ first + x @ second, rtol=1e-5)
    assert all(part is own for part, own in zip(layer.parts, layer.weights, strict=True))
    computed = Clustered(layer, 2, ("kernel",))
    computed.build()
    with pytest.raises(tfedge.errors.ModelError, match=r"'kernel' of the layer .* is computed by"):
        computed(x)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_a_member_of_every_family_of_applications(name):
    flavour = "tf_keras" if name.startswith(("RegNet", "ResNetRS")) else "keras3"
    columns = ["cluster 16", "cluster, strip"]
    command = [sys.executable, str(BENCHMARK), "--row", name, flavour, "--columns", *columns]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answers = [line for line in done.stdout.splitlines() if line.startswith('{"')]
    assert len(answers) == 2 and all('": "yes' in line for line in answers), answers
