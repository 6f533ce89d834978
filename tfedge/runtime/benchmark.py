"""Latency, throughput and memory of a file, measured in a process of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.core.errors import ModelError
from tfedge.core.openers import open_path
from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.worker import Worker, WorkerCallError

_SECONDS = 1.0


@dataclass(frozen=True, repr=False)
class LatencyRecord(Record):
    """How fast a file runs, one sample (or its own fixed batch) at a time.

    Attributes:
        model: Name of the model.
        runtime: Which interpreter ran.
        threads: Threads for its kernels.
        runs: Number of timed runs.
        mean_ms: Mean time of setting inputs, running and getting outputs.
        p50_ms: Half of the runs were faster.
        p90_ms: Nine of ten runs were faster.
        p99_ms: 99 of 100 runs were faster.
        throughput_per_s: Samples per second at the median.
        load_ms: Time to open the file and allocate its tensors.
        first_ms: Time of the first run, which also prepares kernels.
        peak_memory_bytes: Largest resident memory of the process, runtime included.
        model_memory_bytes: How much of it came with the file, above the bare runtime.

    Example:
        >>> fields = (0.2, 0.2, 0.3, 0.4, 5000.0, 1.0, 0.5, 60_000_000, 2_000_000)
        >>> LatencyRecord("cnn", "litert", 1, 100, *fields)
        'cnn' on litert, 1 thread, 100 runs
          latency  p50 0.200 ms, p90 0.300 ms, p99 0.400 ms, 5,000 samples/s
          loading  1.0 ms, first run 0.50 ms
          memory   peak 60.0 MB, 2.0 MB above the bare runtime
    """

    model: str
    runtime: str
    threads: int
    runs: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    throughput_per_s: float
    load_ms: float
    first_ms: float
    peak_memory_bytes: int
    model_memory_bytes: int

    def __repr__(self) -> str:
        """Return times and memory in three lines."""
        threads = f"{self.threads} thread" + ("s" if self.threads > 1 else "")
        return (
            f"{self.model!r} on {self.runtime}, {threads}, {self.runs} runs\n"
            f"  latency  p50 {self.p50_ms:.3f} ms, p90 {self.p90_ms:.3f} ms, "
            f"p99 {self.p99_ms:.3f} ms, {self.throughput_per_s:,.0f} samples/s\n"
            f"  loading  {self.load_ms:.1f} ms, first run {self.first_ms:.2f} ms\n"
            f"  memory   peak {human_size(self.peak_memory_bytes)}, "
            f"{human_size(self.model_memory_bytes)} above the bare runtime"
        )


def benchmark(
    model: Any, *, threads: int = 1, runtime: str = "auto", runs: int | None = None
) -> LatencyRecord:
    """Measure latency and memory of a file, in a fresh process that holds nothing else.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        threads: Threads for the kernels.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"`` or ``"tf.lite"``.
        runs: Timed runs, after a warm-up; None for about a second's worth.

    Returns:
        Percentiles in milliseconds, throughput, loading time and memory.

    Raises:
        ModelError: If the file cannot be read or run.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> record = benchmark(sample_model(), runs=20)
        >>> record.p50_ms <= record.p90_ms and record.runs == 20
        True
    """
    return benchmark_each([model], threads=threads, runtime=runtime, runs=runs)[0]


def benchmark_each(
    models: Sequence[Any], *, threads: int = 1, runtime: str = "auto", runs: int | None = None
) -> list[LatencyRecord]:
    """Measure several files against each other: their runs take turns in one process.

    A busy moment of the machine then falls on all of them alike, so ratios can be trusted where
    absolute times cannot. Each file's memory is measured in a process of its own.

    Args:
        models: Each as `benchmark` takes it.
        threads: Threads for the kernels.
        runtime: Which interpreter.
        runs: Timed runs of each, after a warm-up; None for about a second's worth.

    Returns:
        One record per model.

    Raises:
        ModelError: If a file cannot be read or run.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [record.model for record in benchmark_each([sample_model()] * 2, runs=20)]
        ['halve', 'halve']
    """
    whole_number("threads", threads)
    whole_number("runs", 1 if runs is None else runs)
    opened, chosen = [_opened(model) for model in models], choose_runtime(runtime)
    together = _measure(opened, chosen, threads, runs)
    if len(opened) == 1:
        return [_record(opened[0], chosen, threads, together[0], together[0])]
    alone = [_measure([model], chosen, threads, 1)[0] for model in opened]
    return [
        _record(m, chosen, threads, t, a) for m, t, a in zip(opened, together, alone, strict=True)
    ]


def _opened(model: Any) -> TFLiteModel:
    """Return the file as a `TFLiteModel`."""
    if isinstance(model, (str, os.PathLike)):
        model = open_path(model)
    if isinstance(model, (bytes, bytearray)):
        model = TFLiteModel(bytes(model))
    if isinstance(model, TFLiteModel):
        return model
    raise ModelError(
        f"A {type(model).__name__} cannot be timed in an interpreter. Convert it to a TFLiteModel "
        "first."
    )


def _measure(
    models: Sequence[TFLiteModel], runtime: str, threads: int, runs: int | None
) -> list[dict[str, Any]]:
    """Measure files in one fresh process, which maps them from disk as a device does."""
    with tempfile.TemporaryDirectory() as folder, Worker("benchmark") as worker:
        paths = [Path(folder, f"{number}.tflite") for number in range(len(models))]
        for path, model in zip(paths, models, strict=True):
            path.write_bytes(model.content)
        try:
            names = [str(path) for path in paths]
            return worker.call(
                "tfedge.runtime.timing:measure", names, runtime, threads, runs, _SECONDS
            )
        except WorkerCallError as failure:
            listed = ", ".join(repr(model.name) for model in models)
            raise ModelError(f"{listed} cannot be run by {runtime}: {failure}") from failure


def _record(
    model: TFLiteModel, runtime: str, threads: int, timed: dict[str, Any], alone: dict[str, Any]
) -> LatencyRecord:
    """Return the record of one file from its times, and its memory in a process of its own."""
    times = timed["times_ns"] / 1e6
    p50, p90, p99 = (float(value) for value in np.percentile(times, (50, 90, 99)))
    return LatencyRecord(
        model=model.name,
        runtime=runtime,
        threads=threads,
        runs=len(times),
        mean_ms=float(times.mean()),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        throughput_per_s=1e3 * model.inputs[0].shape[0] / p50,
        load_ms=timed["load_ns"] / 1e6,
        first_ms=timed["first_ns"] / 1e6,
        peak_memory_bytes=alone["peak_memory_bytes"],
        model_memory_bytes=alone["peak_memory_bytes"] - alone["bare_memory_bytes"],
    )
