"""EdgeEvaluation in the fit loops of both Kerases, beside the callbacks that read its logs."""

import csv
import math

import keras as keras3
import numpy as np
import pytest
import tf_keras

import tfedge
from tfedge.callbacks import EdgeEvaluation, edge_evaluation
from tfedge.core.errors import (
    ArgumentError,
    CalibrationError,
    ConversionError,
    DataError,
    TfedgeError,
)

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
LOGGED = {"edge_accuracy", "edge_size_bytes", "edge_gzip_bytes"}
RNG = np.random.default_rng(0)
X = RNG.random((96, 6), "float32")
Y = X[:, :3].argmax(1)
TEST = RNG.random((64, 6), "float32")
TEST_Y = TEST[:, :3].argmax(1)


def net(keras, units=12):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    x = keras.layers.Dense(units, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    return compiled(model, keras)


def compiled(model, keras=keras3, rate=2e-2):
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def edge(**settings):
    settings = {"calibration": X, "latency": False, **settings}
    return EdgeEvaluation(TEST, TEST_Y, **settings)


def fit(model, *callbacks, epochs=2, **settings):
    return model.fit(
        X, Y, batch_size=16, epochs=epochs, verbose=0, callbacks=list(callbacks), **settings
    ).history


def by_hand(model, **settings):
    """Return the accuracy of the file that the model makes now."""
    lite = tfedge.convert(model, **{"quantize": "int8", "calibration": X, **settings})
    return tfedge.evaluate(lite, TEST, TEST_Y, verbose=0).accuracy


@both
def test_logs_are_what_evaluation_by_hand_finds(keras):
    model, callback = net(keras), edge(latency=True, metrics=["accuracy", "top_2"])
    history = fit(model, callback, epochs=2, validation_data=(TEST, TEST_Y))
    assert {*LOGGED, "edge_top_2", "edge_latency_ms", "val_accuracy"} <= set(history)
    assert all(len(values) == 2 for values in history.values())
    assert history["edge_accuracy"][-1] == by_hand(model)
    assert history["edge_size_bytes"][-1] == callback.lite.size_bytes
    assert history["edge_gzip_bytes"][-1] == callback.lite.gzip_bytes
    assert history["edge_latency_ms"][-1] > 0
    assert [entry["epoch"] for entry in callback.history] == [0, 1]
    assert callback.history[-1]["edge_top_2"] == history["edge_top_2"][-1]
    assert callback.lite.float_operators == ()


@both
def test_settings_reach_the_converter_and_the_interpreter(keras):
    model, callback = net(keras), edge(quantize="float32", calibration=None, name="mine")
    history = fit(model, callback, epochs=1)
    assert callback.lite.name == "mine"
    assert callback.lite.inputs[0].dtype == "float32"
    assert history["edge_accuracy"] == [by_hand(model, quantize="float32", calibration=None)]


@both
def test_callbacks_of_keras_read_the_logs(keras, tmp_path):
    model = net(keras)
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.keras"), monitor="edge_accuracy", mode="max", save_best_only=True
    )
    table = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    stop = keras.callbacks.EarlyStopping(
        monitor="edge_accuracy", mode="max", patience=1, min_delta=2.0
    )
    history = fit(model, edge(), best, table, stop, epochs=6)
    assert len(history["loss"]) == 2
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["edge_accuracy"]) for row in rows] == history["edge_accuracy"]
    assert best.best == max(history["edge_accuracy"])
    assert by_hand(tmp_path / "best.keras") == best.best


@both
def test_epochs_in_between_repeat_the_last_values(keras):
    callback = edge(every=2)
    history = fit(net(keras), callback, epochs=4)
    assert [entry["epoch"] for entry in callback.history] == [0, 2, 3]
    values = history["edge_accuracy"]
    scored = [entry["edge_accuracy"] for entry in callback.history]
    assert values == [scored[0], scored[0], scored[1], scored[2]]
    history = fit(net(keras), callback, epochs=4, initial_epoch=1)
    assert [entry["epoch"] for entry in callback.history] == [1, 2, 3]
    assert history["edge_accuracy"] == [entry["edge_accuracy"] for entry in callback.history]


@pytest.mark.parametrize(
    ("keras", "settings", "error"),
    [
        (keras3, {"calibration": None}, CalibrationError),
        (tf_keras, {"calibration": X[:, :5]}, CalibrationError),
        (keras3, {"quantize": "int5"}, ArgumentError),
        (keras3, {"metrics": ["beauty"]}, ArgumentError),
        (tf_keras, {"metrics": ["beauty"]}, ArgumentError),
    ],
)
def test_what_is_wrong_stops_the_run_before_its_first_step(keras, settings, error):
    model = net(keras)
    before = model.get_weights()
    with pytest.raises(error):
        fit(model, edge(**settings))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert int(model.optimizer.iterations) == 0


def test_bad_labels_and_bad_steps_are_refused():
    with pytest.raises(DataError):
        fit(net(keras3), EdgeEvaluation(TEST, TEST_Y + 7, calibration=X))
    for every in (0, 1.5, "2"):
        with pytest.raises(ArgumentError, match="every="):
            edge(every=every)


@pytest.mark.parametrize(("keras", "epoch"), [(keras3, 1), (tf_keras, 2)])
def test_a_failure_later_warns_and_logs_nan(keras, epoch, monkeypatch):
    calls = []

    def failing(*args, **settings):
        calls.append(1)
        if len(calls) == 1 + epoch:
            raise ConversionError("the converter died")
        return tfedge.convert(*args, **settings)

    monkeypatch.setattr(edge_evaluation, "convert", failing)
    model, callback = net(keras), edge()
    with pytest.warns(UserWarning, match=rf"after epoch {epoch}(.|\n)*NaN(.|\n)*died"):
        history = fit(model, callback, epochs=3)
    assert len(history["loss"]) == 3
    for name in LOGGED:
        assert [math.isnan(value) for value in history[name]] == [epoch == 1, epoch == 2, False]
    assert math.isnan(callback.history[epoch - 1]["edge_accuracy"])


def test_faults_of_other_kinds_are_not_swallowed(monkeypatch):
    calls = []

    def failing(*args, **settings):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return tfedge.convert(*args, **settings)

    monkeypatch.setattr(edge_evaluation, "convert", failing)
    assert not issubclass(ZeroDivisionError, TfedgeError)
    with pytest.raises(ZeroDivisionError):
        fit(net(keras3), edge())


@pytest.mark.parametrize("kind", ["pruned", "quantized", "distiller"])
def test_wrapped_models(kind, tmp_path):
    teacher = net(keras3)
    fit(teacher, epochs=4)
    model = {
        "pruned": lambda: tfedge.prune(teacher, tfedge.ConstantSparsity(0.5, 0, frequency=1)),
        "quantized": lambda: tfedge.quantize(teacher, calibration=X),
        "distiller": lambda: tfedge.Distiller(net(keras3, 8), teacher),
    }[kind]()
    callback = edge()
    best = keras3.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="edge_accuracy", mode="max", save_best_only=True
    )
    history = fit(compiled(model, rate=5e-3), callback, best, validation_data=(TEST, TEST_Y))
    assert history["edge_accuracy"][-1] == by_hand(model)
    assert by_hand(tmp_path / "best.keras") == max(history["edge_accuracy"])
    if kind == "pruned":
        assert tfedge.sparsity(callback.lite).sparsity == pytest.approx(0.5, abs=0.05)


@both
def test_one_object_serves_two_runs(keras):
    callback = edge()
    first, second = net(keras), net(keras, 5)
    fit(first, callback, epochs=1)
    small = callback.lite
    history = fit(second, callback, epochs=1)
    assert callback.model is second
    assert callback.lite != small
    assert history["edge_accuracy"] == [by_hand(second)]
    assert [entry["epoch"] for entry in callback.history] == [0]


@both
def test_subclasses_add_hooks(keras, capsys):
    class Counting(EdgeEvaluation):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1

        def _implements_train_batch_hooks(self):
            return True

    counting = Counting(TEST, TEST_Y, calibration=X, latency=False, verbose=1)
    history = fit(net(keras), counting, epochs=2)
    assert counting.batches == 2 * 6
    assert set(history) >= LOGGED
    assert "Epoch 2: edge_accuracy" in capsys.readouterr().out
