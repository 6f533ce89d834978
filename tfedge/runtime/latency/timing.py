"""What a fresh worker measures: time to load and run files, and memory.

The caller opens files, warms them up, and asks for rounds: each round runs every file once, in
turns, so that a busy moment falls on all of them alike.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np

from tfedge.runtime.interpreter import open_interpreter, runtime_module
from tfedge.runtime.worker_main import peak_memory_bytes

_SETTLED_ROUNDS = 8
_OPEN: list[_Timed] = []


class _Timed:
    """One open file with random inputs."""

    def __init__(self, path: str, runtime: str, threads: int, batch: int | None, accelerator: str):
        start = time.perf_counter_ns()
        self._interpreter = open_interpreter(
            runtime, path, threads=threads, accelerator=accelerator
        )
        for item in self._interpreter.get_input_details() if batch else ():
            shape = (batch, *item["shape"][1:])
            self._interpreter.resize_tensor_input(item["index"], shape, strict=False)
        self._interpreter.allocate_tensors()
        self.load_ns = time.perf_counter_ns() - start
        self._feeds = [
            (item["index"], filler(item["shape"], item["dtype"]))
            for item in self._interpreter.get_input_details()
        ]
        self._outputs = [item["index"] for item in self._interpreter.get_output_details()]
        self.first_ns = self.once()

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


def filler(shape: Any, kind: Any) -> np.ndarray:
    """Return values for an input: random floats and codes, zeros for indices.

    Example:
        >>> filler((2,), "int32")
        array([0, 0], dtype=int32)
    """
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return np.random.default_rng(0).random(shape).astype(dtype)
    if dtype.itemsize == 1 and dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        return np.random.default_rng(0).integers(low, high, shape, dtype)
    return np.zeros(shape, dtype)


def open_files(
    files: list[tuple[str, int | None]], runtime: str, threads: int, accelerator: str = "cpu"
) -> list[dict[str, int]]:
    """Load files into this worker and run each once.

    Args:
        files: Path and samples per run of each; None for the file's own.
        runtime: An installed runtime.
        threads: Threads for the kernels.
        accelerator: As `tfedge.runtime.interpreter.open_interpreter` takes it.

    Returns:
        For each ``load_ns``, ``first_ns``, ``peak_memory_bytes`` of the process once it was loaded
        and run, and ``bare_memory_bytes`` before any file was.
    """
    runtime_module(runtime)
    bare = peak_memory_bytes()
    found = []
    for path, batch in files:
        item = _Timed(path, runtime, threads, batch, accelerator)
        _OPEN.append(item)
        found.append(
            {
                "load_ns": item.load_ns,
                "first_ns": item.first_ns,
                "peak_memory_bytes": peak_memory_bytes(),
                "bare_memory_bytes": bare,
            }
        )
    return found


def warm_up(seconds: float) -> list[float]:
    """Run each open file for a while, twice at least, and return the nanoseconds of one run."""
    return [_warmed(item, seconds) for item in _OPEN]


def _warmed(item: _Timed, seconds: float) -> float:
    """Run a file for a while and return the nanoseconds of one run."""
    spent, count = 0, 0
    while spent < seconds * 1e9 or count < 2:
        spent += item.once()
        count += 1
    return spent / count


def run_for(seconds: float) -> int:
    """Run the first open file for a while, once at least, and return how often it ran.

    Args:
        seconds: By the clock on the wall, from the first run to the end of the last.
    """
    end, count = time.perf_counter() + seconds, 0
    while not count or time.perf_counter() < end:
        _OPEN[0].once()
        count += 1
    return count


def run_rounds(rounds: int) -> np.ndarray:
    """Run all open files in turns and return the nanoseconds of each run.

    Unless rounds are few, one goes before that does not count: caches have cooled between calls.

    Args:
        rounds: How often each file runs.

    Returns:
        int64, shape ``(rounds, files)``.
    """
    times = np.empty((rounds, len(_OPEN)), np.int64)
    gc.disable()
    for item in _OPEN if rounds >= _SETTLED_ROUNDS else ():
        item.once()
    for row in times:
        for column, item in enumerate(_OPEN):
            row[column] = item.once()
    gc.enable()
    return times
