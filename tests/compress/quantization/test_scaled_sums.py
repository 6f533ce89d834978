import numpy as np
import pytest

from tfedge.compress.quantization.aware import quantize
from tfedge.compress.quantization.exactness import steps_apart
from tfedge.compress.quantization.lowering.scaled_sums import split_scaled_sums
from tfedge.compress.quantization.report import quantization_of
from tfedge.convert.converter import convert
from tfedge.models.adopt import adopt
from tfedge.models.flavours import keras3, tf_keras


def network(flavour):
    """A residual block of InceptionResNetV2, small."""
    keras = flavour()
    module = __import__(
        f"{'tf_keras' if flavour is tf_keras else 'keras'}.src.applications.inception_resnet_v2",
        fromlist=["CustomScaleLayer"],
    )
    keras.utils.set_random_seed(0)
    inputs = keras.layers.Input((8, 8, 6))
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2D(6, 1)(x)
    x = module.CustomScaleLayer(0.17, name="sum")([inputs, x])
    return keras.Model(inputs, keras.layers.Activation("relu", name="relu")(x))


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(40, 8, 8, 6)).astype("float32")


def test_the_split_computes_the_same(images):
    model = network(tf_keras)
    wanted = model.predict(images, verbose=0)
    found = split_scaled_sums(adopt(model)).predict(images, verbose=0)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert split_scaled_sums(model, leave=["sum"]) is model


@pytest.mark.parametrize("flavour", [tf_keras, keras3], ids=["tf_keras", "keras3"])
def test_scaled_sums_are_integers_and_exact(images, flavour):
    model = quantize(network(flavour), calibration=images)
    assert not quantization_of(model).float_layers
    lite = convert(model, "int8")
    assert not lite.float_operators
    assert min(row.within_one_step for row in steps_apart(model, lite, images[:8])) == 1.0
