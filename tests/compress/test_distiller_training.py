"""What people do with a Keras model, done with a Distiller."""

import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.clustering.sharing import cluster
from tfedge.compress.distillation.assistants import through_assistants
from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.schedules import ConstantSparsity

keras = tf_keras()
LOSS = "sparse_categorical_crossentropy"


def net(units, flavour=tf_keras, heads=1):
    layers = flavour().layers
    inputs = layers.Input((8,), name="x")
    x = layers.Dense(units, "relu")(inputs)
    outputs = {f"head{i}": layers.Dense(3, "softmax", name=f"head{i}")(x) for i in range(heads)}
    return flavour().Model(inputs, outputs if heads > 1 else outputs["head0"])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 8)).astype("float32")
    return x, x[:, :3].argmax(1)


def test_class_weights_weigh_both_losses(data):
    x, y = data
    weights = {0: 0.0, 1: 1.0, 2: 2.0}
    logs = []
    for settings in (
        {"class_weight": weights},
        {"sample_weight": np.array([weights[label] for label in y])},
    ):
        keras.utils.set_random_seed(0)
        distiller = Distiller(net(4), net(16))
        distiller.compile("sgd", LOSS)
        logs.append(distiller.fit(x, y, epochs=2, shuffle=False, verbose=0, **settings).history)
    assert_same(*logs, rtol=1e-5)


def assert_same(logs, others, rtol):
    assert set(logs) == set(others)
    for name, values in logs.items():
        np.testing.assert_allclose(values, others[name], rtol)


def test_checkpoints_and_early_stopping(data, tmp_path):
    distiller = Distiller(net(4), net(16))
    distiller.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", save_weights_only=True, save_best_only=True
    )
    early = keras3().callbacks.EarlyStopping("val_accuracy", patience=3)
    distiller.fit(*data, epochs=6, validation_data=data, callbacks=[best, early], verbose=0)
    other = Distiller(net(4), net(16))
    other.load_weights(tmp_path / "best.weights.h5")
    for one, two in zip(other.student.get_weights(), distiller.student.get_weights(), strict=True):
        np.testing.assert_allclose(one, two)


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"steps_per_execution": 2}])
def test_ways_to_execute(data, settings):
    keras.utils.set_random_seed(0)
    student, teacher = net(4), net(16)
    logs = []
    for more in ({}, settings):
        distiller = Distiller(student, teacher)
        distiller.compile("sgd", LOSS, **more)
        logs.append(distiller.fit(*data, epochs=2, shuffle=False, verbose=0).history)
    assert_same(*logs, rtol=1e-4)


@pytest.mark.parametrize("flavour", [tf_keras, keras3], ids=["tf_keras", "keras3"])
def test_several_outputs_by_name(data, flavour):
    x, y = data
    labels = {"head0": y, "head1": (y + 1) % 3}
    distiller = Distiller(net(6, flavour, heads=2), net(24, flavour, heads=2))
    distiller.compile("adam", dict.fromkeys(labels, LOSS), metrics=["accuracy"])
    logs = distiller.fit(x, labels, epochs=2, verbose=0).history
    assert {"head0_loss", "head1_accuracy", "distillation_loss"} <= set(logs)


WRAPPINGS = {
    "quantized": quantize,
    "pruned": lambda model: prune(model, ConstantSparsity(0.5, 0)),
    "clustered": lambda model: cluster(model, 4),
    "pruned and quantized": lambda model: quantize(
        prune(model, ConstantSparsity(0.5, 0)), preserve=("sparsity",)
    ),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_students_and_teachers_in_wrappers(data, wrapping):
    wrap = WRAPPINGS[wrapping]
    distiller = Distiller(wrap(net(6)), wrap(net(24)), alpha=0.2)
    distiller.compile("adam", LOSS)
    logs = distiller.fit(*data, epochs=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all()


def test_half_precision(data):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        distiller = Distiller(net(6), net(24))
        distiller.compile("adam", LOSS)
        logs = distiller.fit(*data, epochs=3, verbose=0).history
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert logs["loss"][-1] < logs["loss"][0]


def test_unlabelled_data(data):
    student, teacher = net(6), net(24)
    distiller = Distiller(student, teacher, alpha=0.0)
    distiller.compile(keras.optimizers.Adam(0.02))
    logs = distiller.fit(tf.data.Dataset.from_tensor_slices(data[0]).batch(32), epochs=9, verbose=0)
    assert logs.history["loss"][-1] < 0.5 * logs.history["loss"][0]


def test_assistants_teach_in_turn(data):
    taught = []

    def fit(distiller):
        distiller.compile("adam", LOSS)
        distiller.fit(*data, verbose=0)
        taught.append(distiller)

    last = through_assistants(net(32), [net(16), net(8)], net(4), fit, alpha=0.2)
    sizes = [one.student.get_layer(index=1).units for one in taught]
    assert sizes == [16, 8, 4] and last is taught[-1] and last.alpha == 0.2
    said = taught[1]._teaching._teacher.predict(data[0], verbose=0)
    np.testing.assert_allclose(said, taught[0].student.predict(data[0], verbose=0), atol=1e-6)
    with pytest.raises(ArgumentError, match="at least one assistant"):
        through_assistants(net(32), [], net(4), fit)
