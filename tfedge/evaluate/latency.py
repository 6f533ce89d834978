"""Time for one sample, of files and of everything else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfedge.evaluate.predictor import LitePredictor, Predictor
from tfedge.runtime.latency.benchmark import benchmark, benchmark_each

_RUNS = 30


def latencies(models: Sequence[Predictor], x: Any, threads: int) -> list[float | None]:
    """Return the median time for one sample of each model, in milliseconds.

    Files run in a fresh process, in turns when there are several; other models run here. Beside
    files that run on a device over ssh, what runs here is not timed: None.

    Args:
        models: The models.
        x: One sample, with an axis for samples.
        threads: Threads for the kernels of files.
    """
    files = [model for model in models if isinstance(model, LitePredictor)]
    same = len({model.runtime for model in files}) == 1
    of_files = iter(_of_files(files, threads) if same else [])
    away = any(model.device is not None for model in files)
    return [
        next(of_files) if isinstance(model, LitePredictor) else None if away else _here(model, x)
        for model in models
    ]


def _of_files(files: Sequence[LitePredictor], threads: int) -> list[float]:
    """Return the median times of files, where they run."""
    models = [model.model for model in files]
    settings: dict[str, Any] = {"threads": threads, "runtime": files[0].runtime}
    if files[0].device is None:
        return [record.p50_ms for record in benchmark_each(models, **settings)]
    swept: Any = benchmark(models, **settings, on=files[0].device, verbose=0)
    return [record.p50_ms for record in swept.records]


def _here(model: Predictor, x: Any) -> float:
    """Return the median time of a model in this process, in milliseconds."""
    times = []
    for _ in range(_RUNS + 2):
        start = time.perf_counter()
        list(model.stream([x]))
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times[2:]))
