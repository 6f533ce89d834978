"""Time for one sample, of files and of everything else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfedge.evaluate.predictor import LitePredictor, Predictor
from tfedge.runtime.latency.benchmark import benchmark_each

_RUNS = 30


def latencies(models: Sequence[Predictor], x: Any, threads: int) -> list[float]:
    """Return the median time for one sample of each model, in milliseconds.

    Files run in a fresh process, in turns when there are several; other models run here.

    Args:
        models: The models.
        x: One sample, with an axis for samples.
        threads: Threads for the kernels of files.
    """
    files = [model for model in models if isinstance(model, LitePredictor)]
    same = len({model.runtime for model in files}) == 1
    records = (
        benchmark_each([model.model for model in files], threads=threads, runtime=files[0].runtime)
        if same
        else []
    )
    of_files = iter([record.p50_ms for record in records])
    return [
        next(of_files) if isinstance(model, LitePredictor) else _here(model, x) for model in models
    ]


def _here(model: Predictor, x: Any) -> float:
    """Return the median time of a model in this process, in milliseconds."""
    times = []
    for _ in range(_RUNS + 2):
        start = time.perf_counter()
        list(model.stream([x]))
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times[2:]))
