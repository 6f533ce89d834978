"""What a fresh worker measures: time to load and run files, and memory."""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np

from tfedge.runtime.interpreter import open_interpreter, runtime_module
from tfedge.runtime.worker_main import peak_memory_bytes

_WARM_UP_SECONDS = 0.1
_FEWEST, _MOST = 10, 2000


class _Timed:
    """One open file with random inputs and its times so far."""

    def __init__(self, path: str, runtime: str, threads: int):
        start = time.perf_counter_ns()
        self._interpreter = open_interpreter(runtime, path, threads=threads)
        self._interpreter.allocate_tensors()
        self.load_ns = time.perf_counter_ns() - start
        self._feeds = [
            (item["index"], _filler(item)) for item in self._interpreter.get_input_details()
        ]
        self._outputs = [item["index"] for item in self._interpreter.get_output_details()]
        self.first_ns = self.once()
        self.times: list[int] = []

    def once(self) -> int:
        """Return the nanoseconds of setting inputs, one run and getting outputs."""
        interpreter = self._interpreter
        start = time.perf_counter_ns()
        for index, value in self._feeds:
            interpreter.set_tensor(index, value)
        interpreter.invoke()
        for index in self._outputs:
            interpreter.get_tensor(index)
        return time.perf_counter_ns() - start


def _filler(item: dict) -> np.ndarray:
    """Return values for an input: random floats, zeros for indices and codes."""
    shape, dtype = item["shape"], np.dtype(item["dtype"])
    if dtype.kind == "f":
        return np.random.default_rng(0).random(shape).astype(dtype)
    if dtype.itemsize == 1 and dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        return np.random.default_rng(0).integers(low, high, shape, dtype)
    return np.zeros(shape, dtype)


def measure(
    paths: list[str], runtime: str, threads: int, runs: int | None, seconds: float
) -> list[dict[str, Any]]:
    """Time several files in turns, so that a busy moment falls on all of them alike.

    Args:
        paths: The files.
        runtime: An installed runtime.
        threads: Threads for the kernels.
        runs: Timed runs of each file, None for as many as ``seconds`` allow.
        seconds: Time for each file when ``runs`` is None.

    Returns:
        For each file ``times_ns``, ``load_ns``, ``first_ns`` and ``peak_memory_bytes`` of the
        process after it was loaded and run, and ``bare_memory_bytes`` before any file was.
    """
    runtime_module(runtime)
    bare = peak_memory_bytes()
    timed, peaks = [], []
    for path in paths:
        timed.append(_Timed(path, runtime, threads))
        peaks.append(peak_memory_bytes())
    if runs is None:
        runs = max(_FEWEST, min(_MOST, min(_affordable(item, seconds) for item in timed)))
    gc.disable()
    for _ in range(runs):
        for item in timed:
            item.times.append(item.once())
    gc.enable()
    return [
        {
            "times_ns": np.array(item.times),
            "load_ns": item.load_ns,
            "first_ns": item.first_ns,
            "peak_memory_bytes": peak,
            "bare_memory_bytes": bare,
        }
        for item, peak in zip(timed, peaks, strict=True)
    ]


def _affordable(item: _Timed, seconds: float) -> int:
    """Warm up, and return how many runs fit into ``seconds``."""
    spent, count = 0, 0
    while spent < _WARM_UP_SECONDS * 1e9 or count < 2:
        spent += item.once()
        count += 1
    return int(seconds * 1e9 * count / spent)
