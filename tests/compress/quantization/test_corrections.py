"""Means and variances that rounding moves are put back, layer by layer."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.compress.quantization.preparation import prepared
from tfedge.compress.quantization.ranges import calibrate_ranges
from tfedge.compress.quantization.recovery.bias import correct_biases
from tfedge.compress.quantization.recovery.linear_layers import linear_layers, with_offsets
from tfedge.compress.quantization.recovery.moments import Moments, in_order
from tfedge.compress.quantization.recovery.norms import matched, reestimate_norms
from tfedge.compress.quantization.settings import QuantizeSettings
from tfedge.models.flavours import tf_keras

keras, layers = tf_keras(), tf_keras().layers
BITS = {"weight_bits": 3}


def network():
    keras.utils.set_random_seed(2)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="a")(inputs)
    x = layers.ReLU(name="r")(layers.BatchNormalization(name="n")(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="b")(x)
    x = layers.Add(name="sum")([x, layers.Activation("relu")(y)])
    x = layers.Conv2D(6, 3, activation="relu", name="c")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="d")(x))


@pytest.fixture
def job():
    """A float model, its rounded twin of the same variables, linear layers and batches."""
    settings = {"[a-d]": BITS}
    ready = prepared(
        network(), preserve=None, exclude=(), layers=settings, default=QuantizeSettings()
    )
    object.__setattr__(ready, "model", with_offsets(ready.model))
    quantized = ready.wrapped()
    x = np.random.default_rng(0).normal(size=(96, 8, 8, 3)).astype("float32")
    calibrate_ranges(quantized, x)
    batches = [[tf.constant(x[:64])], [tf.constant(x[64:])]]
    return ready.model, quantized, linear_layers(ready.model), batches


def moments(model, linears, batches):
    """Return the moments of all linear layers by name."""
    found = {}
    in_order(model, batches, {one.name for one in linears}, found.__setitem__)
    return found


def before_activation(model, name, batches):
    """The second source: a Keras model that ends before an activation."""
    layer = model.get_layer(name)
    source = keras.Model(model.inputs, layer.input)
    config = {**layer.get_config(), "activation": "linear"}
    linear = type(layer).from_config(config)
    linear.build(layer.input_shape)
    linear.set_weights(layer.get_weights())
    x = np.concatenate([batch[0] for batch in batches])
    return linear(source.predict(x, verbose=0)).numpy()


def test_moments_are_those_of_numpy(job):
    model, _, linears, batches = job
    found = moments(model, linears, batches)
    assert list(found) == ["a", "b", "c", "d"]
    for name in found:
        values = before_activation(model, name, batches)
        axes = tuple(range(values.ndim - 1))
        np.testing.assert_allclose(found[name].mean, values.mean(axes), atol=1e-5)
        np.testing.assert_allclose(found[name].variance, values.var(axes), rtol=1e-3, atol=1e-6)


def test_biases_give_every_channel_its_mean_again(job):
    model, quantized, linears, batches = job
    exact = moments(model, linears, batches)
    before = moments(quantized, linears, batches)
    assert max(np.abs(before[name].mean - exact[name].mean).max() for name in exact) > 0.01
    statistics = model.get_layer("n").moving_mean.numpy()
    assert correct_biases(quantized, linears, exact, batches) == 4
    after = moments(quantized, linears, batches)
    for name in "bcd":
        np.testing.assert_allclose(after[name].mean, exact[name].mean, atol=1e-5)
    moved = model.get_layer("n").moving_mean.numpy() - statistics
    np.testing.assert_allclose(moved, before["a"].mean - exact["a"].mean, atol=1e-6)


def test_a_dense_layer_is_corrected_by_the_mean_of_its_input_times_the_rounding():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).integers(0, 256, (500, 6)).astype("float32")
    x[0], x[1] = 0, 255
    inputs = keras.Input((6,), name="x")
    model = keras.Model(inputs, layers.Dense(3, name="head")(inputs))
    kernel = model.get_layer("head").kernel.numpy()
    recovered = tfedge.recover(
        model, x, methods="bias", layers={"head": BITS}, samples=500, verbose=0
    )
    size = np.abs(kernel).max() / 3
    expected = x.mean(0) @ (kernel - np.round(kernel / size) * size)
    np.testing.assert_allclose(recovered.get_layer("head").layer.bias, expected, rtol=1e-3)
    assert not np.any(model.get_layer("head").bias.numpy())


def test_normalizations_give_mean_and_variance_of_the_float_model(job):
    model, quantized, linears, batches = job
    exact, norm = moments(model, linears, batches), model.get_layer("n")

    def normalized(one):
        """Return the moments of what the normalization makes."""
        gain = norm.gamma / np.sqrt(norm.moving_variance + norm.epsilon)
        return (one.mean - norm.moving_mean) * gain, one.variance * gain**2

    wanted = normalized(exact["a"])
    found = moments(quantized, linears, batches)["a"]
    assert np.abs(normalized(found)[1] / wanted[1] - 1).max() > 0.01
    assert reestimate_norms(quantized, linears, exact, batches) == 1
    for one, other in zip(normalized(found), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_channels_without_variance_keep_their_scale():
    one, zero = np.ones(2), np.array([0.0, 1.0])
    found = matched(Moments(0 * one, one), Moments(one, zero), Moments(2 * one, one), 1e-3)
    np.testing.assert_allclose(found.variance, one)
    np.testing.assert_allclose(found.mean, one)


def test_offsets_change_nothing():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="a")(inputs)
    x = layers.BatchNormalization(scale=False, center=False, name="n")(x)
    x = layers.DepthwiseConv2D(3, use_bias=False, activation="relu", name="b")(x)
    model = keras.Model(inputs, layers.Dense(3, use_bias=False, name="c")(x))
    model.get_layer("n").set_weights([np.arange(4.0), np.arange(1.0, 5.0)])
    made = with_offsets(model, leave=["c"])
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(made.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    assert made.get_layer("n").gamma is not None and made.get_layer("b").bias is not None
    assert made.get_layer("a").bias is None and made.get_layer("c").bias is None
