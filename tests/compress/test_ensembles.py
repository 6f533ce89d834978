import numpy as np
import pytest

from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.distillation.ensembles import averaged
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras

keras = tf_keras()


def net(units, flavour=tf_keras, activation="softmax", classes=3):
    layers = flavour().layers
    inputs = layers.Input((8,))
    x = layers.Dense(units, "relu")(inputs)
    return flavour().Model(inputs, layers.Dense(classes, activation)(x))


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("activation", ["softmax", None])
def test_the_mean_is_geometric(activation):
    x = np.random.default_rng(0).normal(size=(20, 8)).astype("float32")
    members = [net(6, activation=activation) for _ in range(3)]
    p = [m.predict(x, verbose=0) for m in members]
    p = [softmax(one) for one in p] if activation is None else p
    wanted = np.prod(p, axis=0) ** (1 / 3)
    wanted /= wanted.sum(-1, keepdims=True)
    found = averaged(members).predict(x, verbose=0)
    found = softmax(found) if activation is None else found
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_members_of_both_kerases_teach_together(tmp_path):
    x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    y = x[:, :3].argmax(1)
    teachers = [net(12), net(12, keras3), net(12, activation=None)]
    for cache in (None, tmp_path):
        distiller = Distiller(net(4), teachers, cache=cache)
        distiller.compile("adam", "sparse_categorical_crossentropy")
        assert np.isfinite(distiller.fit(x, y, epochs=2, verbose=0).history["loss"]).all()


def test_the_loss_is_that_of_the_mean():
    x = np.random.default_rng(0).normal(size=(32, 8)).astype("float32")
    student, teachers = net(4, activation=None), [net(12, activation=None) for _ in range(2)]
    distiller = Distiller(student, teachers, alpha=0.0)
    distiller.compile("adam")
    logits = np.mean([teacher.predict(x, verbose=0) for teacher in teachers], axis=0)
    p, q = softmax(logits / 4), softmax(student.predict(x, verbose=0) / 4)
    wanted = 16 * np.mean(np.sum(p * np.log(p / q), -1))
    found = distiller.evaluate(x, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(wanted, rel=1e-4)


def test_bad_ensembles_are_refused():
    with pytest.raises(ModelError, match="differ in their outputs"):
        Distiller(net(4), [net(8), net(8, classes=4)])
    with pytest.raises(ArgumentError, match="empty list"):
        Distiller(net(4), [])
