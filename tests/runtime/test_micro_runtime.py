"""``runtime="micro"``: tflite-micro computes what the other interpreters compute."""

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, MissingPackageError, ModelError
from tfedge.runtime import interpreter
from tfedge.runtime.interpreter import available_runtimes, choose_runtime
from tfedge.runtime.memory.micro import micro_available

pytestmark = [
    pytest.mark.skipif(not micro_available(), reason="needs the extra micro"),
    pytest.mark.filterwarnings("ignore::tfedge.errors.NoisyTimingWarning"),
    pytest.mark.filterwarnings("ignore:threads=2 is more than"),
]


def test_integer_files_give_the_codes_of_litert(load, digits):
    lite = load("cnn_int8")
    with tfedge.Runner(lite, "micro") as runner:
        here = runner.predict(digits["x"][:100])
        assert (runner.runtime, runner.batch_size) == ("micro", 1)
    there = lite.predict(digits["x"][:100], runtime="litert")
    step = lite.outputs[0].scale
    assert np.abs(here - there).max() <= step * 1.001
    assert (here == there).mean() > 0.95


def test_float_files_agree_with_keras(load, digits):
    outputs = load("cnn_float").predict(digits["x"][:50], runtime="micro")
    np.testing.assert_allclose(outputs, digits["keras"][:50], atol=1e-5)


def test_batches_are_not_asked_of_it(load, digits):
    with tfedge.Runner(load("cnn_int8"), "micro", batch_size=16) as runner:
        outputs = runner.predict(digits["x"][:40])
        assert (runner.batch_size, outputs.shape) == (1, (40, 10))


def test_several_inputs_and_outputs_by_name(load, tflite_files):
    with np.load(tflite_files / "two_by_two.npz") as file:
        data = dict(file)
    lite = load("two_by_two")
    inputs = {tensor.name: data[tensor.name] for tensor in lite.inputs}
    there = lite.predict(inputs, runtime="litert")
    here = lite.predict(inputs, runtime="micro")
    assert sorted(here) == sorted(there)
    for name, output in here.items():
        np.testing.assert_allclose(output, there[name], atol=1e-5)


def test_metrics_and_times(load, digits):
    lite = load("cnn_int8")
    found, known = (
        tfedge.evaluate(lite, digits["x"], digits["y"], runtime=name, verbose=0)
        for name in ("micro", "litert")
    )
    assert found.runtime == "micro"
    assert found.accuracy == pytest.approx(known.accuracy, abs=0.01)
    assert tfedge.benchmark(lite, runtime="micro", runs=20, verbose=0).p50_ms > 0
    ratio = tfedge.compare_latency(lite, lite, runtime="micro", runs=50, verbose=0)
    assert ratio.first.runtime == "micro"


def test_what_it_cannot_do_is_said(load, digits):
    lite, x = load("cnn_int8"), digits["x"][:2]
    with pytest.raises(ModelError, match="one thread; threads=2"):
        tfedge.Runner(lite, "micro", threads=2).predict(x)
    with pytest.raises(ArgumentError, match="accelerator='gpu' cannot be had with runtime='micro'"):
        tfedge.Runner(lite, "micro", accelerator="gpu")
    with pytest.raises(ArgumentError, match="runtime='micro'"):
        tfedge.profile(lite, runtime="micro")
    with pytest.raises(ModelError, match=r"arena for \(1, 8, 8, 1\)"):
        tfedge.benchmark(lite, runtime="micro", batch=4, verbose=0)


def test_it_is_taken_by_name_alone(monkeypatch):
    assert "micro" not in available_runtimes()
    monkeypatch.setattr(interpreter.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"tfedge\[micro\]"):
        choose_runtime("micro", micro=True)
