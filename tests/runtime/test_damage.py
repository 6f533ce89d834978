"""Damaged files: an error of ours or a result, never a crash or a hang of the caller."""

import numpy as np
import pytest

from tfedge.core.errors import ModelError, TfedgeError
from tfedge.runtime import facts, runner
from tfedge.runtime.interpreter import available_runtimes, interpreter_worker
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner

_WORDS = (0, 1, -1, 2**31 - 1, -(2**31), 65536)


def damaged(content, rng, number):
    """Return a copy with some bytes, bits or words changed."""
    data = bytearray(content)
    for _ in range(1 + number % 8):
        place = int(rng.integers(len(data)))
        if number % 3 == 0:
            data[place] = int(rng.integers(256))
        elif number % 3 == 1:
            data[place] ^= 1 << int(rng.integers(8))
        else:
            place -= place % 4
            word = int(rng.choice(_WORDS)).to_bytes(4, "little", signed=True)
            data[place : place + 4] = word
    return bytes(data)


def survive(content):
    """Read and run a damaged file; return what became of it."""
    try:
        model = TFLiteModel(content)
    except ModelError:
        return "refused"
    sizes = [np.prod(item.shape[1:], dtype=float) for item in model.inputs]
    if max(sizes, default=0) > 1e6:
        return "huge"
    x = {item.name: np.zeros((3, *map(abs, item.shape[1:])), "float32") for item in model.inputs}
    try:
        Runner(model).predict(x)
    except TfedgeError:
        return "failed"
    return "ran"


@pytest.mark.timeout(200)
@pytest.mark.parametrize("runtime", available_runtimes()[:2])
def test_damaged_files_never_harm_the_caller(tflite_files, monkeypatch, runtime):
    for module in (facts, runner):
        monkeypatch.setattr(module, "choose_runtime", lambda *_: runtime)
    # tflite-runtime does not verify files, so that most of these end its process.
    count = 300 if runtime == "litert" else 40
    names = ("cnn_int8", "cnn_float", "two_by_two", "lstm")
    sources = [(tflite_files / f"{name}.tflite").read_bytes() for name in names]
    rng = np.random.default_rng(7)
    found = [survive(damaged(sources[i % 4], rng, i)) for i in range(count)]
    assert found.count("refused") > count / 4
    assert found.count("ran") > 0
    x = np.zeros((3, 8, 8, 1), "float32")
    assert Runner(TFLiteModel(sources[0])).predict(x).shape == (3, 10)


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
