"""Damaged files: an error of ours or a result, never a crash or a hang of the caller."""

from collections import Counter

import numpy as np
import pytest

from tfedge.core.errors import ModelError, TfedgeError
from tfedge.runtime import facts, runner
from tfedge.runtime.interpreter import available_runtimes, interpreter_worker
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner

_WORDS = (0, 1, -1, 2**31 - 1, -(2**31), 65536)
_SOURCES = ("cnn_int8", "cnn_float", "two_by_two", "lstm")


def bytes_changed(data, rng):
    """Put random bytes into some places."""
    for place in rng.integers(len(data), size=rng.integers(1, 9)):
        data[place] = int(rng.integers(256))


def bits_flipped(data, rng):
    """Flip single bits."""
    for place in rng.integers(len(data), size=rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))


def words_replaced(data, rng):
    """Put extreme numbers where sizes and offsets may be."""
    for place in rng.integers(len(data) // 4, size=rng.integers(1, 9)):
        word = int(rng.choice(_WORDS)).to_bytes(4, "little", signed=True)
        data[4 * place : 4 * place + 4] = word


def offsets_moved(data, rng):
    """Change numbers that look like offsets within the file by a little."""
    words = np.frombuffer(data[: len(data) // 4 * 4], "<i4")
    places = np.flatnonzero((words > 0) & (words < len(data)))
    for place in rng.choice(places, size=3):
        moved = int(words[place]) + int(rng.choice((-8, -4, -1, 1, 4, 8)))
        data[4 * place : 4 * place + 4] = moved.to_bytes(4, "little", signed=True)


def cut_short(data, rng):
    """Drop the end, sometimes the middle."""
    start, stop = sorted(rng.integers(8, len(data), size=2))
    del data[start : stop if rng.random() < 0.3 else None]


def spliced(data, rng):
    """Copy one part of the file over another."""
    size = int(rng.integers(1, len(data) // 4))
    start, target = rng.integers(len(data) - size, size=2)
    data[target : target + size] = data[start : start + size]


_WAYS = (bytes_changed, bits_flipped, words_replaced, offsets_moved, cut_short, spliced)


def damaged(content, rng, number):
    """Return a damaged copy; the identifier stays, so that the file is not refused at once."""
    data = bytearray(content)
    _WAYS[number % len(_WAYS)](data, rng)
    data[4:8] = b"TFL3"
    return bytes(data)


def survive(content):
    """Read, describe and run a damaged file; return what became of it."""
    try:
        model = TFLiteModel(content)
    except ModelError:
        return "refused"
    assert repr(model) and model.to_json()
    sizes = [np.prod(item.shape[1:], dtype=float) for item in model.inputs]
    if max(sizes, default=0) > 1e6:
        return "huge"
    x = {item.name: np.zeros((3, *map(abs, item.shape[1:])), "float32") for item in model.inputs}
    try:
        Runner(model).predict(x)
    except TfedgeError:
        return "failed"
    return "ran"


def harm(tflite_files, monkeypatch, runtime, count, seed):
    """Read and run damaged files on one runtime; return how many met which end."""
    for module in (facts, runner):
        monkeypatch.setattr(module, "choose_runtime", lambda *_, **__: runtime)
    sources = [(tflite_files / f"{name}.tflite").read_bytes() for name in _SOURCES]
    rng = np.random.default_rng(seed)
    found = Counter(survive(damaged(sources[i // 6 % 4], rng, i)) for i in range(count))
    x = np.zeros((3, 8, 8, 1), "float32")
    assert Runner(TFLiteModel(sources[0])).predict(x).shape == (3, 10), "a whole file still runs"
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("runtime", available_runtimes()[:2])
def test_damaged_files_never_harm_the_caller(tflite_files, monkeypatch, runtime):
    # tflite-runtime does not verify files, so that most of these end its process.
    count = 1020 if runtime == "litert" else 60
    found = harm(tflite_files, monkeypatch, runtime, count, seed=7)
    assert found.total() == count
    assert found["refused"] > count / 4
    assert found["ran"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("runtime", available_runtimes()[:2])
def test_many_damaged_files(tflite_files, monkeypatch, runtime):
    count = 20_000 if runtime == "litert" else 1_000
    assert harm(tflite_files, monkeypatch, runtime, count, seed=8).total() == count


@pytest.mark.parametrize("size", [1, 7, 8, 16, 100, 5000])
def test_random_bytes_are_refused(size):
    content = np.random.default_rng(size).bytes(size)
    for candidate in (content, content[:4] + b"TFL3" + content[8:]):
        with pytest.raises(ModelError):
            TFLiteModel(candidate)


class Slow:
    """A worker on which every file takes a minute."""

    def call(self, target, *args, timeout):
        return interpreter_worker("litert").call("time:sleep", 60, timeout=timeout)


def test_a_file_that_takes_for_ever_is_given_up(tflite_files, monkeypatch):
    monkeypatch.setattr(facts, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(facts, "interpreter_worker", lambda runtime: Slow())
    with pytest.raises(ModelError, match="Timeout"):
        TFLiteModel.load(tflite_files / "cnn_int8.tflite")
    monkeypatch.undo()
    assert TFLiteModel.load(tflite_files / "cnn_int8.tflite").operators


@pytest.mark.parametrize("shape", [[0, 8, 8, 1], []])
def test_inputs_that_hold_no_samples(tflite_files, shape):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    content = (tflite_files / "cnn_float.tflite").read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = shape
    graph.tensors[graph.inputs[0]].shapeSignature = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ModelError, match="nothing fits into it"):
        Runner(TFLiteModel(bytes(builder.Output())))
