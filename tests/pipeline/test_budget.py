"""Budgets are refused before any work, in words that say what to do."""

import json

import pytest

import tfedge
from tfedge.core.record_files import decode_record, encode_record
from tfedge.errors import ArgumentError
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.device_latency import expected_latency_ms


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "limits nothing about the file"),
        ({"time": 60, "trials": 3}, "limits nothing about the file"),
        ({"size_bytes": 0}, "size_bytes=0 must be a whole number"),
        ({"macs": 1.5}, "macs=1.5 must be a whole number"),
        ({"arena_bytes": True}, "arena_bytes=True must be a whole number"),
        ({"latency_ms": -1.0}, "latency_ms=-1.0 must be a finite number above 0"),
        ({"energy_uj": float("nan")}, "energy_uj=nan must be a finite number above 0"),
        ({"size_bytes": 9, "time": float("inf")}, "time=inf must be a finite number"),
        ({"size_bytes": 9, "trials": 0}, "trials=0 must be a whole number"),
        ({"accuracy_drop": -0.1}, r"accuracy_drop=-0.1 must be a number in \[0, 1\)"),
        ({"accuracy_drop": 1}, "accuracy_drop=1 must be a number in"),
        ({"accuracy_drop": "1 %"}, "accuracy_drop='1 %' must be a number in"),
        ({"size_bytes": 100, "gzip_bytes": 200}, "gzip_bytes=200 is above size_bytes=100"),
        ({"device": "Rasberry Pi Pico"}, "Did you mean 'Raspberry Pi Pico'"),
        ({"device": 7}, "device=7 is no device"),
        ({"runtimes": ("litert", "onnx")}, "runtimes='onnx' is not known"),
        ({"size_bytes": 9, "on": "ssh://pi@host"}, "neither latency_ms nor energy_uj is limited"),
        ({"latency_ms": 1, "on": "pi@host"}, "is not the address of a device"),
        ({"latency_ms": 1, "device": "Coral USB Accelerator"}, "has no clock"),
        ({"latency_ms": 1, "device": "Raspberry Pi Pico"}, "no cycles per MAC are known"),
        (
            {"latency_ms": 1, "device": "NUCLEO-L4R5ZI", "on": "ssh://pi@host"},
            "a latency is measured on one of them",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings, words):
    with pytest.raises(ArgumentError, match=words):
        Budget(**settings)


def test_limits_that_go_together():
    budget = tfedge.Budget(
        gzip_bytes=40_000,
        size_bytes=50_000,
        latency_ms=20,
        accuracy_drop=0,
        device="nucleo-l4r5zi",
        runtimes="micro",
        integer_only=True,
        trials=5,
        time=60,
    )
    assert budget.limits == {"size_bytes": 50_000, "gzip_bytes": 40_000, "latency_ms": 20}
    assert budget.runtimes == ("micro",)
    assert budget.device is tfedge.devices.get("NUCLEO-L4R5ZI")
    assert repr(budget).splitlines() == [
        "Budget: at most 50,000 bytes, 40,000 bytes after gzip, 20 ms, accuracy drop of 0.00 %; "
        "integers only; fits NUCLEO-L4R5ZI; runs on micro",
        "  search: 5 trials, 60 s",
    ]
    assert decode_record(json.loads(json.dumps(encode_record(budget)))) == budget


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"accuracy_drop": 0.1}, "size_bytes"),
        ({"gzip_bytes": 5, "macs": 3}, "gzip_bytes"),
        ({"latency_ms": 5, "macs": 3}, "macs"),
        ({"latency_ms": 5, "size_bytes": 3}, "size_bytes"),
    ],
)
def test_what_small_means(settings, name):
    assert Budget(**settings).ranked_by == name


@pytest.mark.parametrize(
    ("board", "clock_mhz", "per_second", "published"),
    [("NUCLEO-L4R5ZI", 120, 4.407, 120), ("B-U585I-IOT02A", 160, 7.158, 160)],
)
def test_latency_is_that_of_the_published_run(board, clock_mhz, per_second, published):
    device = tfedge.devices.get(board)
    assert device.clock_mhz == clock_mhz
    milliseconds, how = expected_latency_ms(device, 12_501_632)
    assert milliseconds == pytest.approx(1e3 / per_second * published / clock_mhz)
    assert how.startswith("estimate: ") and "MLPerf Tiny v1.0" in how
    assert expected_latency_ms(device, 2 * 12_501_632)[0] == pytest.approx(2 * milliseconds)
