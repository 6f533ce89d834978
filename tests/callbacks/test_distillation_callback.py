import numpy as np
import pytest

from tfedge.callbacks import Distillation
from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras

LOSS = "sparse_categorical_crossentropy"
FLAVOURS = pytest.mark.parametrize("flavour", [tf_keras, keras3], ids=["tf_keras", "keras3"])


def net(units, flavour=tf_keras, activation="softmax"):
    layers = flavour().layers
    inputs = layers.Input((8,))
    x = layers.Dense(units, "relu")(inputs)
    return flavour().Model(inputs, layers.Dense(3, activation)(x))


def subclassed(flavour, activation="softmax", own_step=False):
    base = flavour()

    class Net(base.Model):
        def __init__(self):
            super().__init__()
            self.hidden = base.layers.Dense(6, "relu")
            self.head = base.layers.Dense(3, activation)

        def call(self, x, training=False):
            return self.head(self.hidden(x))

    class Stepping(Net):
        def train_step(self, data):
            return {"loss": 0.0}

    return Stepping() if own_step else Net()


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 8)).astype("float32")
    return x, x[:, :3].argmax(1)


@FLAVOURS
def test_training_is_that_of_a_distiller(data, flavour):
    student, teacher = net(4, flavour), net(16)
    distiller = Distiller(student, teacher, alpha=0.3)
    distiller.compile(tf_keras().optimizers.SGD(0.1), LOSS)
    wanted = distiller.fit(*data, batch_size=16, epochs=3, shuffle=False, verbose=0).history
    student.compile(flavour().optimizers.SGD(0.1), LOSS)
    callback = Distillation(teacher, alpha=0.3)
    found = student.fit(
        *data, batch_size=16, epochs=3, shuffle=False, callbacks=[callback], verbose=0
    ).history
    for name in ("student_loss", "distillation_loss"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4)
    for one, other in zip(student.get_weights(), distiller.student.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@FLAVOURS
def test_the_model_is_its_own_afterwards(data, flavour):
    student = net(4, flavour)
    student.compile("adam", LOSS)
    before = student.evaluate(*data, verbose=0)
    frozen = Distillation(net(16), alpha=0.0)
    for _ in range(2):
        student.fit(*data, epochs=1, callbacks=[frozen], verbose=0)
    assert "compute_loss" not in vars(student)
    wanted = -np.mean(np.log(student.predict(data[0], verbose=0)[np.arange(64), data[1]]))
    assert student.evaluate(*data, verbose=0) == pytest.approx(wanted, rel=1e-4) != before


@FLAVOURS
@pytest.mark.parametrize("activation", ["softmax", None])
def test_subclassed_models(data, flavour, activation):
    student = subclassed(flavour, activation)
    loss = flavour().losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    student.compile("adam", loss, metrics=["accuracy"])
    with pytest.raises(ArgumentError, match="from_logits=True or False"):
        student.fit(*data, callbacks=[Distillation(net(16))], verbose=0)
    callback = Distillation(net(16), from_logits=activation is None)
    logs = student.fit(*data, epochs=3, callbacks=[callback], verbose=0).history
    assert logs["distillation_loss"][-1] < logs["distillation_loss"][0]
    assert "accuracy" in logs


@FLAVOURS
def test_validation_and_weights(data, flavour):
    student = net(4, flavour)
    student.compile("adam", LOSS, metrics=["accuracy"])
    logs = student.fit(
        *data,
        sample_weight=np.linspace(0, 1, 64),
        validation_data=data,
        callbacks=[Distillation(net(16, keras3), alpha=0.5)],
        verbose=0,
    ).history
    assert {"val_loss", "val_accuracy", "student_loss"} <= set(logs)


@FLAVOURS
def test_a_train_step_without_compute_loss_is_refused(data, flavour):
    student = subclassed(flavour, own_step=True)
    student.compile("adam", LOSS)
    with pytest.raises(ModelError, match="train_step of its own"):
        student.fit(*data, callbacks=[Distillation(net(16), from_logits=False)], verbose=0)


def test_bad_input_is_refused(data):
    with pytest.raises(ArgumentError, match="alpha=2"):
        Distillation(net(16), alpha=2)
    student = net(4, keras3)
    student.compile("adam", LOSS)
    with pytest.raises(ArgumentError, match="a callback sees outputs only"):
        student.fit(*data, callbacks=[Distillation(net(16), [FeatureHint()])], verbose=0)
