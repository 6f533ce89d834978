"""Files on a device over a real ssh connection."""

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import (
    ArgumentError,
    DataError,
    MissingPackageError,
    ModelError,
    WorkerError,
)
from tfedge.runtime.remote.device import RemoteDevice
from tfedge.runtime.remote.runner import RemoteRunner


def test_what_the_device_is(remote):
    info = remote.info
    assert info.runtimes == ("litert",)
    assert info.tfedge == tfedge.__version__
    assert info.memory_bytes > 1e8
    assert info.cores >= 1
    assert remote.name in repr(remote)
    assert "litert" in repr(info)


@pytest.mark.parametrize("name", ["cnn_int8", "cnn_float", "cnn_int16x8"])
def test_the_same_outputs_as_here(remote, load, digits, name):
    lite = load(name)
    with RemoteRunner(lite, remote) as there:
        assert there.runtime == "litert"
        for count in (1, 7, len(digits["x"])):
            x = digits["x"][:count]
            expected = tfedge.Runner(lite, "litert").predict(x)
            found = there.predict(x)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, atol=1e-6)
        assert there.batch_size >= 1


def test_several_inputs_and_outputs_by_name(remote, load):
    lite, rng = load("two_by_two"), np.random.default_rng(0)
    x = {"left": rng.random((5, 6)), "right": rng.random((5, 3, 2))}
    expected = tfedge.Runner(lite, "litert").predict(x)
    found = RemoteRunner(lite, remote).predict(x)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6)


def test_codes_go_in_and_come_out_raw(remote, load, digits):
    lite, codes = load("cnn_int8"), np.arange(640, dtype="int8").reshape(10, 8, 8, 1)
    found = RemoteRunner(lite, remote).predict(codes, raw=True)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, tfedge.Runner(lite, "litert").predict(codes, raw=True))


def test_many_batches_are_sent_ahead_and_keep_their_order(remote, load, digits):
    lite = load("cnn_float")
    parts = [digits["x"][start : start + 8] for start in range(0, 400, 8)]
    found = np.concatenate(list(RemoteRunner(lite, remote).stream(parts)))
    np.testing.assert_allclose(found, lite.predict(digits["x"][:400]), atol=1e-6)


def test_messages_larger_than_any_pipe(remote, load):
    x = np.random.default_rng(0).random((20_000, 8, 8, 1), "float32")
    with RemoteRunner(load("cnn_float"), remote) as there:
        found = np.concatenate(list(there.stream([x[:10_000], x[10_000:]])))
    assert found.shape == (20_000, 10)
    np.testing.assert_allclose(found[::999], load("cnn_float").predict(x[::999]), atol=1e-6)


def test_evaluate_on_a_device(sshd, device_python, load, digits, remote):
    lite = load("cnn_int8")
    here = tfedge.evaluate(lite, digits["x"], digits["y"], metrics=["accuracy", "auc"], verbose=0)
    for on in (remote, remote, sshd.address(device_python)):
        there = tfedge.evaluate(
            lite, digits["x"], digits["y"], metrics=["accuracy", "auc"], verbose=0, on=on
        )
        assert there.metrics == pytest.approx(here.metrics)
        assert there.samples == here.samples
        assert (there.runtime, there.on) == ("litert", remote.name)
        assert f"litert at {remote.name}" in repr(there)


def test_compare_on_a_device(remote, load, digits):
    a, b = load("cnn_float"), load("cnn_int8")
    x, y = digits["x"], digits["y"]
    here = tfedge.compare(a, b, x, y, latency=False)
    there = tfedge.compare(a, b, x, y, on=remote)
    assert (there.a.on, there.b.on) == (remote.name, remote.name)
    assert (here.a.on, there.outputs, there.differences) == (None, here.outputs, here.differences)
    assert min(there.a.latency_ms, there.b.latency_ms) > 0
    assert repr(there).splitlines()[2].startswith("at ")


def test_what_is_no_file_stays_here(remote, load, digits):
    lite = load("cnn_int8")
    there = tfedge.compare(lite.predict, lite, digits["x"], on=remote)
    assert (there.a.on, there.a.latency_ms, there.b.on) == (None, None, remote.name)
    assert there.b.latency_ms > 0
    assert there.agreement == 1.0
    with pytest.raises(ModelError, match="Neither model can run on"):
        tfedge.compare(np.square, np.square, digits["x"], on=remote)


def test_a_metric_of_the_users_own_is_computed_here(remote, load, digits):
    def worst(y_true, y_pred):
        return float(np.abs(np.eye(10)[y_true] - y_pred).max())

    lite = load("cnn_int8")
    record = tfedge.evaluate(lite, digits["x"], digits["y"], metrics=worst, verbose=0, on=remote)
    assert record.worst == pytest.approx(worst(digits["y"], lite.predict(digits["x"])), abs=0.01)


def test_more_files_than_are_kept_open(remote, load, digits):
    lite = load("cnn_int8")
    files = [tfedge.TFLiteModel(lite.content + bytes([0] * n), f"file {n}") for n in range(11)]
    runners = [RemoteRunner(file, remote) for file in files]
    x = digits["x"][:3]
    for runner in runners:
        np.testing.assert_array_equal(runner.predict(x), lite.predict(x))
    assert len(remote._files) == 8


def test_errors_there_come_back_as_themselves_and_the_connection_stays(remote, load, digits):
    lite = load("cnn_int8")
    runner = RemoteRunner(lite, remote)
    connection = remote._connection
    with pytest.raises(MissingPackageError, match=r"On .*@127.0.0.1: .*pip install tflite-runtime"):
        RemoteRunner(lite, remote, runtime="tflite-runtime")
    with pytest.raises(ArgumentError, match=r"On .*runtime='none' is not known"):
        RemoteRunner(lite, remote, runtime="none")
    with pytest.raises(DataError, match="shape"):
        runner.predict(np.zeros((2, 9, 9, 1)))
    with pytest.raises(DataError, match=r"value nan in sample 12 "):
        list(runner.stream([np.zeros((10, 8, 8, 1)), np.full((10, 8, 8, 1), [[[0.0]]]) * _nan(2)]))
    with pytest.raises(ModelError, match=r"Convert it first|cannot run on"):
        tfedge.evaluate(np.square, digits["x"], digits["y"], on=remote, verbose=0)
    with pytest.raises(WorkerError, match="no_such_task"):
        remote.ask("no_such_task")
    assert runner.predict(digits["x"][:3]).shape == (3, 10)
    assert remote._connection is connection


def _nan(place):
    """Return ten factors of one, with NaN in one place."""
    factors = np.ones((10, 1, 1, 1))
    factors[place] = np.nan
    return factors


def test_a_stream_that_is_left_in_the_middle(remote, load, digits):
    runner = RemoteRunner(load("cnn_int8"), remote)
    parts = (digits["x"][start : start + 8] for start in range(0, 160, 8))
    stream = runner.stream(parts)
    first = next(stream)
    with pytest.raises(WorkerError, match="in the middle of a stream"):
        runner.predict(digits["x"][:2])
    stream.close()
    np.testing.assert_array_equal(runner.predict(digits["x"][:8]), first)


def test_an_error_of_the_callers_own_batches(remote, load, digits):
    runner = RemoteRunner(load("cnn_int8"), remote)

    def batches():
        for _ in range(5):
            yield digits["x"][:8]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(runner.stream(batches()))
    assert runner.predict(digits["x"][:8]).shape == (8, 10)


def test_closed_devices_connect_again(remote, load, digits):
    runner = RemoteRunner(load("cnn_int8"), remote)
    before = runner.predict(digits["x"][:3])
    remote.close()
    runner.close()
    np.testing.assert_array_equal(runner.predict(digits["x"][:3]), before)


def test_what_is_no_device(load):
    for on in (7, "pi@kitchen", "http://pi", RemoteDevice):
        with pytest.raises(ArgumentError, match=r"on=.*ssh://"):
            tfedge.evaluate(load("cnn_int8"), np.zeros((1, 8, 8, 1)), on=on, verbose=0)
