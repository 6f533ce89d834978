import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.runtime.worker import Worker, WorkerCallError, shared_worker


@pytest.fixture
def worker():
    with Worker("test") as made:
        yield made


def gone(pid, seconds=5.0):
    """Return whether a process ends within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_arrays_travel_both_ways_unchanged(worker):
    for array in (np.arange(12.0).reshape(3, 4), np.zeros((0, 3)), np.asfortranarray(np.eye(3))):
        np.testing.assert_array_equal(worker.call("numpy:negative", array), -array)
    result = worker.call("numpy:sort", np.arange(5)[::-1])
    result[0] = 9
    np.testing.assert_array_equal(result, [9, 1, 2, 3, 4])


def test_a_large_array_after_a_small_one(worker):
    small = worker.call("numpy:square", np.arange(3))
    large = worker.call("numpy:square", np.arange(3_000_000))
    assert large[-1] == 2_999_999**2
    np.testing.assert_array_equal(small, [0, 1, 4])


def test_map_keeps_order(worker):
    calls = (((np.full(1000, i),), {}) for i in range(20))
    assert [int(total) for total in worker.map("numpy:sum", calls)] == [1000 * i for i in range(20)]


def test_calls_made_while_the_next_item_is_drawn_get_their_own_answers(worker):
    def calls():
        for number in range(8):
            yield (worker.call("math:sqrt", float(number**2)) * np.ones(100),), {}

    assert [float(total) for total in worker.map("numpy:max", calls())] == list(range(8))


def test_maps_within_maps_do_not_overwrite_each_other(worker):
    def calls():
        for number in range(6):
            parts = (((np.full(10_000, 10 * number + part),), {}) for part in range(4))
            found = [int(value) for value in worker.map("numpy:max", parts)]
            assert found == [10 * number + part for part in range(4)]
            yield (np.full(10_000, number),), {}

    assert [int(value) for value in worker.map("numpy:max", calls())] == list(range(6))


def test_abandoned_maps_leave_the_worker_in_order(worker):
    results = worker.map("math:sqrt", (((float(i),), {}) for i in range(100)))
    assert next(results) == 0
    results.close()
    assert worker.call("math:sqrt", 16.0) == 4
    np.testing.assert_array_equal(worker.call("numpy:square", np.arange(3)), [0, 1, 4])


def test_an_error_in_the_items_is_the_callers(worker):
    def calls():
        yield (4.0,), {}
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(worker.map("math:sqrt", calls()))
    assert worker.call("math:sqrt", 16.0) == 4


def test_errors_come_back_by_kind(worker):
    with pytest.raises(WorkerCallError, match="ValueError: math domain error") as caught:
        worker.call("math:sqrt", -1.0)
    assert caught.value.kind == "ValueError"
    assert not caught.value.died
    assert "Traceback" in caught.value.log
    with pytest.raises(ArgumentError, match="not known"):
        worker.call("tfedge.core.checks:one_of", "a", 1, [2])


def test_a_dead_worker_is_an_error_and_the_next_call_works(worker):
    worker.call("math:sqrt", 1.0)
    with pytest.raises(WorkerCallError, match="SIGSEGV") as caught:
        worker.call("os:kill", worker.pid, signal.SIGSEGV)
    assert caught.value.died
    assert not worker.alive
    assert worker.call("math:sqrt", 4.0) == 2


def test_what_a_dying_worker_printed_is_in_the_message(worker):
    with pytest.raises(WorkerCallError, match="last words"):
        worker.call("builtins:exec", "import os; os.write(2, b'last words'); os._exit(3)")


def test_killed_while_idle_goes_unnoticed(worker):
    worker.call("math:sqrt", 1.0)
    os.kill(worker.pid, signal.SIGKILL)
    while worker.alive:
        time.sleep(0.01)
    assert worker.call("math:sqrt", 4.0) == 2


def test_time_limit_ends_the_worker(worker):
    start = time.monotonic()
    with pytest.raises(WorkerCallError, match="no answer within"):
        worker.call("time:sleep", 60, timeout=0.3)
    assert time.monotonic() - start < 5
    assert worker.call("math:sqrt", 4.0) == 2


def test_threads_take_turns(worker):
    results = {}

    def ask(number):
        for _ in range(20):
            results[number] = worker.call("math:sqrt", float(number**2))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: number for number in range(6)}


def test_shared_workers_are_one_per_name():
    assert shared_worker("a name") is shared_worker("a name")


def _ask_in_child(worker, answers):
    """Call a worker that was inherited through a fork."""
    answers.put((worker.call("math:sqrt", 9.0), worker.pid))
    worker.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_forked_child_gets_a_worker_of_its_own(worker):
    worker.call("math:sqrt", 1.0)
    pid = worker.pid
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_ask_in_child, args=(worker, answers))
    child.start()
    value, child_pid = answers.get(timeout=20)
    child.join(10)
    assert value == 3
    assert child_pid != pid
    assert worker.pid == pid
    assert worker.call("math:sqrt", 4.0) == 2


_PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
from tfedge.runtime.worker import shared_worker
worker = shared_worker("orphan")
worker.call("math:sqrt", 1.0)
print(worker.pid, flush=True)
{last}
"""


@pytest.mark.parametrize(
    ("last", "how"),
    [
        ("", None),
        ("raise SystemExit(3)", None),
        ("worker.call('time:sleep', 60)", signal.SIGINT),
        ("worker.call('time:sleep', 60)", signal.SIGTERM),
        ("worker.call('time:sleep', 60)", signal.SIGKILL),
    ],
)
def test_no_worker_outlives_its_parent(last, how):
    script = _PARENT.format(last=last)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=-1, stderr=-1, text=True)
    pid = int(parent.stdout.readline())
    if how is not None:
        time.sleep(0.3)
        parent.send_signal(how)
    parent.communicate(timeout=20)
    assert gone(pid), "the worker is an orphan"
