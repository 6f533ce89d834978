import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.interpreter import available_runtimes
from tfedge.runtime.latency import profile as room
from tfedge.runtime.latency.findings import FLOAT, OFF
from tfedge.runtime.latency.product import product_file
from tfedge.runtime.latency.profile import profile
from tfedge.runtime.worker import Worker

QUICK = {"seconds": 0.1, "verbose": 0}
needs_litert = pytest.mark.skipif("litert" not in available_runtimes(), reason="needs LiteRT")
needs_old = pytest.mark.skipif(
    "tflite-runtime" not in available_runtimes(), reason="needs tflite-runtime"
)


def in_worker(function, model, *args):
    """Call a function of the room on a file, in a process of its own."""
    with Worker("profile") as worker:
        content = np.frombuffer(model.content, np.uint8)
        return worker.call(f"tfedge.runtime.latency.{function}", content, *args)


@needs_litert
@pytest.mark.parametrize("name", ["cnn_int8", "cnn_float", "cnn_int16x8", "tokens", "two_by_two"])
def test_the_profiler_agrees_on_what_the_delegate_takes(name, load):
    model = load(name)
    steps = in_worker("native:time_in_place", model, 1, 0.05)["kernels"]
    own = {node for inside, _, node in steps if not inside}
    taken = in_worker("alone:delegated", model, "litert")
    assert set(taken) == {operator.index for operator in model.operators} - own
    for inside, kernel, node in steps:
        assert inside or kernel == model.operators[node].name


@needs_litert
@pytest.mark.parametrize("method", ["profiler", "alone"])
def test_every_operator_has_its_costs(method, load):
    model = load("cnn_int8")
    found = profile(model, method=method, runtime="litert", **QUICK)
    assert [one.name for one in found.operators] == [one.name for one in model.operators]
    if method == "alone":
        assert sum(one.share for one in found.operators) == pytest.approx(1)
    expected = {"first": 64 * 16 * 9, "second": 36 * 16 * 9, "third": 36 * 16 * 24, "fc": 9 * 240}
    assert [one.macs for one in found.operators if one.macs] == list(expected.values())
    assert found.method == method
    kernels = [one.kernel for one in found.operators]
    assert ("Max Pooling" in kernels[3]) is (method == "profiler")
    rows = found.by_name()
    assert sum(row["count"] for row in rows) == len(model.operators)
    assert sum(row["macs"] for row in rows) == sum(expected.values())
    assert list(found.to_pandas()["index"]) == list(range(10))
    assert len(found.plot().get_yticklabels()) == 10


def test_operators_alone_add_up_to_the_whole(load):
    found = profile(load("cnn_int16x8"), method="alone", seconds=0.3, verbose=0)
    assert 0.6 < found.accounted < 1.5
    slowest = found.slowest(3)
    assert {one.name for one in slowest} <= {"CONV_2D", "DEPTHWISE_CONV_2D"}
    assert slowest[0].gops == pytest.approx(2e-6 * slowest[0].macs / slowest[0].time_ms)


def test_reference_kernels_are_found(load):
    found = profile(load("cnn_int16x8"), **QUICK)
    assert not any(one.delegated for one in found.operators)
    assert any("int16x8 operators have no delegate kernels" in text for text in found.findings)
    assert OFF in found.operators[0].flags


@needs_old
def test_integers_that_are_slower_than_float_have_a_reason(load):
    found = profile(load("cnn_int8"), against=load("cnn_float"), runtime="tflite-runtime", **QUICK)
    assert found.method == "alone"
    assert any("takes no int8 operators" in text for text in found.findings)
    assert found.against.second.model == "cnn_float"
    with pytest.raises(ModelError, match="needs LiteRT"):
        profile(load("cnn_int8"), runtime="tflite-runtime", method="profiler")


def test_float_in_an_integer_file_is_flagged(load):
    dynamic = profile(load("cnn_dynamic"), **QUICK)
    assert not any(FLOAT in one.flags for one in dynamic.operators), "it is no integer file"
    mixed = profile(load("cnn_int8_float_io"), **QUICK)
    assert not any(FLOAT in one.flags for one in mixed.operators), "conversions do not count"


@needs_litert
def test_what_the_profiler_cannot_open_is_timed_alone(load):
    found = profile(load("lstm"), runtime="litert", **QUICK)
    assert found.method == "alone"
    assert found.operators[0].name == "UNIDIRECTIONAL_SEQUENCE_LSTM"
    assert found.operators[0].share > 0.5
    with pytest.raises(ModelError, match="CreateModelFromFile"):
        profile(load("lstm"), runtime="litert", method="profiler", **QUICK)


@needs_litert
def test_the_profiler_sees_what_takes_long():
    found = profile(product_file("int8", 256, 512, 512), runtime="litert", **QUICK)
    assert found.method == "profiler"
    [product] = found.operators
    assert "Fully Connected" in product.kernel
    assert (product.share, product.delegated) == (1.0, True)
    assert 0.5 < found.accounted < 1.5


@needs_litert
def test_a_coarse_clock_is_not_used(load, monkeypatch):
    used = []
    monkeypatch.setattr(room, "_alone", lambda *_: used.append("alone") or "alone")
    for mean_ms, chosen in ((0.0039, "alone"), (0.0041, "profiler")):
        times = room._Times("profiler", np.full(10, mean_ms), 1.0, [""] * 10)
        monkeypatch.setattr(room, "_profiled", lambda *_, times=times: times)
        found = room._measured(load("cnn_int8"), "litert", 1, "auto", 0.1)
        assert (found if chosen == "alone" else found.method) == chosen
    assert used == ["alone"]


def test_unfit_arguments(load):
    for unfit in ({"method": "guess"}, {"threads": 0}, {"seconds": -1}):
        with pytest.raises(ArgumentError, match=next(iter(unfit))):
            profile(load("cnn_int8"), **unfit)
    with pytest.raises(ModelError, match="Convert it"):
        profile(np.square)
