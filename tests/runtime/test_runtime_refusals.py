"""Files that are newer than the runtime: the operator and its version are named."""

import time

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ModelError
from tfedge.runtime import facts
from tfedge.runtime.interpreter import available_runtimes
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.refusals import too_old

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
flatbuffers = pytest.importorskip("flatbuffers")
FULLY_CONNECTED, CUSTOM = 9, 32


@pytest.fixture
def changed(tflite_files):
    """A function that changes what the file calls its dense operator."""

    def change(**values):
        content = (tflite_files / "cnn_float.tflite").read_bytes()
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        code = next(code for code in model.operatorCodes if code.builtinCode == FULLY_CONNECTED)
        for name, value in values.items():
            setattr(code, name, value)
        builder = flatbuffers.Builder(len(content))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return change


@pytest.mark.skipif("tflite-runtime" not in available_runtimes(), reason="needs tflite-runtime")
def test_an_operator_that_only_an_older_runtime_lacks(changed):
    lite = TFLiteModel(changed(version=12), "dense")
    x = np.zeros((2, 8, 8, 1))
    assert lite.predict(x, runtime="litert").shape == (2, 10)
    with pytest.raises(ModelError) as caught:
        lite.predict(x, runtime="tflite-runtime")
    said = str(caught.value)
    assert "'dense' cannot be run: tflite-runtime 2.14.0 has no FULLY_CONNECTED version 12" in said
    assert 'Use runtime="litert"' in said


OLD = {"runtime": "tflite-runtime"}
WAYS = {
    "adaptive": lambda lite, x: tfedge.AdaptiveRunner([lite], **OLD),
    "benchmark": lambda lite, x: tfedge.benchmark(lite, runs=5, verbose=0, **OLD),
    "compare_latency": lambda lite, x: tfedge.compare_latency(lite, lite, verbose=0, **OLD),
    "energy": lambda lite, x: tfedge.energy(lite, meter=METER, verbose=0, **OLD),
    "evaluate": lambda lite, x: tfedge.evaluate(lite, x, np.zeros(2), verbose=0, **OLD),
    "profile": lambda lite, x: tfedge.profile(lite, verbose=0, **OLD),
}
METER = tfedge.Meter(time.process_time, "joules")


@pytest.mark.skipif("tflite-runtime" not in available_runtimes(), reason="needs tflite-runtime")
@pytest.mark.parametrize("way", WAYS)
def test_operator_and_version_are_named_whatever_was_asked(changed, way):
    lite = TFLiteModel(changed(version=12), "dense")
    with pytest.raises(ModelError) as caught:
        WAYS[way](lite, np.zeros((2, 8, 8, 1)))
    said = str(caught.value)
    assert "tflite-runtime 2.14.0 has no FULLY_CONNECTED version 12: the file is newer" in said
    assert 'Use runtime="litert"' in said and "\n" not in said


def test_a_version_that_no_runtime_has(changed, monkeypatch):
    for runtime in available_runtimes()[:2]:
        monkeypatch.setattr(facts, "choose_runtime", lambda runtime=runtime: runtime)
        with pytest.raises(ModelError, match=rf"{runtime} .* has no FULLY_CONNECTED version 99"):
            TFLiteModel(changed(version=99))


def test_operators_that_nobody_knows(changed):
    with pytest.raises(ModelError, match="knows no operator of code 210"):
        TFLiteModel(changed(builtinCode=210, deprecatedBuiltinCode=127))
    custom = changed(builtinCode=CUSTOM, deprecatedBuiltinCode=CUSTOM, customCode="Sparkle")
    with pytest.raises(ModelError, match="custom operator 'Sparkle'"):
        TFLiteModel(custom).predict(np.zeros((1, 8, 8, 1)))


def test_other_refusals_are_not_explained():
    assert too_old("tensor 7 is missing", "litert") is None
