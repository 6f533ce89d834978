import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.distillation.moving_average import MovingAverage
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.schedules import ConstantSparsity

keras = tf_keras()
LOSS = "sparse_categorical_crossentropy"


def net(flavour=tf_keras):
    layers = flavour().layers
    inputs = layers.Input((8,))
    x = layers.BatchNormalization()(layers.Dense(6, "relu")(inputs))
    return flavour().Model(inputs, layers.Dense(3, "softmax")(x))


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 8)).astype("float32")
    return x, x[:, :3].argmax(1)


def test_the_average_is_that_of_the_formula(data):
    average = MovingAverage(0.6)
    distiller = Distiller(net(), average)
    distiller.compile("adam", LOSS)
    expected = [w.copy() for w in distiller.student.get_weights()]
    found = [pair[0] for pair in average._pairs]
    for step in range(1, 21):
        distiller.train_on_batch(*data)
        keep = min(0.6, step / (step + 9))
        weights = distiller.student.get_weights()
        expected = [keep * e + (1 - keep) * w for e, w in zip(expected, weights, strict=True)]
    for variable, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), wanted, rtol=1e-4, atol=1e-6)


def test_the_average_teaches_and_is_not_trained(data):
    average = MovingAverage()
    distiller = Distiller(net(keras3), average, alpha=0.5)
    distiller.compile(keras.optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    logs = distiller.fit(*data, epochs=25, verbose=0).history
    assert logs["accuracy"][-1] > 0.9 and max(logs["distillation_loss"]) > 1e-3
    names = {variable.ref() for variable in average.model.weights}
    assert not names & {variable.ref() for variable in distiller.trainable_variables}


@pytest.mark.parametrize(
    "wrap", [quantize, lambda m: prune(m, ConstantSparsity(0.5, 0))], ids=["quantized", "pruned"]
)
def test_wrapped_students(data, wrap):
    distiller = Distiller(wrap(net()), MovingAverage(0.9))
    distiller.compile("adam", LOSS)
    logs = distiller.fit(*data, epochs=3, verbose=0).history
    assert np.isfinite(logs["loss"]).all() and logs["distillation_loss"][-1] > 0


def test_replicas_keep_one_average(data):
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices[:2]])
    with strategy.scope():
        average = MovingAverage(0.5)
        distiller = Distiller(net(), average)
        distiller.compile("adam", LOSS)
    before = average.model.get_weights()
    distiller.fit(*data, verbose=0)
    assert not np.array_equal(before[0], average.model.get_weights()[0])


def test_momentum_is_checked():
    for momentum in (-0.1, 1.0, "much"):
        with pytest.raises(ArgumentError, match="momentum="):
            MovingAverage(momentum)
