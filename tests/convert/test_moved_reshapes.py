"""Reshapes that the converter moves, and cannot: the message says which, and what helps."""

import numpy as np
import pytest

import tfedge
from tfedge.errors import ConversionError


def twice(keras, join_first):
    """A model that calls a convolution twice, joins the results and flattens them."""
    layers = keras.layers
    ends = [keras.Input((6, 6, 2), name=name) for name in ("left", "right")]
    shared = layers.Conv2D(3, 3, name="shared")
    parts = [shared(end) for end in ends]
    if join_first:
        joined = layers.Flatten(name="flat")(layers.Add(name="total")(parts))
    else:
        flat = [layers.Flatten(name=f"flat{number}")(part) for number, part in enumerate(parts)]
        joined = layers.Add(name="total")(flat)
    return keras.Model(ends, layers.Dense(2, name="head")(joined), name="twice")


def test_a_shared_layer_flattened_and_added(keras):
    random = np.random.default_rng(0)
    x = [random.normal(size=(20, 6, 6, 2)).astype("float32") for _ in range(2)]
    with pytest.raises(ConversionError, match=r"reshaped and then joined \(at .*total.*flat"):
        tfedge.convert(tfedge.quantize(twice(keras, False), calibration=x), "int8")
    lite = tfedge.convert(tfedge.quantize(twice(keras, True), calibration=x), "int8")
    assert not lite.float_operators and lite.notes["parity"].sqnr_db > 25
