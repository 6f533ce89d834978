"""A file against a budget: every limit with what was found."""

import numpy as np
import pytest

import tfedge
from tfedge.core.data import Batch
from tfedge.pipeline import measures
from tfedge.pipeline.drop import Yardstick
from tfedge.pipeline.measures import measured
from tfedge.runtime.costs import macs_of_file


@pytest.fixture(scope="module")
def lite(load):
    return load("cnn_int8")


def test_figures_are_those_of_the_public_functions(lite, digits):
    data = Batch(digits["x"][:64], digits["y"][:64])
    yardstick = Yardstick(lite, data)
    budget = tfedge.Budget(
        size_bytes=lite.size_bytes,
        gzip_bytes=lite.gzip_bytes - 1,
        macs=10**9,
        arena_bytes=10,
        accuracy_drop=0.0,
        integer_only=True,
        device="NUCLEO-L4R5ZI",
        runtimes=("litert", "micro"),
    )
    found = measured(lite, budget, yardstick)
    rows = {one.name: one for one in found.constraints}
    assert rows["size_bytes"].value == found["size_bytes"] == lite.size_bytes
    assert rows["gzip_bytes"].value == lite.gzip_bytes
    assert rows["arena_bytes"].value == tfedge.memory(lite).ram_bytes
    assert rows["macs"].value == macs_of_file(lite) == found.macs
    assert rows["accuracy_drop"].value == 0
    assert rows["device"].met == tfedge.fits(lite, "NUCLEO-L4R5ZI").fits
    assert {name for name, one in rows.items() if not one.met} == {"gzip_bytes", "arena_bytes"}
    assert found.binding.name == "arena_bytes"
    assert found.excess == pytest.approx(
        rows["gzip_bytes"].excess + rows["arena_bytes"].value / 10 - 1
    )
    assert "over the budget by" in repr(found) and not found.met


def test_macs_of_a_file_are_those_of_its_shapes(load):
    lite = load("cnn_int8")
    tensors = {one.index: one.shape for one in lite.tensors()}
    by_hand = 0
    for one in lite.operators:
        if one.name in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D"):
            kernel = tensors[one.inputs[1]]
            each = {"CONV_2D": kernel[1:], "FULLY_CONNECTED": kernel[1:]}
            each["DEPTHWISE_CONV_2D"] = kernel[1:3]
            by_hand += int(np.prod(tensors[one.outputs[0]]) * np.prod(each[one.name]))
    assert macs_of_file(lite) == by_hand > 0


def test_float_operators_count_against_integers(load):
    lite = load("cnn_float")
    found = measured(lite, tfedge.Budget(integer_only=True, runtimes="edgetpu"))
    assert not found.met
    assert found.constraints[0].value == len(lite.float_operators)
    assert found.constraints[1].value == len(lite.operators)
    slow = measured(lite, tfedge.Budget(latency_ms=1e9, device="NUCLEO-L4R5ZI"))
    assert slow["latency_ms"] == float("inf") and "no figure is known" in slow.constraints[0].how


def test_latency_is_the_least_median_of_three(lite, monkeypatch):
    class Record:
        runtime = "litert"

        def __init__(self, p50_ms):
            self.p50_ms = p50_ms

    times = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(measures, "benchmark_each", lambda *_, **__: [Record(next(times))])
    found = measured(lite, tfedge.Budget(latency_ms=1.5))
    assert found.met and found["latency_ms"] == 1.0
    assert "least median of 3" in found.constraints[0].how
