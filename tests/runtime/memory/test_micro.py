"""The plan against tflite-micro's own, and what becomes of files that it does not run."""

import pytest

import tfedge
from tfedge.core.errors import ModelError
from tfedge.runtime.memory import micro
from tfedge.runtime.memory.micro import micro_arena, micro_available
from tfedge.runtime.worker import shared_worker

pytestmark = pytest.mark.skipif(not micro_available(), reason="tflite-micro is not installed")
RUNS = ["cnn_int8", "cnn_float", "cnn_int16x8", "cnn_int8_float_io", "lstm", "two_by_two"]
RUNS += ["four_at_once", "fixed_reshape", "mixes_samples", "tokens"]


@pytest.mark.parametrize("name", RUNS)
def test_the_plan_is_that_of_tflite_micro(load, name):
    model = load(name)
    found = micro_arena(model)
    assert tfedge.runtime.plan_arena(model).arena_bytes == found.head_bytes
    assert found.arena_bytes == found.head_bytes + found.tail_bytes
    assert tfedge.check(model, "micro").fits


def test_the_smallest_arena_is_the_smallest(load):
    model = load("two_by_two")
    found = micro_arena(model)
    worker = shared_worker("tflite-micro interpreter")
    assert found.required_bytes > found.arena_bytes
    assert micro._tried(worker, model, found.required_bytes)[0]
    assert not micro._tried(worker, model, found.required_bytes - 16)[0]
    assert f"{found.required_bytes:,} to start" in repr(found)
    exact = micro_arena(load("cnn_int8"))
    assert exact.required_bytes == exact.arena_bytes and "to start" not in repr(exact)


def test_the_record_holds_it(load):
    found = tfedge.memory(load("cnn_int8"))
    assert found.micro == micro_arena(load("cnn_int8"))
    assert found.ram_bytes == found.micro.required_bytes > found.arena_bytes
    assert found.micro.sections["NodeAndRegistration struct"] > 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [("cnn_dynamic", "FULLY_CONNECTED"), ("cnn_float16", "DEQUANTIZE"), ("sparse", "DENSIFY")],
)
def test_files_that_it_does_not_run(load, name, reason):
    model = load(name)
    with pytest.raises(ModelError, match=f"tflite-micro does not run {name!r}.*{reason}"):
        tfedge.memory(model, micro=True)
    found = tfedge.memory(model)
    assert found.micro is None and reason in found.micro_note
    assert reason in {row.name for row in tfedge.check(model, "micro").misfits}


def test_a_death_of_the_interpreter_is_an_error(load, monkeypatch):
    worker = shared_worker("tflite-micro interpreter")
    call = worker.call
    monkeypatch.setattr(worker, "call", lambda target, *args, **more: call("os:abort"))
    with pytest.raises(ModelError, match="its process died"):
        micro_arena(load("cnn_int8"))
    monkeypatch.undo()
    assert micro_arena(load("cnn_int8")).head_bytes == 1600


def test_nothing_is_printed(load, capfd):
    micro_arena(load("cnn_int8"))
    said = capfd.readouterr()
    assert said.out == said.err == ""
