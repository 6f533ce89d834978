"""A worker that is killed in the middle: an error, no hang, and the next call works."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ModelError, TfedgeError, WorkerError
from tfedge.runtime.interpreter import choose_runtime, interpreter_worker
from tfedge.runtime.latency.measure import Point, opened

pytestmark = pytest.mark.timeout(60)


def kill_interpreter():
    """Kill the process in which interpreters live."""
    os.kill(interpreter_worker(choose_runtime()).pid, signal.SIGKILL)


def batches(x, *more):
    """Yield a thousand batches, and kill the worker after half of them."""
    for number in range(1000):
        if number == 500:
            kill_interpreter()
        yield (x, *more) if more else x


def test_in_the_middle_of_predict(load, digits):
    lite, x = load("cnn_int8"), digits["x"][:64]
    expected = lite.predict(x)
    with pytest.raises(WorkerError, match=r"'cnn_int8' failed on .* after \d+ samples.*SIGKILL"):
        for _ in tfedge.Runner(lite).stream(batches(x)):
            continue
    np.testing.assert_array_equal(lite.predict(x), expected)


def test_in_the_middle_of_evaluate(load, digits):
    lite, x, y = load("cnn_int8"), digits["x"][:64], digits["y"][:64]
    with pytest.raises(WorkerError, match="SIGKILL"):
        tfedge.evaluate(lite, batches(x, y), verbose=0)
    assert tfedge.evaluate(lite, x, y, verbose=0).samples == 64


def test_while_a_file_is_read(load):
    content = load("cnn_int8").content
    stop = threading.Event()

    def kill():
        while not stop.wait(0.05):
            if interpreter_worker(choose_runtime()).alive:
                kill_interpreter()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for _ in range(5):
            try:
                tfedge.TFLiteModel(content)
            except TfedgeError as error:
                assert "SIGKILL" in str(error)
    finally:
        stop.set()
        killer.join()
    assert tfedge.TFLiteModel(content).operators


def children():
    """Return the ids of the processes that this one started."""
    listed = Path("/proc/self/task").glob("*/children")
    return {int(pid) for path in listed for pid in path.read_text().split()}


METER = tfedge.Meter(time.process_time, "joules")
LONG = {"seconds": 50, "verbose": 0}
MEASUREMENTS = {
    "benchmark": lambda lite: tfedge.benchmark(lite, precision=0.0, **LONG),
    "compare_latency": lambda lite: tfedge.compare_latency(lite, lite, precision=0.0, **LONG),
    "energy": lambda lite: tfedge.energy(lite, meter=METER, **LONG),
    "profile": lambda lite: tfedge.profile(lite, method="alone", **LONG),
}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
@pytest.mark.parametrize("name", MEASUREMENTS)
def test_in_the_middle_of_a_measurement(load, name):
    lite, before = load("cnn_int8"), children()
    assert lite.operators

    def kill():
        while not (new := children() - before):
            time.sleep(0.01)
        time.sleep(1.0)
        os.kill(new.pop(), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    start = time.monotonic()
    with pytest.raises(TfedgeError, match=r"SIGKILL|died between two runs"):
        MEASUREMENTS[name](lite)
    killer.join()
    assert time.monotonic() - start < 30
    assert tfedge.benchmark(lite, runs=5, verbose=0).runs == 5


def test_while_another_process_is_measured(load):
    points = [Point(load("cnn_int8"), choose_runtime(), 1, None)]
    with opened(points, [0]) as group:
        group.call("warm_up", 0.01)
        os.kill(group._worker.pid, signal.SIGKILL)
        time.sleep(0.1)
        with pytest.raises(ModelError, match=r"'cnn_int8' died between two runs.*Measure again"):
            group.call("warm_up", 0.01)
