"""Ranges of the fake-quant graph come from the observers that files are calibrated with."""

import numpy as np
import pytest

import tfedge
from tfedge.compress.quantization.ranges import calibrate_ranges
from tfedge.core.errors import ArgumentError
from tfedge.core.observers import MSE, OBSERVERS, Percentile, observer_named
from tfedge.models.flavours import keras3

keras, layers = keras3(), keras3().layers


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    steps = [layers.Input((6,), name="x"), layers.Dense(8, activation="relu", name="hidden")]
    return keras.Sequential([*steps, layers.Dense(3, name="head")])


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_t(3, (300, 6)).astype("float32")


def ends(qat):
    """Return each range as (low, high), by the name of its layer."""
    found = {
        layer.name: layer.ranges["output"][1] for layer in qat.layers if hasattr(layer, "ranges")
    }
    return {name: (float(v["min_var"]), float(v["max_var"])) for name, v in found.items()}


@pytest.mark.parametrize("observer", [*OBSERVERS, Percentile(95.0), MSE(bits=4)])
def test_ranges_are_those_of_the_observer(observer, model, x):
    found = ends(tfedge.quantize(model, calibration=x, calibration_observer=observer))
    tensors = {"x_range": x}
    tensors |= {
        name: keras.Model(model.inputs, model.get_layer(name).output).predict(x, verbose=0)
        for name in ("hidden", "head")
    }
    assert set(found) == set(tensors)
    for name, values in tensors.items():
        parts = [values[start : start + 64] for start in range(0, len(values), 64)]
        expected = observer_named(observer).of(parts)
        slack = 2e-3 * (expected[1] - expected[0])
        np.testing.assert_allclose(found[name], expected, atol=slack)


def test_symmetric_ranges_hold_what_the_observer_found(model, x):
    settings = {"head": {"symmetric": True}}
    qat = tfedge.quantize(model, calibration=x, calibration_observer="mse", layers=settings)
    low, high = ends(qat)["head"]
    plain = ends(tfedge.quantize(model, calibration=x, calibration_observer="mse"))["head"]
    assert low / high == pytest.approx(-128 / 127)
    assert max(-low / 128, high / 127) == pytest.approx(max(-plain[0] / 128, plain[1] / 127))


def test_narrow_kernels_have_new_ranges_before_they_are_run(model, x):
    qat = tfedge.quantize(model, calibration=x, layers={"hidden": {"weight_bits": 4}})
    before = ends(qat)["hidden"]
    hidden = qat.get_layer("hidden").layer
    hidden.set_weights([8 * one for one in hidden.get_weights()])
    calibrate_ranges(qat, x)
    np.testing.assert_allclose(ends(qat)["hidden"], [8 * end for end in before], rtol=1e-4)


def test_unknown_observers_are_refused(model, x):
    with pytest.raises(ArgumentError, match="median"):
        tfedge.quantize(model, calibration_observer="median")
    with pytest.raises(ArgumentError, match="no observer"):
        calibrate_ranges(tfedge.quantize(model), x, observer=3)
