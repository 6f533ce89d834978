"""What users say about layers: kept, or refused before any work."""

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras

layers = keras3().layers


@pytest.fixture(scope="module")
def model():
    steps = [layers.Input((8, 8, 1)), layers.Conv2D(4, 3, name="conv1"), layers.ReLU(name="relu1")]
    steps += [layers.SeparableConv2D(6, 3, name="conv2"), layers.Flatten(name="flat")]
    return keras3().Sequential([*steps, layers.Dense(4, name="head")])


def schemes(qat):
    """Return the scheme of each kernel, by the name of its layer."""
    return {layer.name: scheme for layer in qat.layers for scheme in getattr(layer, "kernels", ())}


def test_settings_reach_the_layers_that_they_mean(model):
    qat = tfedge.quantize(
        model,
        layers={
            "conv.*": {"weight_bits": 4},
            layers.Dense: tfedge.QuantizeSettings(per_channel=True, symmetric=True),
            ("relu1", "head"): {"observer": "learned", "freeze_after": 10},
        },
        freeze_after=50,
        freeze_batch_norm_after=3,
    )
    found = schemes(qat)
    bits = {"conv1": 4, "conv2_depthwise": 4, "conv2": 4, "head": 8}
    assert {name: scheme.bits for name, scheme in found.items()} == bits
    assert found["head"].axes == (1,)
    ranges = {layer.name: layer.output_range for layer in qat.layers if hasattr(layer, "ranges")}
    assert ranges["head"] == ranges["relu1"].__class__("learned", True, 10)
    assert ranges["relu1"] == ranges["head"].__class__("learned", False, 10)
    assert ranges["conv2"].freeze_after == 50


def test_four_bits_are_four_bits_in_the_file(model):
    rng = np.random.default_rng(0)
    x = rng.random((64, 8, 8, 1), "float32")
    qat = tfedge.quantize(model, calibration=x, layers={"head": {"weight_bits": 4}})
    kernel = qat.get_layer("head").layer.kernel.numpy()
    step = np.abs(kernel).max() / 7
    lite = tfedge.convert(qat, "int8")
    assert tfedge.compare(qat, lite, x, latency=False).largest_difference_steps <= 1.01
    rows = {row.name: row for row in tfedge.unique_weights(lite).kernels}
    [head] = [row for name, row in rows.items() if "head" in name]
    assert head.unique <= 15
    exact = tf_keras().Model(qat.inputs, qat.get_layer("flat").output).predict(x, verbose=0)
    expected = exact @ (np.round(kernel / step) * step)
    found = qat.predict(x, verbose=0)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"layers": {"nothing": {"weight_bits": 4}}}, "matches no layer"),
        ({"layers": {"conv1": {"weight_bits": 16}}}, "at most 8 bits"),
        ({"layers": {"conv1": {"weight_bits": 1}}}, "fewer than 2 leave no sign"),
        ({"layers": {"conv1": {"weight_bits": 4.0}}}, "weight_bits=4.0"),
        ({"layers": {"conv1": {"bits": 4}}}, "settings are a dict of"),
        ({"layers": ["conv1"]}, "must map layers to settings"),
        ({"layers": {"relu1": {"weight_bits": 4}}}, "layers without a kernel"),
        (
            {"layers": {"conv.*": {"weight_bits": 4}, "conv1": {"weight_bits": 8}}},
            "contradicts itself about 'conv1'",
        ),
        ({"layers": {"conv1": {"weight_bits": 4}}, "exclude": "conv.*"}, "left out by exclude"),
        ({"exclude": "conv3"}, "exclude='conv3' matches no layer.*'conv1'"),
        ({"exclude": ["conv1", "conv3"]}, "exclude='conv3' matches no layer"),
        ({"exclude": layers.LSTM}, "no layer is a LSTM"),
        ({"exclude": "(conv"}, "no regular expression"),
        ({"exclude": 3}, "exclude holds 3"),
        ({"observer": "median"}, "observer='median'"),
        ({"freeze_after": -1}, "freeze_after=-1"),
        ({"freeze_batch_norm_after": True}, "freeze_batch_norm_after=True"),
    ],
)
def test_bad_settings_are_refused(model, settings, says):
    with pytest.raises(ArgumentError, match=says):
        tfedge.quantize(model, **settings)


def test_channels_cannot_have_ranges_where_they_share_values(model):
    shared = tfedge.cluster(model, 4)
    with pytest.raises(ArgumentError, match="'head', whose weights share their values"):
        tfedge.quantize(shared, layers={"head": {"per_channel": True}})
    apart = tfedge.cluster(model, 4, per_channel=True)
    for start, name, preserve in ((shared, "head", ()), (apart, "conv1", "clusters")):
        qat = tfedge.quantize(start, preserve=preserve, layers={name: {"per_channel": True}})
        assert schemes(qat)[name].axes and not schemes(qat)[name].common


def test_transposed_convolutions_have_one_range():
    steps = [layers.Input((4, 4, 2)), layers.Conv2DTranspose(3, 3, name="up")]
    with pytest.raises(ArgumentError, match="transposed convolution"):
        tfedge.quantize(keras3().Sequential(steps), layers={"up": {"per_channel": True}})
