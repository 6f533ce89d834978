import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, DataError, ModelError, WorkerError
from tfedge.evaluate import evaluate
from tfedge.evaluate.classification import Accuracy
from tfedge.runtime.interpreter import interpreter_worker


@pytest.fixture(scope="module")
def expected(digits):
    """Return what Keras scores on the samples that training did not see."""
    return np.mean(digits["keras"].argmax(1) == digits["y"])


class KerasLike:
    """What this library asks of a Keras model."""

    def __init__(self, outputs):
        self.name, self.built = "keras_like", True
        self.inputs = [type("Symbol", (), {"name": "image", "shape": (None, 8, 8, 1)})()]
        self._outputs, self._seen = outputs, 0

    def predict_on_batch(self, x):
        start, self._seen = self._seen, self._seen + len(x)
        return self._outputs[start : self._seen]


def test_files_paths_and_bytes_score_alike(load, digits, expected, tflite_files):
    path = tflite_files / "cnn_float.tflite"
    for model in (load("cnn_float"), path, str(path), path.read_bytes()):
        record = evaluate(model, digits["x"], digits["y"], verbose=0)
        assert record["accuracy"] == record.accuracy == pytest.approx(expected)
        assert record.samples == len(digits["x"])
        assert record.runtime == "litert"
        assert record.size_bytes == path.stat().st_size


def test_keras_models_and_functions(digits, expected):
    for model in (KerasLike(digits["keras"]), KerasLike(digits["keras"]).predict_on_batch):
        record = evaluate(model, digits["x"], digits["y"], verbose=0)
        assert record.accuracy == pytest.approx(expected)
        assert record.size_bytes is None
    assert (
        evaluate(KerasLike(digits["keras"]), digits["x"], digits["y"], verbose=0).runtime == "keras"
    )


def test_data_in_every_form(load, digits, expected):
    x, y = digits["x"], digits["y"]
    forms = [
        (x, y),
        {"image": x},
        ((row, label) for row, label in zip(x, y, strict=True)),
        [(x[:100], y[:100]), (x[100:], y[100:])],
        lambda: iter([({"image": x}, y)]),
    ]
    for data in forms:
        labels = y if isinstance(data, dict) else None
        record = evaluate(load("cnn_float"), data, labels, verbose=0)
        assert record.accuracy == pytest.approx(expected)


def test_weights_weigh(load, digits):
    right = digits["keras"].argmax(1) == digits["y"]
    weights = np.where(right, 0.0, 1.0)
    record = evaluate(load("cnn_float"), (digits["x"], digits["y"], weights), verbose=0)
    assert record.accuracy == 0


def test_several_metrics_and_plain_data(load, digits):
    names = ["accuracy", "top_5", "auc", "confusion_matrix"]
    record = evaluate(load("cnn_int8"), digits["x"], digits["y"], metrics=names, verbose=0)
    assert list(record.metrics) == names
    assert record.confusion_matrix.sum() == record.samples
    assert np.trace(record.confusion_matrix) / record.samples == pytest.approx(record.accuracy)
    assert record.to_dict()["metrics"]["accuracy"] == record.accuracy
    assert record.to_json()
    assert "top_5" in repr(record)
    with pytest.raises(AttributeError, match="No metric 'f1'"):
        record.f1  # noqa: B018


def test_several_outputs_have_their_own_metrics(load, tflite_files):
    data = np.load(tflite_files / "two_by_two.npz")
    x = {"left": data["left"], "right": data["right"]}
    y = {"kind": data["kind"].argmax(1), "size": data["size"]}
    metrics = {"kind": ["accuracy", "top_2"], "size": ["mse", "mae"]}
    record = evaluate(load("two_by_two"), x, y, metrics=metrics, verbose=0)
    assert set(record.metrics) == {"kind_accuracy", "kind_top_2", "size_mse", "size_mae"}
    assert record.kind_accuracy == 1
    assert record.size_mse == pytest.approx(0, abs=1e-9)
    one = evaluate(load("two_by_two"), x, {"size": data["size"] + 1}, metrics="mae", verbose=0)
    assert one.metrics == {"size_mae": pytest.approx(1)}


def test_metric_objects_cannot_count_several_outputs(load, tflite_files):
    data = np.load(tflite_files / "two_by_two.npz")
    x = {"left": data["left"], "right": data["right"]}
    with pytest.raises(ArgumentError, match="dict by output name"):
        evaluate(load("two_by_two"), x, {"kind": data["kind"].argmax(1)}, metrics=[Accuracy()],
                 verbose=0)  # fmt: skip


def test_labels_stay_with_their_samples_over_many_batches(load, digits, expected):
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(597), 25))
    record = evaluate(load("cnn_float"), digits["x"][order], digits["y"][order], verbose=0)
    assert record.samples == len(order) > 3 * 4096
    assert record.accuracy == pytest.approx(expected)


@pytest.mark.parametrize("batch_size", [1, 5, 600])
def test_batch_size_changes_nothing(load, digits, expected, batch_size):
    record = evaluate(load("cnn_float"), digits["x"], digits["y"], batch_size=batch_size, verbose=0)
    assert record.accuracy == pytest.approx(expected)


def test_twice_in_a_row_and_through_the_room(load, digits):
    first = tfedge.evaluate(load("cnn_int8"), digits["x"], digits["y"], verbose=0)
    again = tfedge.evaluate(load("cnn_int8"), digits["x"], digits["y"], verbose=0)
    assert first.metrics == again.metrics


def test_from_a_thread(load, digits, expected):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(
            evaluate(load("cnn_float"), digits["x"], digits["y"], verbose=0)
        )
    )
    thread.start()
    evaluate(load("cnn_int8"), digits["x"], digits["y"], verbose=0)
    thread.join(60)
    assert found[0].accuracy == pytest.approx(expected)


def test_the_bar_is_silent_when_told(load, digits, capfd):
    evaluate(load("cnn_int8"), digits["x"], digits["y"], verbose=0)
    assert capfd.readouterr() == ("", "")
    evaluate(load("cnn_int8"), digits["x"], digits["y"])
    assert "cnn_int8" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": None}, DataError, "these data bring none"),
        ({"y": np.zeros(3)}, DataError, "y has 3 samples"),
        ({"y": np.full(597, 10)}, DataError, "Label 10 of sample 0"),
        ({"y": np.full(597, 0.5)}, DataError, "Label 0.5"),
        ({"data": iter(())}, DataError, "brings its own labels"),
        ({"data": iter(()), "y": None}, DataError, "no samples"),
        ({"metrics": ["nope"]}, ArgumentError, "not known"),
        ({"runtime": "onnx"}, ArgumentError, "runtime"),
        ({"threads": 0}, ArgumentError, "threads"),
        ({"batch_size": 0}, ArgumentError, "batch_size"),
        ({"model": 3}, ModelError, "int cannot predict"),
        ({"model": "no.tflite"}, ModelError, "No model file"),
        ({"model": b"no model"}, ModelError, "not a .tflite file"),
    ],
)
def test_unfit_arguments_say_why(load, digits, change, error, message):
    arguments = {"model": load("cnn_int8"), "data": digits["x"], "y": digits["y"]} | change
    with pytest.raises(error, match=message):
        evaluate(**arguments, verbose=0)


def test_without_metrics_no_labels_are_needed(load, digits):
    assert evaluate(load("cnn_int8"), digits["x"], metrics=(), verbose=0).metrics == {}


def test_an_error_in_the_data_is_the_users_own_and_nothing_hangs(load, digits, expected):
    def broken():
        yield digits["x"][:300], digits["y"][:300]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        evaluate(load("cnn_float"), broken, verbose=0)
    record = evaluate(load("cnn_float"), digits["x"], digits["y"], verbose=0)
    assert record.accuracy == pytest.approx(expected)


@pytest.mark.timeout(60)
def test_a_worker_killed_in_the_middle(load, digits, expected):
    def data():
        for number in range(40):
            if number == 30:
                os.kill(interpreter_worker("litert").pid, signal.SIGKILL)
            yield digits["x"], digits["y"]

    with pytest.raises(WorkerError, match="SIGKILL"):
        evaluate(load("cnn_float"), data, runtime="litert", verbose=0)
    record = evaluate(load("cnn_float"), digits["x"], digits["y"], verbose=0)
    assert record.accuracy == pytest.approx(expected)


_ENDLESS = """
import signal, sys, numpy as np, tfedge
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
from tfedge.runtime.interpreter import interpreter_worker
def data():
    for number in range(10**9):
        if number == 50:
            print(interpreter_worker("litert").pid, flush=True)
        yield np.zeros((500, 8, 8, 1), "float32"), np.zeros(500)
tfedge.evaluate(sys.argv[1], data, runtime="litert", verbose=0)
"""


@pytest.mark.timeout(60)
def test_ctrl_c_in_the_middle_leaves_no_orphan(tflite_files):
    command = [sys.executable, "-c", _ENDLESS, str(tflite_files / "cnn_int8.tflite")]
    parent = subprocess.Popen(command, stdout=-1, stderr=-1, text=True)
    pid = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.send_signal(signal.SIGINT)
    _, stderr = parent.communicate(timeout=20)
    assert "KeyboardInterrupt" in stderr
    time.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
