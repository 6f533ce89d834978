import dataclasses

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.latency import benchmark as room
from tfedge.runtime.latency.benchmark import benchmark, benchmark_each
from tfedge.runtime.latency.measure import Limits, Timed
from tfedge.runtime.latency.sweep import LatencySweep
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.processors import processors


@pytest.fixture(scope="module")
def model(tflite_files):
    return TFLiteModel.load(tflite_files / "cnn_int8.tflite")


def test_percentiles_are_ordered_and_units_agree(model):
    record = benchmark(model, runs=200, verbose=0)
    assert (record.runs, record.threads, record.batch, record.model) == (200, 1, 1, "cnn_int8")
    assert 0 < record.p50_low_ms <= record.p50_ms <= record.p50_high_ms
    assert record.p50_ms <= record.p90_ms <= record.p99_ms
    assert record.throughput_per_s == pytest.approx(1000 / record.p50_ms)
    assert max(map(len, repr(record).splitlines())) <= 80


def test_noise_is_told_in_lines_that_fit(model):
    record = benchmark(model, runs=20, verbose=0)
    told = repr(dataclasses.replace(record, noise=("it shook " * 20,)))
    assert " ".join(told.split()).count("it shook") == 20
    assert max(map(len, told.splitlines())) <= 80


def test_memory_is_that_of_a_process_without_tensorflow(model):
    record = benchmark(model, runs=10, verbose=0)
    assert 20e6 < record.peak_memory_bytes < 120e6
    assert 0 < record.model_memory_bytes < 20e6


def test_a_fixed_batch_counts_all_its_samples(tflite_files):
    record = benchmark(tflite_files / "four_at_once.tflite", runs=20, verbose=0)
    assert record.batch == 4
    assert record.throughput_per_s == pytest.approx(4000 / record.p50_ms)


def test_it_stops_when_the_median_is_known_or_the_time_is_up(model):
    loose = benchmark(model, precision=1.0, seconds=30, verbose=0)
    assert loose.runs >= 100
    assert loose.noise == () or "asked for" not in loose.noise[-1]
    hurried = benchmark_each([model], precision=0.0, seconds=0.1)[0]
    assert hurried.runs >= 10


def test_several_files_take_turns(tflite_files):
    names = ["cnn_float", "cnn_int8", "tokens"]
    paths = [tflite_files / f"{name}.tflite" for name in names]
    records = benchmark_each(paths, runs=50)
    assert [record.model for record in records] == names
    assert {record.runs for record in records} == {50}
    sweep = benchmark(paths, runs=20, verbose=0)
    assert isinstance(sweep, LatencySweep)
    assert sweep.plot().get_xticklabels()[1].get_text() == "cnn_int8"


def test_a_slower_file_measures_slower(tflite_files):
    wide, narrow = (tflite_files / f"{name}.tflite" for name in ("cnn_int16x8", "cnn_int8"))
    slow, fast = benchmark_each([wide, narrow], runs=100)
    assert slow.p50_ms > 3 * fast.p50_ms, "int16x8 has reference kernels only"


def test_threads_and_batches_are_swept_over(model):
    sweep = benchmark(model, threads=(1, 2), batch=[1, 8], runs=30, verbose=0)
    measured = [(row.threads, row.batch) for row in sweep.records]
    assert measured == [(1, 1), (1, 8), (2, 1), (2, 8)]
    table = sweep.to_pandas()
    assert list(table["batch"]) == [1, 8, 1, 8]
    np.testing.assert_allclose(table["throughput_per_s"], 1e3 * table["batch"] / table["p50_ms"])
    assert len(repr(sweep).splitlines()) == 6
    assert "samples" in sweep.plot().get_xlabel()
    threads = benchmark(model, threads=(1, 2), runs=10, verbose=0)
    assert threads.plot().get_xlabel() == "threads"


def test_each_run_of_a_batch_takes_that_many_samples(model, monkeypatch):
    asked = []

    def measured(points, limits, verbose):
        asked.append((points, limits, verbose))
        return [Timed(np.arange(1.0, 11.0) * 1e6, 10**6, 10**6, 50, 40) for _ in points]

    monkeypatch.setattr(room, "measure", measured)
    record = benchmark(model, batch=8, seconds=3, precision=0.1, verbose=0)
    [(points, limits, verbose)] = asked
    assert (points[0].batch, limits, verbose) == (8, Limits(None, 3, 0.1), 0)
    assert (record.p50_ms, record.p90_ms, record.mean_ms) == (5.5, 9.1, 5.5)
    assert record.throughput_per_s == pytest.approx(8000 / 5.5)
    assert (record.p50_low_ms, record.p50_high_ms) == (2.0, 9.0)
    assert (record.peak_memory_bytes, record.model_memory_bytes) == (50, 10)


def test_more_threads_than_processors_are_warned_of(model):
    with pytest.warns(UserWarning, match=f"than the {processors()} processors") as caught:
        benchmark(model, threads=processors() + 1, runs=10, verbose=0)
    assert caught[0].filename == __file__


def test_unfit_arguments(model):
    for unfit in (
        {"threads": 0},
        {"runs": 0},
        {"batch": 0},
        {"seconds": -1},
        {"precision": 2},
        {"threads": ()},
    ):
        with pytest.raises(ArgumentError, match=next(iter(unfit))):
            benchmark(model, **unfit)
    with pytest.raises(ModelError, match="Convert it"):
        benchmark(np.square)


def test_a_batch_that_the_graph_cannot_take_is_named(tflite_files):
    with pytest.raises(ModelError, match="batch=3"):
        benchmark(tflite_files / "fixed_reshape.tflite", batch=3, runs=2, verbose=0)
