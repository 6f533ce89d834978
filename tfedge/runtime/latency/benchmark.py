"""Latency, throughput and memory of files, measured in processes of their own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

from tfedge.core.checks import whole_number, within
from tfedge.core.errors import ArgumentError
from tfedge.runtime.accelerators.choose import choose_accelerator
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.latency.measure import Limits, Point, measure
from tfedge.runtime.latency.noise import warn_of_noise
from tfedge.runtime.latency.record import LatencyRecord, latency_record
from tfedge.runtime.latency.sweep import LatencySweep
from tfedge.runtime.opening import opened_file
from tfedge.runtime.processors import warn_of_threads

TIMED = "be timed in an interpreter"
_LONGEST_SECONDS = 86_400.0


def benchmark(
    model: Any,
    *,
    threads: int | Sequence[int] = 1,
    batch: int | Sequence[int] | None = None,
    runtime: str = "auto",
    runs: int | None = None,
    seconds: float = 1.0,
    precision: float = 0.02,
    verbose: int = 1,
    accelerator: str | os.PathLike = "cpu",
    on: Any = None,
) -> LatencyRecord | LatencySweep:
    """Measure latency and memory of a file, in a fresh process that holds nothing else.

    After a warm-up it runs until the 95 % interval of the median is narrow or the time is up.
    Several models, numbers of threads or batches are measured against each other: their runs take
    turns (A B A B), so that a busy moment falls on all of them alike. Ratios can then be trusted
    where absolute times cannot.

    Args:
        model: A `TFLiteModel`, the path or bytes of a ``.tflite`` file, or a list of these.
        threads: Threads for the kernels, or several numbers to sweep over.
        batch: Samples per run, for which inputs are resized along their first axis, or several
            numbers to sweep over; None for the file's own.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or ``"micro"``
            (tflite-micro, one thread).
        runs: Timed runs of each; None for as many as ``precision`` needs.
        seconds: Longest time to measure, for each model, number of threads and batch. At least
            ten runs are made, and unless they take longer a hundred in a fifth of that time.
        precision: Width of the interval of the median at which to stop, as a fraction of the
            median, in [0, 1].
        verbose: 0 for no progress bar.
        accelerator: ``"cpu"``, ``"gpu"`` or ``"npu"`` (LiteRT), ``"edgetpu"``, or the path of a
            delegate's library.
        on: A device to measure on, over the user's own ssh: ``"ssh://user@host"`` or a
            `tfedge.RemoteDevice`. It needs Python with NumPy and a runtime; nothing is installed.

    Returns:
        A :class:`LatencyRecord`; if anything was swept over a :class:`LatencySweep`, which prints
        a table, and has ``.to_pandas()`` and ``.plot()``.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If a file cannot be read or run.
        MissingPackageError: If the runtime is not installed.
        DeviceError: If the device ``on`` cannot be reached, or went away.

    Warns:
        NoisyTimingWarning: If many runs are outliers, the runs became slower or faster from first
            to last, or the interval stayed wide. The record says so too: ``noise``.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> record = benchmark(sample_model(), runs=20, verbose=0)
        >>> record.p50_low_ms <= record.p50_ms <= record.p50_high_ms and record.runs == 20
        True
        >>> sweep = benchmark(sample_model(), batch=(1, 4), runs=20, verbose=0)
        >>> [row.batch for row in sweep.records]
        [1, 4]
    """
    settings: dict[str, Any] = {"threads": threads, "batch": batch, "runtime": runtime}
    settings |= {"runs": runs, "seconds": seconds, "precision": precision}
    settings["accelerator"] = str(accelerator)
    if on is not None:
        return _elsewhere(on, model, settings)
    for count in _several(threads):
        whole_number("threads", count)
        warn_of_threads(count)
    swept = any(isinstance(item, (list, tuple)) for item in (model, threads, batch))
    records = benchmark_each(_several(model), **settings, verbose=verbose)
    for record in records:
        warn_of_noise(record.model, record.noise)
    return LatencySweep(tuple(records)) if swept else records[0]


def _elsewhere(on: Any, model: Any, settings: dict[str, Any]) -> LatencyRecord | LatencySweep:
    """Measure on a device over ssh."""
    from tfedge.runtime.remote.measuring import benchmark_on

    files = [opened_file(item, TIMED) for item in _several(model)]
    return benchmark_on(on, files, isinstance(model, (list, tuple)), **settings)


def benchmark_each(
    models: Sequence[Any],
    *,
    threads: int | Sequence[int] = 1,
    batch: int | Sequence[int] | None = None,
    runtime: str = "auto",
    runs: int | None = None,
    seconds: float = 1.0,
    precision: float = 0.02,
    verbose: int = 0,
    accelerator: str = "cpu",
) -> list[LatencyRecord]:
    """Measure several files against each other; like `benchmark`, but never warns of noise.

    Args:
        models: Each as `benchmark` takes it.
        threads: As `benchmark` takes it.
        batch: As `benchmark` takes it.
        runtime: Which interpreter.
        runs: As `benchmark` takes it.
        seconds: As `benchmark` takes it.
        precision: As `benchmark` takes it.
        verbose: 0 for no progress bar.
        accelerator: As `benchmark` takes it.

    Returns:
        A record for each model, number of threads and batch, in that order.

    Raises:
        ArgumentError: If a setting is out of range, or there is no model.
        ModelError: If a file cannot be read or run.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [record.model for record in benchmark_each([sample_model()] * 2, runs=20)]
        ['halve', 'halve']
    """
    limits = checked_limits(runs, seconds, precision)
    counts, batches = _several(threads), _several(batch)
    for count in counts:
        whole_number("threads", count)
    for size in batches:
        whole_number("batch", 1 if size is None else size)
    if not (models and counts and batches):
        raise ArgumentError(
            f"Nothing to measure: {len(models)} models, threads={threads!r}, batch={batch!r}. "
            "Each needs one entry at least."
        )
    chosen = choose_runtime(runtime, micro=True)
    opened = [opened_file(model, TIMED) for model in models]
    what = choose_accelerator(accelerator, chosen)
    swept = itertools.product(opened, counts, batches)
    points = [Point(model, chosen, count, size, what) for model, count, size in swept]
    timed = measure(points, limits, verbose)
    return [latency_record(point, one, precision) for point, one in zip(points, timed, strict=True)]


def checked_limits(runs: int | None, seconds: float, precision: float) -> Limits:
    """Return when to stop, or raise for a setting that is out of range.

    Example:
        >>> checked_limits(None, 1.0, 0.02).runs is None
        True
    """
    whole_number("runs", 1 if runs is None else runs)
    within("seconds", seconds, 0.0, _LONGEST_SECONDS)
    within("precision", precision, 0.0, 1.0)
    return Limits(runs, seconds, precision)


def _several(value: Any) -> list[Any]:
    """Return one value as a list, and lists as they are."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
