"""Channels that are mixtures of others go without a trace; others as least squares says."""

import numpy as np
import pytest

import tfedge
from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.moments import Moments
from tfedge.compress.pruning.channels.reconstruction import reconstruct
from tfedge.compress.pruning.channels.surgery import remove
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])
MIXED, CONSTANT = [0.5, -1.0], 0.7


def dense(keras):
    return [keras.Input((5,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(3)]


def no_bias(keras):
    made = keras.layers.Dense(4, name="a", use_bias=False)
    return [keras.Input((5,)), made, keras.layers.Dense(3, use_bias=False)]


def conv(keras):
    layers = keras.layers
    return [keras.Input((8, 8, 2)), layers.Conv2D(4, 3, name="a"), layers.Conv2D(3, 3, strides=2)]


def line(keras):
    layers = keras.layers
    return [keras.Input((9, 2)), layers.Conv1D(4, 3, name="a"), layers.Conv1D(3, 2)]


def flattened(keras):
    layers = keras.layers
    return [
        keras.Input((4, 4, 2)),
        layers.Conv2D(4, 2, name="a"),
        layers.Flatten(),
        layers.Dense(3),
    ]


def pooled(keras):
    layers = keras.layers
    made = layers.Conv2D(4, 2, name="a"), layers.AveragePooling2D(2)
    return [keras.Input((5, 5, 2)), *made, layers.Conv2D(3, 2)]


def transposed(keras):
    layers = keras.layers
    made = layers.Conv2D(4, 2, name="a", use_bias=False)
    return [keras.Input((4, 4, 2)), made, layers.Conv2DTranspose(3, 3, strides=2)]


def recurrent(keras):
    layers = keras.layers
    return [keras.Input((6, 2)), layers.Dense(4, name="a", use_bias=False), layers.LSTM(3)]


def mixed(keras, stack):
    """A model in which channel 3 of ``a`` is 0.5 times channel 0 minus channel 1, plus 0.7."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(stack(keras))
    first = model.get_layer("a")
    kernel = np.array(first.kernel.numpy())
    kernel[..., 3] = kernel[..., :2] @ MIXED
    rest = [np.array([0.1, 0.2, 0.3, 0.05 - 0.2 + CONSTANT], "float32")] if first.use_bias else []
    first.set_weights([kernel, *rest])
    return model


@pytest.mark.parametrize(
    "stack", [dense, no_bias, conv, line, flattened, pooled, transposed, recurrent]
)
@KERASES
def test_a_mixture_of_others_goes_without_a_trace(keras, stack):
    model = mixed(keras, stack)
    x = np.random.default_rng(0).normal(size=(128, *model.input_shape[1:])).astype("float32")
    before = [np.array(weight) for weight in model.get_weights()]
    expected = model.predict(x, verbose=0)
    gone = {"a": [3]}
    slim = remove(model, gone)
    plain = slim.predict(x, verbose=0)
    assert reconstruct(model, slim, read_channels(model).groups, gone, x) == 1
    found = slim.predict(x, verbose=0)
    scale = np.abs(expected - plain).max()
    assert scale > 0.01
    np.testing.assert_allclose(found, expected, atol=0.02 * scale)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("centred", [True, False])
def test_the_mixture_is_that_of_least_squares(centred):
    generator = np.random.default_rng(1)
    x = generator.normal(size=(500, 6)) @ generator.normal(size=(6, 6)) + 3
    stays = np.array([0, 2, 3, 5])
    after = x[:, stays] @ generator.normal(size=(4, 4)) + 1
    moments = Moments()
    for rows in np.split(np.arange(500), 5):
        moments.add(x[rows], after[rows])
    assert moments.enough()
    mixture, rest = moments.mixture(stays, centred=centred)
    inner, outer = (v - centred * v.mean(0) for v in (after, x))
    ridge = np.sqrt(0.01 * 500 * np.square(inner).mean()) * np.eye(4)
    plain = np.eye(6)[stays]
    columns, wanted = np.vstack([inner, ridge]), np.vstack([outer, ridge @ plain])
    expected = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    np.testing.assert_allclose(mixture, expected, atol=1e-8)
    np.testing.assert_allclose(rest, centred * (x.mean(0) - after.mean(0) @ mixture))


def test_channels_that_are_concatenated_go_together():
    keras = keras3()
    layers = keras.layers
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6,))
    left, right = layers.Dense(4, name="a")(inputs), layers.Dense(4, name="b")(inputs)
    both = layers.Concatenate()([left, right])
    model = keras.Model(inputs, layers.Dense(2)(both))
    for name in "ab":
        kernel = np.array(model.get_layer(name).kernel.numpy())
        kernel[:, 3] = kernel[:, :2] @ MIXED
        model.get_layer(name).set_weights([kernel, np.array([0, 0, 0, CONSTANT])])
    x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    gone = {"a": [3], "b": [3]}
    slim = remove(model, gone)
    before = np.abs(slim.predict(x, verbose=0) - model.predict(x, verbose=0)).max()
    reconstruct(model, slim, read_channels(model).groups, gone, x)
    after = np.abs(slim.predict(x, verbose=0) - model.predict(x, verbose=0)).max()
    assert after < 0.02 * before


def test_layers_that_do_not_mix_are_left_as_they_are():
    keras = keras3()
    layers = keras.layers
    stack = [keras.Input((8, 8, 4)), layers.Conv2D(8, 1, name="a"), layers.SeparableConv2D(4, 3)]
    model = keras.Sequential(stack)
    x = np.random.default_rng(0).random((8, 8, 8, 4), "float32")
    slim = remove(model, {"a": [1]})
    assert reconstruct(model, slim, read_channels(model).groups, {"a": [1]}, x) == 0


def test_too_few_samples_change_nothing():
    keras = keras3()
    model = mixed(keras, dense)
    slim, x = remove(model, {"a": [3]}), np.zeros((3, 5), "float32")
    assert reconstruct(model, slim, read_channels(model).groups, {"a": [3]}, x) == 0


def test_later_layers_make_up_for_earlier_ones(digits):
    keras = keras3()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    stack = [layers.Conv2D(16, 3, activation="relu", name=name) for name in "abc"]
    model = keras.Sequential([keras.Input((8, 8, 1)), *stack, layers.Flatten(), layers.Dense(10)])
    x = digits[0][:256]
    wanted = model.predict(x, verbose=0)
    groups = read_channels(model).groups
    errors = []
    for some in ({"a": range(6)}, {"a": range(6), "b": range(3), "c": range(2)}):
        slim = remove(model, some)
        plain = np.square(slim.predict(x, verbose=0) - wanted).mean()
        assert reconstruct(model, slim, groups, some, x) == 3
        errors.append(np.square(slim.predict(x, verbose=0) - wanted).mean() / plain)
    assert max(errors) < 0.3


def test_a_network_loses_less(digits):
    keras = tf_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    stack = [keras.Input((8, 8, 1)), layers.Conv2D(24, 3, activation="relu"), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(32, activation="relu"), layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, ["accuracy"])
    x, y, *_ = digits
    model.fit(x, y, epochs=30, verbose=0)
    right = []
    for again in (False, True):
        slim = tfedge.prune_channels(model, ratio=0.6, data=x, reconstruct=again)
        right.append((slim.predict(x, verbose=0).argmax(-1) == y).mean())
    assert right[1] > right[0] + 0.05
    with pytest.raises(ArgumentError, match="no data were given"):
        tfedge.prune_channels(model, ratio=0.6, reconstruct=True)
