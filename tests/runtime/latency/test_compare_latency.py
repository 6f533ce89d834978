import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.runtime.latency import compare as room
from tfedge.runtime.latency.compare import compare_latency
from tfedge.runtime.latency.measure import Timed
from tfedge.runtime.latency.timing import filler


def test_a_file_takes_as_long_as_itself(tflite_files):
    path = tflite_files / "cnn_float.tflite"
    found = compare_latency(path, path, verbose=0)
    assert 0.8 < found.ratio < 1.25
    assert found.ratio_low <= found.ratio <= found.ratio_high
    assert found.first.runs == found.second.runs >= 100


def test_ratios_are_paired_by_rounds(tflite_files, monkeypatch):
    busy = np.repeat(np.random.default_rng(0).uniform(1e6, 9e6, 31), 10)
    series = [Timed(factor * busy, 1, 1, 2, 1) for factor in (3.0, 2.0)]
    monkeypatch.setattr(room, "measure", lambda points, *_, paired: series if paired else None)
    path = tflite_files / "cnn_float.tflite"
    found = compare_latency(path, path, verbose=0)
    assert (found.ratio, found.ratio_low, found.ratio_high) == pytest.approx((1.5, 1.5, 1.5))
    assert found.differs
    assert "1.50 times as long" in repr(found)


def test_reference_kernels_are_slower(tflite_files):
    slow, fast = (tflite_files / f"{name}.tflite" for name in ("cnn_int16x8", "cnn_int8"))
    found = compare_latency(slow, fast, runs=100, verbose=0)
    assert found.ratio > 3
    assert found.differs
    assert compare_latency(fast, slow, runs=100, verbose=0).ratio == pytest.approx(
        1 / found.ratio, rel=0.5
    )


def test_unfit_arguments(tflite_files):
    path = tflite_files / "cnn_float.tflite"
    for unfit in ({"threads": 0}, {"batch": 0}, {"seconds": "long"}, {"precision": -1}):
        with pytest.raises(ArgumentError, match=next(iter(unfit))):
            compare_latency(path, path, **unfit)


def test_inputs_are_filled_by_their_type():
    assert filler((2, 3), np.float32).dtype == np.float32
    codes = filler((1000,), np.int8)
    assert (codes.min() < -100, codes.max() > 100, codes.dtype) == (True, True, np.int8)
    assert not filler((4,), np.int64).any()
