import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.distillation.called import kind_of
from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras

FLAVOURS = pytest.mark.parametrize("flavour", [keras3, tf_keras])


def subclassed(flavour, activation="softmax", weights=None):
    layers = flavour().layers

    class Net(flavour().Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(16, "tanh")
            self.head = layers.Dense(3, activation)

        def call(self, x, training=False):
            return self.head(self.hidden(x))

    net = Net()
    net(np.zeros((1, 8), "float32"))
    if weights is not None:
        net.set_weights(weights)
    return net


def functional(flavour, units=4, activation="softmax"):
    layers = flavour().layers
    inputs = layers.Input((8,))
    hidden = layers.Dense(units, "tanh", name="hidden")(inputs)
    return flavour().Model(inputs, layers.Dense(3, activation)(hidden))


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(64, 8)).astype("float32")


@FLAVOURS
@pytest.mark.parametrize("activation", ["softmax", None])
def test_a_subclassed_teacher_teaches_as_a_functional_one(flavour, activation, x):
    same = functional(flavour, 16, activation)
    teacher = subclassed(flavour, activation, same.get_weights())
    before, logs = [np.array(w) for w in teacher.get_weights()], []
    student = functional(flavour)
    for one in (same, teacher):
        tf_keras().utils.set_random_seed(0)
        distiller = Distiller(student, one, alpha=0)
        distiller.compile("sgd")
        logs.append(distiller.fit(x, epochs=3, shuffle=False, verbose=0).history["loss"])
    # only what was a softmax is turned back by a logarithm, which float32 rounds
    np.testing.assert_allclose(logs[1], logs[0], rtol=1e-4)
    assert logs[0][0] > 0
    for old, new in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_it_is_one_of_an_ensemble(x):
    distiller = Distiller(
        functional(tf_keras), [subclassed(keras3), functional(keras3, 16)], alpha=0
    )
    distiller.compile("sgd")
    assert np.isfinite(distiller.fit(x, verbose=0).history["loss"]).all()


def test_what_is_within_cannot_teach():
    with pytest.raises(ArgumentError):
        Distiller(functional(tf_keras), subclassed(tf_keras), [FeatureHint([("hidden", "hidden")])])


@pytest.mark.parametrize(
    ("width", "classes", "words"),
    [
        (5, 3, "calling it as it is on inputs of the student failed"),
        (8, 4, "differ in their outputs"),
    ],
)
def test_other_inputs_or_outputs_are_refused(width, classes, words):
    layers = keras3().layers
    inputs = layers.Input((width,))
    student = keras3().Model(inputs, layers.Dense(classes)(inputs))
    with pytest.raises(ModelError, match=words):
        Distiller(student, subclassed(keras3))


def test_what_is_no_model_is_no_teacher():
    with pytest.raises(ModelError, match="A Keras model was asked for"):
        Distiller(functional(tf_keras), tf.nn.softmax)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([[0.25, 0.75], [1, 0]], "softmax"), ([[0.9], [0.2]], "sigmoid"), ([[3.0, -1]], "logits")],
)
def test_what_outputs_hold(values, kind):
    assert kind_of(np.array(values)) == kind
