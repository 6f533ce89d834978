"""Every layer builds, trains and becomes a file; what stays in float is said."""

import numpy as np
import pytest
import tensorflow as tf
from quantized_zoo import MODELS

import tfedge
from tfedge.compress.quantization.report import quantization_of
from tfedge.core.errors import ConversionError, ModelError
from tfedge.models.flavours import keras3, tf_keras


def made(name):
    """Return a network with unlike normalization statistics, and inputs for it."""
    keras3().utils.set_random_seed(0)
    rng, model = np.random.default_rng(0), MODELS[name][0]()
    for weight in model.weights:
        if "moving" in weight.path or "gamma" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    x = {
        tensor.name: rng.integers(0, 20, (48, *tensor.shape[1:])).astype("int32")
        if "int" in tensor.dtype
        else rng.uniform(-1, 1, (48, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    }
    return model, (x if len(x) > 1 else next(iter(x.values())))


def trained_a_step(qat, x):
    """Train for one step towards zero."""
    y = tf.nest.map_structure(np.zeros_like, qat.predict(x, verbose=0))
    qat.compile(tf_keras().optimizers.SGD(1e-3, clipnorm=1.0), "mse")
    history = qat.fit(x, y, batch_size=48, verbose=0)
    assert np.isfinite(history.history["loss"][0])


@pytest.mark.parametrize("name", MODELS)
def test_builds_trains_and_converts(name):
    model, x = made(name)
    qat = tfedge.quantize(model, calibration=x)
    assert quantization_of(qat).float_layers == MODELS[name][1]
    for ours, theirs in zip(
        tf.nest.flatten(model.predict(x, verbose=0)),
        tf.nest.flatten(qat.predict(x, verbose=0)),
        strict=True,
    ):
        assert np.abs(ours - theirs).max() < 0.05 * np.abs(ours).max()
    trained_a_step(qat, x)
    strange = name == "strange_activation"
    data = x if MODELS[name][1] and not strange else None
    lite = tfedge.convert(qat, "int8", data, float_fallback=strange, parity=x)
    left = {item.name for item in lite.float_operators}
    assert {"EXP", "LOG"} <= left if strange else not left
    record = tfedge.compare(qat, lite, x, latency=False)
    if not MODELS[name][1]:
        assert record.largest_difference_steps <= 1.01
        assert record.sqnr_db > 35
    else:
        assert record.sqnr_db > 15


def test_a_file_with_layer_normalization_in_float_runs():
    """Partly quantized by tfmot, such a file aborted the interpreter's process."""
    model, x = made("layer_normalized")
    qat = tfedge.quantize(model, calibration=x)
    with pytest.raises(ConversionError, match="nothing tells the range"):
        tfedge.convert(qat, "int8")
    lite = tfedge.convert(qat, "int8", float_fallback=True)
    assert {"MEAN", "RSQRT"} <= {item.name for item in lite.float_operators}
    assert tfedge.compare(qat, lite, x, latency=False).sqnr_db > 25


def test_strict_names_what_would_stay_in_float():
    model, _ = made("attention")
    with pytest.raises(ModelError, match=r"(?s)1 layers.*heads: LiteRT has no operator for Multi"):
        tfedge.quantize(model, strict=True)
    tfedge.quantize(model, strict=True, exclude="heads")
    tfedge.quantize(made("merges")[0], strict=True)


def test_depthwise_kernels_have_a_range_for_each_channel():
    keras = tf_keras()
    layer = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layer(inputs))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 2)) * np.array([1, 10, 100])[:, None]
    layer.depthwise_kernel.assign(kernel)
    x = np.random.default_rng(1).random((32, 8, 8, 3), "float32")
    qat = tfedge.quantize(model, calibration=x)
    [largest] = [w for w in qat.weights if "kernel_max" in w.name]
    np.testing.assert_allclose(largest, np.abs(kernel).max((0, 1)).ravel(), rtol=1e-6)
    lite = tfedge.convert(qat, "int8")
    scales = [tensor.scale for tensor in lite.tensors() if isinstance(tensor.scale, tuple)]
    assert max(map(len, scales)) == 6
    assert tfedge.compare(qat, lite, x, latency=False).largest_difference_steps <= 1.01
    floats = tfedge.convert(qat, "float32")
    assert tfedge.compare(qat, floats, x, latency=False, layers=True).layers
