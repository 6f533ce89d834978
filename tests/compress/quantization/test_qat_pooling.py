"""Averages over whole planes have steps of their own."""

import numpy as np
import pytest

import tfedge
from tfedge.compress.quantization.exactness import steps_apart
from tfedge.models.flavours import keras3

layers = keras3().layers


@pytest.mark.parametrize(
    ("shape", "pool", "whole"),
    [
        ((8, 8, 2), layers.AveragePooling2D(8), True),
        ((8, 6, 2), layers.AveragePooling2D((8, 6), padding="same"), True),
        ((8, 8, 2), layers.AveragePooling2D(8, strides=2, padding="same"), False),
        ((8, 8, 2), layers.AveragePooling2D(4), False),
        ((8, 2), layers.AveragePooling1D(8), True),
    ],
)
def test_averages_of_sparse_planes(shape, pool, whole):
    rng = np.random.default_rng(0)
    x = np.where(rng.random((64, *shape)) < 0.03, rng.uniform(0, 9, (64, *shape)), 0)
    x = x.astype("float32")
    conv = {3: layers.Conv2D, 2: layers.Conv1D}[len(shape)]
    first = conv(4, 1, activation="relu", kernel_initializer="ones", name="conv")
    model = keras3().Sequential([layers.Input(shape), first, pool, layers.Flatten()])
    qat = tfedge.quantize(model, calibration=x)
    kinds = {type(getattr(one, "layer", one)).__name__ for one in qat.layers}
    assert ("GlobalAveragePooling2D" in kinds) is whole
    lite = tfedge.convert(qat, "int8")
    assert ("MEAN" in {item.name for item in lite.operators}) is whole
    assert all(record.within_one_step == 1.0 for record in steps_apart(qat, lite, x))
    expected = model.predict(x, verbose=0)
    noise = np.mean((lite.predict(x) - expected) ** 2) / np.mean(expected**2)
    if whole:
        assert -10 * np.log10(noise) > 30
