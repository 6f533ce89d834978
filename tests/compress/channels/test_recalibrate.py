"""Statistics after recalibration, against those of the data by NumPy."""

import numpy as np
import pytest

from tfedge.compress.pruning.channels.recalibration import recalibrate
from tfedge.core.errors import DataError
from tfedge.models.flavours import keras3, tf_keras

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(2, 3, (256, 5, 5, 3)).astype("float32")


def stacked(keras, **settings):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5, 5, 3))
    first = keras.layers.BatchNormalization(name="first", **settings)(inputs)
    conv = keras.layers.Conv2D(4, 3, name="conv")(keras.layers.Dropout(0.9)(first))
    return keras.Model(inputs, keras.layers.BatchNormalization(name="second")(conv))


def statistics(layer):
    return np.asarray(layer.moving_mean.numpy()), np.asarray(layer.moving_variance.numpy())


@KERASES
def test_statistics_are_those_of_the_data(keras, x):
    model = stacked(keras)
    kernels = [np.array(w) for w in model.get_layer("conv").get_weights()]
    assert recalibrate(model, x) == 2
    mean, variance = statistics(model.get_layer("first"))
    np.testing.assert_allclose(mean, x.mean(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(variance, x.var(axis=(0, 1, 2)), rtol=1e-4)
    for old, new in zip(kernels, model.get_layer("conv").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    inside = keras.Model(model.inputs, model.get_layer("conv").output)
    conv = inside.predict(x, verbose=0)
    mean, variance = statistics(model.get_layer("second"))
    np.testing.assert_allclose(mean, conv.mean(axis=(0, 1, 2)), atol=0.02)
    np.testing.assert_allclose(variance, conv.var(axis=(0, 1, 2)), rtol=0.05)


@KERASES
def test_the_model_normalizes_what_it_sees(keras, x):
    model = stacked(keras, trainable=False)
    recalibrate(model, x)
    outputs = model.predict(x, verbose=0)
    np.testing.assert_allclose(outputs.mean(axis=(0, 1, 2)), 0, atol=0.02)
    np.testing.assert_allclose(outputs.std(axis=(0, 1, 2)), 1, atol=0.02)


def test_other_axes_and_no_scale():
    layers = keras3().layers
    bare = layers.BatchNormalization(axis=1, center=False, scale=False)
    model = keras3().Sequential([layers.Input((4, 6)), bare])
    x = np.random.default_rng(1).normal(1, 2, (64, 4, 6))
    recalibrate(model, x)
    np.testing.assert_allclose(statistics(bare)[0], x.mean(axis=(0, 2)), rtol=1e-4)


def test_several_inputs_by_name():
    keras = keras3()
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    normal = keras.layers.BatchNormalization(name="bn")(keras.layers.Subtract()([left, right]))
    model = keras.Model([left, right], normal)
    x = np.random.default_rng(2).normal(size=(2, 64, 2)).astype("float32")
    recalibrate(model, {"right": x[1], "left": x[0]})
    expected = (x[0] - x[1]).mean(axis=0)
    np.testing.assert_allclose(statistics(model.get_layer("bn"))[0], expected, rtol=1e-4)
    with pytest.raises(DataError, match=r"has the inputs \['left', 'right'\]"):
        recalibrate(model, {"left": x[0]})


def test_nested_models_and_models_without_any():
    keras = keras3()
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(name="bn")])
    model = keras.Sequential([keras.Input((3,)), inner])
    x = np.random.default_rng(3).normal(5, 1, (64, 3))
    assert recalibrate(model, x) == 1
    np.testing.assert_allclose(statistics(inner.get_layer("bn"))[0], x.mean(axis=0), rtol=1e-4)
    assert recalibrate(keras.Sequential([keras.Input((3,)), keras.layers.ReLU()]), x) == 0


def test_a_small_remainder_does_not_count():
    keras = keras3()
    model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(name="bn")])
    x = np.concatenate([np.zeros((64, 1)), np.full((3, 1), 1000.0)])
    recalibrate(model, x)
    assert statistics(model.get_layer("bn"))[0].tolist() == [0.0]
