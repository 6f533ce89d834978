"""What this machine can do at most: operations and bytes per second, measured."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.core.records import Record
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.latency.measure import Limits, Point, measure
from tfedge.runtime.latency.product import product_file
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.worker import Worker

_SHAPES = ((64, 256, 256), (128, 512, 512), (256, 1024, 1024))
_MEMORY_BYTES, _CACHE_BYTES = 64 << 20, 128 << 10
_SECONDS, _COPIES = 0.2, 64


@dataclass(frozen=True, repr=False)
class MachinePeak(Record):
    """The most that a machine was seen to do.

    Attributes:
        runtime: Which interpreter ran the matrix products.
        threads: Threads for them, and for copying.
        float32_gops: Billions of float32 operations per second, a multiplication and an addition
            counted as two.
        int8_gops: Billions of int8 operations per second.
        memory_gb_per_s: Billions of bytes per second to and from memory.
        cache_gb_per_s: Billions of bytes per second within a core's cache.

    Example:
        >>> MachinePeak("litert", 1, 241.0, 950.0, 9.5, 60.0)
        Peak of this machine, 1 thread: 241 Gop/s float32, 950 Gop/s int8 (litert)
          9.5 GB/s memory, 60.0 GB/s cache
    """

    runtime: str
    threads: int
    float32_gops: float
    int8_gops: float
    memory_gb_per_s: float
    cache_gb_per_s: float

    def __repr__(self) -> str:
        """Return the peaks in two lines."""
        threads = f"{self.threads} thread" + ("s" if self.threads > 1 else "")
        return (
            f"Peak of this machine, {threads}: {self.float32_gops:.0f} Gop/s float32, "
            f"{self.int8_gops:.0f} Gop/s int8 ({self.runtime})\n"
            f"  {self.memory_gb_per_s:.1f} GB/s memory, {self.cache_gb_per_s:.1f} GB/s cache"
        )


@functools.cache
def machine_peak(runtime: str = "auto", threads: int = 1) -> MachinePeak:
    """Measure what this machine can do at most; the result is kept until the program ends.

    Operations: files with one large matrix product, of three sizes and made without TensorFlow,
    run on the interpreter; the fastest run of all counts. Bytes: NumPy copies 64 MiB (memory) and
    128 KiB (cache) from one array to another, bytes read and written counted, fastest copy. So
    it is a peak that kernels and loops reach here, below what a data sheet says.

    Args:
        runtime: Which interpreter runs the products.
        threads: Threads for them; as many copies are made at a time.

    Returns:
        The peaks.

    Raises:
        ArgumentError: If a setting is out of range.
        MissingPackageError: If the runtime is not installed.

    Example:
        >>> machine_peak().float32_gops > 0
        True
    """
    whole_number("threads", threads)
    chosen = choose_runtime(runtime)
    kinds = ("float32", "int8")
    points = [
        Point(TFLiteModel(product_file(kind, *shape), kind), chosen, threads, None)
        for kind in kinds
        for shape in _SHAPES
    ]
    timed = measure(points, Limits(None, _SECONDS, 0.0), verbose=0)
    rates = [
        2 * np.prod(_SHAPES[n % len(_SHAPES)]) / one.times_ns.min() for n, one in enumerate(timed)
    ]
    best = {kind: max(rates[n * len(_SHAPES) :][: len(_SHAPES)]) for n, kind in enumerate(kinds)}
    with Worker("benchmark") as worker:
        copied = worker.call("tfedge.runtime.latency.peak:copy_rates", threads)
    return MachinePeak(chosen, threads, float(best["float32"]), float(best["int8"]), *copied)


def copy_rates(threads: int) -> tuple[float, float]:
    """Return billions of bytes per second of copies in memory and in cache; for a worker.

    Args:
        threads: Copies at a time.
    """
    with ThreadPoolExecutor(threads) as pool:
        return _rate(pool, threads, _MEMORY_BYTES, 1), _rate(pool, threads, _CACHE_BYTES, _COPIES)


def _rate(pool: ThreadPoolExecutor, threads: int, size: int, copies: int) -> float:
    """Return the best rate of copying arrays of half a size, so that two take the whole."""
    pairs = [(np.ones(size // 2, np.uint8), np.empty(size // 2, np.uint8)) for _ in range(threads)]
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < _SECONDS:
        begun = time.perf_counter_ns()
        list(pool.map(_copy, pairs, [copies] * threads))
        best = min(best, time.perf_counter_ns() - begun)
    return threads * copies * size / best


def _copy(pair: tuple[Any, Any], copies: int) -> None:
    """Copy one array into another so often."""
    for _ in range(copies):
        np.copyto(pair[1], pair[0])
