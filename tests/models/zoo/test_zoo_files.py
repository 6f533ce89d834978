"""Each architecture trained, down to the INT8 file, and through pruning and integer training."""

import numpy as np
import pytest
from zoo_cases import NAMES, made, some, train

import tfedge
from tfedge.compress.quantization.report import quantization_of

LEAST_SQNR_DB = 12.0
QUICK = "AnomalyAutoencoder DSCNN MobileNetV3Small ResNet8 ShuffleNetV2 SmallGRU TCN"
LEFT_IN_FLOAT = {
    "ShuffleNetV2": {"Operation"},  # slices, which move integers in the file
    "SmallGRU": {"GRU"},
    "VisionTransformer": {"LayerNormalization", "MultiHeadAttention"},
}


def proven(model, x):
    """Return the INT8 file of a model, after checks."""
    # The highest of the values that an autoencoder makes again is no prediction to agree on.
    lite = tfedge.convert(model, "int8", calibration=x, parity=model.name != "AnomalyAutoencoder")
    assert not lite.float_operators
    assert {one.dtype for one in (*lite.inputs, *lite.outputs)} == {"int8"}
    found = tfedge.compare(model, lite, x, latency=False)
    assert found.sqnr_db > LEAST_SQNR_DB
    assert lite.predict(x[:4], runtime="litert").shape == (4, model.output_shape[-1])
    return lite


@pytest.mark.parametrize("name", some(QUICK))
def test_small_inputs_become_integers(name):
    model, x, _ = made(name, "small", width=0.5)
    proven(model, x)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("name", NAMES)
def test_full_widths_become_integers(name, size):
    model, x, _ = made(name, size)
    proven(model, x)


@pytest.mark.parametrize("name", some("DSCNN"))
def test_channels_can_go(name):
    model, x, y = made(name, "small", epochs=1, width=0.5)
    slim = tfedge.prune_channels(model, ratio=0.5)
    assert slim.count_params() < 0.7 * model.count_params()
    assert slim.output_shape == model.output_shape
    train(slim, x, y, epochs=6)
    proven(slim, x)


@pytest.mark.parametrize("name", some("DSCNN"))
def test_training_in_integers(name):
    model, x, y = made(name, "small", width=0.5)
    qat = tfedge.quantize(model, calibration=x)
    train(qat, x, y)
    lite = tfedge.convert(qat, "int8", calibration=x)
    assert not lite.float_operators
    assert np.isfinite(lite.predict(x[:4])).all()
    assert set(quantization_of(qat).float_layers.values()) == LEFT_IN_FLOAT.get(name, set())
