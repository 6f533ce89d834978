"""Stages of a network: found, counted, and given shares of their channels."""

import itertools

import numpy as np
import pytest

from tfedge import prune_channels
from tfedge.models.flavours import keras3
from tfedge.models.statistics import model_statistics
from tfedge.pipeline.search.channel_stages import LEANS, SHARES, ChannelStages, channel_stages
from tfedge.pipeline.search.stage_finding import MOST, layers_and_costs


def residual(layers, x, width, name, stride=1):
    """Return a residual block, its shortcut projected where it must be."""
    y = layers.Conv2D(width, 3, stride, "same", activation="relu", name=f"{name}_in")(x)
    y = layers.Conv2D(width, 3, 1, "same", name=f"{name}_out")(y)
    if stride > 1:
        x = layers.Conv2D(width, 1, stride, "same", name=f"{name}_skip")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


@pytest.fixture(scope="module")
def network():
    """Return a residual network of three resolutions with a hidden dense layer."""
    keras = keras3()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = keras.Input((12, 12, 2), name="image")
    x = layers.Conv2D(20, 3, padding="same", name="stem")(image)
    x = layers.DepthwiseConv2D(3, padding="same", name="depth")(x)
    x = residual(layers, x, 20, "first")
    x = residual(layers, x, 40, "second", 2)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(10, "relu", name="hidden")(x)
    return keras.Model(image, layers.Dense(3, name="head")(x), name="residual")


def test_layers_of_one_resolution_are_a_stage(network):
    layers, *_ = layers_and_costs(network)
    assert [sorted(names) for names in layers] == [
        ["first_in", "stem"],
        ["second_in", "second_skip"],
        ["hidden"],
    ]


@pytest.mark.parametrize("keeps", [(0.5, 1.0, 1.0), (0.25, 0.5, 0.2), (1.0, 0.1, 0.5), (1, 1, 1)])
def test_the_polynomial_counts_what_is_left_of_the_network(network, keeps):
    layers, macs, parameters = layers_and_costs(network)
    stages = ChannelStages(layers, macs, ((),) * 3, parameters)
    ratio = {n: 1 - k for names, k in zip(layers, keeps, strict=True) if k < 1 for n in names}
    slim = prune_channels(network, ratio=ratio) if ratio else network
    counted = model_statistics(slim).macs / model_statistics(network).macs
    assert stages.macs_left(keeps) == pytest.approx(counted, rel=1e-9)
    counted = slim.count_params() / network.count_params()
    assert stages.parameters_left(keeps) == pytest.approx(counted, rel=1e-9)


def test_shares_leave_what_was_asked_for(network):
    layers, macs, parameters = layers_and_costs(network)
    stages = ChannelStages(layers, macs, ((),) * 3, parameters)
    for left, leans in itertools.product((0.7, 0.3), itertools.product(LEANS, repeat=3)):
        keeps = stages.keeps(left, leans)
        assert stages.macs_left(keeps) == pytest.approx(left, rel=0.01)
        for (a, keep), (b, other) in itertools.combinations(zip(leans, keeps, strict=True), 2):
            assert (keep - other) * (b - a) >= 0
    ratio = stages.ratios(0.3, (2.0, 1.0, 0.25))
    slim = prune_channels(network, ratio=ratio)
    left = model_statistics(slim).macs / model_statistics(network).macs
    assert left == pytest.approx(0.3, rel=0.1)


def stack(*convolutions):
    """Return a network of convolutions, each ``(channels, stride)``."""
    keras = keras3()
    layers = [keras.Input((64, 64, 1))]
    for number, (width, stride) in enumerate(convolutions):
        layers.append(keras.layers.Conv2D(width, 3, stride, "same", name=f"conv{number}"))
    tail = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, name="head")]
    return keras.Sequential([*layers, *tail])


def test_there_are_at_most_four_and_those_with_little_work_are_joined():
    layers, *_ = layers_and_costs(stack(*((8, 2) for _ in range(6))))
    assert len(layers) == MOST
    assert layers[0] == ("conv0",) and layers[-1] == ("conv3", "conv4", "conv5")


def test_one_resolution_is_told_apart_by_widths():
    layers, *_ = layers_and_costs(stack((4, 1), (8, 1), (4, 1)))
    assert layers == (("conv0", "conv2"), ("conv1",))
    assert layers_and_costs(stack((4, 1), (4, 1))) is None


def test_dense_networks_and_open_sides_have_no_stages():
    keras = keras3()
    dense = [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
    assert layers_and_costs(keras.Sequential(dense)) is None
    convolution = keras.layers.Conv2D(4, 3, name="conv")
    ends = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    open_sides = keras.Sequential([keras.Input((None, None, 1)), convolution, *ends])
    assert layers_and_costs(open_sides) is None


def test_the_stage_whose_channels_do_nothing_gives_more(network):
    model = keras3().models.clone_model(network)
    model.set_weights(network.get_weights())
    kernel, bias = model.get_layer("second_in").get_weights()
    kernel[..., 8:] = 0
    model.get_layer("second_in").set_weights([kernel, bias])
    for name in ("second_out", "second_skip"):
        kernel, bias = model.get_layer(name).get_weights()
        kernel[..., 8:] = 0
        model.get_layer(name).set_weights([kernel, bias])
    x = np.random.default_rng(0).random((32, 12, 12, 2), "float32")
    done = []
    stages = channel_stages(model, x, done.append)
    assert len(done) == 3 * len(SHARES)
    assert [row[0] for row in stages.harms[0]] == list(SHARES)
    assert max(error for _, error in stages.harms[1]) < 1e-6
    assert min(error for _, error in stages.harms[0]) > 0.01
    first, second, _ = stages.leans(0.5)
    assert second > first
    every = [stages.keeps(0.5, leans) for leans in itertools.product(LEANS, repeat=3)]
    few = sorted(map(stages.parameters_left, every))[5]
    assert stages.parameters_left(stages.keeps(0.5, stages.leans(0.5, few))) <= few
    assert stages.leans(0.5, 0.01) is None
    assert channel_stages(stack((4, 1), (4, 1)), x) is None
