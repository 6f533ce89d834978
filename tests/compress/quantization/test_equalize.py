"""Scales moved between layers: the float model computes the same, and ranges become alike."""

import itertools

import numpy as np
import pytest

from tfedge.compress.quantization.recovery.equalize import equalize, input_range, output_range
from tfedge.compress.quantization.recovery.linear_layers import with_offsets
from tfedge.compress.quantization.recovery.scale_groups import scale_groups
from tfedge.compress.quantization.recovery.unclipping import without_clipping
from tfedge.models.flavours import tf_keras

keras, layers = tf_keras(), tf_keras().layers


def chain(*steps, shape=(12, 12, 3)):
    """Return a model of steps, with weights and statistics that differ much between channels."""
    x = inputs = keras.Input(shape)
    for step in steps:
        x = step(x)
    return shaken(keras.Model(inputs, x))


def shaken(model):
    """Fill a model with random weights whose channels have very different ranges."""
    rng = np.random.default_rng(3)
    for layer in model.layers:
        weights = []
        for weight in layer.weights:
            scale = 2.0 ** rng.uniform(-3, 3, weight.shape[-1])
            value = rng.normal(size=weight.shape) * scale
            weights.append(abs(value) + 0.01 if "variance" in weight.name else value)
        layer.set_weights(weights)
    return model


def mobile():
    return chain(
        layers.Conv2D(6, 3, use_bias=False, name="a"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.ZeroPadding2D(),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="b"),
        layers.BatchNormalization(scale=False),
        layers.LeakyReLU(0.2),
        layers.Conv2D(8, 1, activation="relu", name="c"),
        layers.MaxPooling2D(),
        layers.Dropout(0.5),
        layers.Conv2D(8, 3, groups=2, use_bias=False, name="d"),
        layers.Activation("relu"),
        layers.Flatten(),
        layers.Dense(5, activation="relu", name="e"),
        layers.Dense(4, name="f"),
    )


def upward():
    return chain(
        layers.Conv2DTranspose(6, 3, activation="relu", name="a"),
        layers.UpSampling2D(),
        layers.Conv2DTranspose(4, 3, strides=2, use_bias=False, name="b"),
        layers.AveragePooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.Reshape((1, 4)),
        layers.Dense(3, name="c"),
    )


@pytest.mark.parametrize("make", [mobile, upward])
def test_outputs_stay_and_ranges_become_equal(make):
    x = np.random.default_rng(0).normal(size=(4, 12, 12, 3)).astype("float32")
    model = make()
    before = model.predict(x, verbose=0)
    model = with_offsets(model)
    np.testing.assert_allclose(model.predict(x, verbose=0), before, atol=1e-6)
    groups = scale_groups(model)
    names = sorted(layer.name for layer in model.layers if len(layer.name) == 1)
    pairs = [(one.producers[0].name, one.consumers[0].name) for one in groups]
    assert pairs == list(itertools.pairwise(names))

    def unlike():
        """Return how far the ranges of the two sides are from each other, as a logarithm."""
        return max(
            float(np.abs(np.log(output_range(one.producers[0]) / second)).max())
            for one in groups
            for second in [input_range(one.consumers[0], one.channels)]
        )

    assert unlike() > 1
    assert equalize(groups) == len(names) - 1
    assert unlike() < 1e-3
    scale = np.abs(before).max()
    np.testing.assert_allclose(model.predict(x, verbose=0), before, atol=1e-5 * scale)


def test_scales_are_those_of_the_paper():
    model = chain(layers.Dense(7, "relu", name="a"), layers.Dense(5, name="b"), shape=(3,))
    (first, bias), (second, last) = (model.get_layer(name).get_weights() for name in "ab")
    r1, r2 = np.abs(first).max(0), np.abs(second).max(1)
    equalize(scale_groups(model))
    scales = np.sqrt(r1 * r2) / r2
    expected = [first / scales, bias / scales, second * scales[:, None], last]
    for found, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_dead_channels_stay_as_they_are():
    model = chain(layers.Dense(3, "relu", name="a"), layers.Dense(2, name="b"), shape=(3,))
    model.get_layer("a").kernel.assign(model.get_layer("a").kernel * [1.0, 0.0, 1.0])
    before = model.get_weights()
    equalize(scale_groups(model))
    assert model.get_weights()[1][1] == before[1][1]
    np.testing.assert_array_equal(model.get_weights()[2][1], before[2][1])


def between(step, **kinds):
    """Return a model with something between two convolutions of three channels."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, padding="same", name="a", **kinds)(inputs)
    return keras.Model(inputs, layers.Conv2D(2, 1, name="b")(step(x, inputs)))


BLOCKED = {
    "sum": lambda x, i: layers.Add()([x, i]),
    "product": lambda x, i: layers.Multiply()([x, i]),
    "join": lambda x, i: layers.Concatenate()([x, i]),
    "relu6": lambda x, i: layers.ReLU(6.0)(x),
    "threshold": lambda x, i: layers.ReLU(threshold=1.0)(x),
    "swish": lambda x, i: layers.Activation("swish")(x),
    "permutation": lambda x, i: layers.Permute((3, 2, 1))(layers.Conv2D(8, 1)(x)),
    "channels moved": lambda x, i: layers.Reshape((24, 8, 1))(x),
    "normalization by layer": lambda x, i: layers.LayerNormalization()(x),
}


@pytest.mark.parametrize("step", list(BLOCKED))
def test_what_does_not_scale_along_blocks_a_pair(step):
    groups = scale_groups(between(BLOCKED[step]))
    assert not [one for one in groups if "b" in {each.name for each in one.consumers}]


def test_other_readers_block_a_pair():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, name="a")(inputs)
    y = layers.Conv2D(3, 1, name="b")(x)
    assert not scale_groups(keras.Model(inputs, [x, y]))
    assert len(scale_groups(keras.Model(inputs, y))) == 1
    assert not scale_groups(keras.Model(inputs, y), leave=["a"])
    assert not scale_groups(keras.Model(inputs, y), leave=["b"])
    shared = layers.Conv2D(3, 1, name="twice")
    assert not scale_groups(keras.Model(inputs, layers.Conv2D(2, 1)(shared(shared(inputs)))))


def test_two_readers_that_scale_make_one_group():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="a")(inputs)
    y, z = layers.Conv2D(2, 1, name="b")(x), layers.Conv2D(2, 1, name="c")(x)
    model = shaken(keras.Model(inputs, layers.Concatenate()([y, z])))
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    before = model.predict(x, verbose=0)
    (group,) = scale_groups(model)
    assert {one.name for one in group.consumers} == {"b", "c"}
    equalize([group])
    second = np.max([input_range(one, 4) for one in group.consumers], axis=0)
    np.testing.assert_allclose(output_range(group.producers[0]), second, rtol=1e-5)
    after = model.predict(x, verbose=0)
    np.testing.assert_allclose(after, before, atol=1e-5 * np.abs(before).max())


def test_relu6_goes_only_where_it_hardly_clips():
    inputs = keras.Input((4,))
    dense = layers.Dense(4, activation=keras.layers.ReLU(6.0), name="other")
    steps = [dense, layers.Dense(4, name="hidden"), layers.ReLU(6.0, name="act")]
    x = inputs
    for step in steps:
        x = step(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    for name in ("other", "hidden"):
        model.get_layer(name).kernel.assign(np.eye(4))
    small, large = np.full((8, 4), 5.0, "float32"), np.full((8, 4), 8.0, "float32")
    opened = without_clipping(model, [[small]])
    assert opened.get_layer("act").max_value is None
    np.testing.assert_array_equal(opened.predict(small, verbose=0), model.predict(small, verbose=0))
    assert without_clipping(model, [[small]], leave=["act"]) is model
    hidden = model.get_layer("hidden")
    hidden.bias.assign(np.full(4, 3.0))
    assert without_clipping(model, [[large]]) is model
