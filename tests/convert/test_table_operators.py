"""ELU in int8, on every runtime, as the float operator between int8 tensors computes it."""

import numpy as np
import pytest

import tfedge
from tfedge.models.flavours import keras3
from tfedge.runtime.interpreter import available_runtimes

layers = keras3().layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6, 6, 2)).astype("float32")


def network(*steps):
    """Return a network through the given layers."""
    keras3().utils.set_random_seed(0)
    return keras3().Sequential([layers.Input(X.shape[1:]), *steps])


def kinds(lite):
    """Return the names of the operators."""
    return [item.name for item in lite.operators]


@pytest.mark.parametrize("runtime", available_runtimes())
def test_elu_is_one_int8_operator(runtime):
    model = network(layers.Conv2D(4, 3, activation="elu"), layers.Flatten(), layers.Dense(3))
    lite = tfedge.convert(model, "int8", X)
    assert kinds(lite) == ["CONV_2D", "ELU", "RESHAPE", "FULLY_CONNECTED"]
    assert not lite.float_operators
    found = tfedge.Runner(lite, runtime=runtime).predict(X)
    expected = model.predict(X, verbose=0)
    noise = np.mean((found - expected) ** 2) / np.mean(expected**2)
    assert -10 * np.log10(noise) > 30


def test_the_table_is_the_float_function():
    lite = tfedge.convert(network(layers.ELU()), "int8", X)
    assert kinds(lite) == ["ELU"]
    (start,), (end,) = lite.inputs, lite.outputs
    rounded = np.clip(np.round(X / start.scale) + start.zero_point, -128, 127)
    values = (rounded - start.zero_point) * start.scale
    exact = np.where(values > 0, values, np.expm1(values))
    assert np.abs(lite.predict(X) - exact).max() <= 0.51 * end.scale


def test_files_of_floats_are_left_alone():
    model = network(layers.Conv2D(4, 3, activation="elu"))
    assert "ELU" in kinds(tfedge.convert(model, "dynamic"))


def test_what_is_read_twice_stays_as_it_is():
    inputs = layers.Input(X.shape[1:])
    x = layers.ELU()(layers.Conv2D(4, 3)(inputs))
    model = keras3().Model(inputs, [layers.Flatten()(x), layers.Conv2D(2, 1)(x)])
    lite = tfedge.convert(model, "int8", X, float_fallback=True)
    expected = model.predict(X, verbose=0)
    for found, one in zip(lite.predict(X).values(), expected, strict=True):
        assert np.abs(found - one).max() < 0.1 * np.abs(one).max()
