import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.benchmark import benchmark, benchmark_each
from tfedge.runtime.model import TFLiteModel


@pytest.fixture(scope="module")
def model(tflite_files):
    return TFLiteModel.load(tflite_files / "cnn_int8.tflite")


def test_percentiles_are_ordered_and_units_agree(model):
    record = benchmark(model, runs=200)
    assert record.runs == 200
    assert 0 < record.p50_ms <= record.p90_ms <= record.p99_ms
    assert record.throughput_per_s == pytest.approx(1000 / record.p50_ms)
    assert record.p50_ms < 5, "a network of 14 kB takes microseconds"
    assert (record.model, record.threads) == ("cnn_int8", 1)
    assert max(map(len, repr(record).splitlines())) <= 80


def test_memory_is_that_of_a_process_without_tensorflow(model):
    record = benchmark(model, runs=10)
    assert 20e6 < record.peak_memory_bytes < 120e6
    assert 0 < record.model_memory_bytes < 20e6


def test_a_fixed_batch_counts_all_its_samples(tflite_files):
    record = benchmark(tflite_files / "four_at_once.tflite", runs=20)
    assert record.throughput_per_s == pytest.approx(4000 / record.p50_ms)


def test_several_files_take_turns(tflite_files):
    names = ["cnn_float", "cnn_int8", "tokens"]
    paths = [tflite_files / f"{name}.tflite" for name in names]
    records = benchmark_each(paths, runs=50)
    assert [record.model for record in records] == names
    assert {record.runs for record in records} == {50}


def test_a_slower_file_measures_slower(tflite_files):
    wide, narrow = (tflite_files / f"{name}.tflite" for name in ("cnn_int16x8", "cnn_int8"))
    slow, fast = benchmark_each([wide, narrow], runs=100)
    assert slow.p50_ms > 3 * fast.p50_ms, "int16x8 has reference kernels only"


def test_unfit_arguments(model):
    with pytest.raises(ArgumentError):
        benchmark(model, threads=0)
    with pytest.raises(ArgumentError):
        benchmark(model, runs=0)
    with pytest.raises(ModelError, match="Convert it"):
        benchmark(np.square)
