"""How fast a file runs, as a record."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np

from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.runtime.latency.intervals import interval_of_runs
from tfedge.runtime.latency.measure import Point, Timed
from tfedge.runtime.latency.noise import complaints, drift, outlier_fraction
from tfedge.runtime.latency.tables import shown_ms

_WIDTH = 80


@dataclass(frozen=True, repr=False)
class LatencyRecord(Record):
    """How fast a file runs.

    Attributes:
        model: Name of the model.
        runtime: Which interpreter ran.
        threads: Threads for its kernels.
        batch: Samples per run.
        runs: Number of timed runs.
        mean_ms: Mean time of setting inputs, running and getting outputs.
        p50_ms: Half of the runs were faster.
        p50_low_ms: Lower end of the 95 % interval of the median.
        p50_high_ms: Upper end of it.
        p90_ms: Nine of ten runs were faster.
        p99_ms: 99 of 100 runs were faster.
        throughput_per_s: Samples per second at the median.
        load_ms: Time to open the file and allocate its tensors.
        first_ms: Time of the first run, which also prepares kernels.
        peak_memory_bytes: Largest resident memory of the process, runtime included.
        model_memory_bytes: How much of it came with the file, above the bare runtime.
        outliers: Fraction of runs that took far longer than the others, in [0, 1].
        drift: How much slower the last runs were than the first, as a fraction of the median;
            0.0 where no trend is sure.
        noise: What makes these timings hard to trust, if anything, one sentence each.
        accelerator: What computed: ``"cpu"``, ``"gpu"``, ``"npu"``, or the library of a delegate.
        on: Address of the device that ran it, None for this machine.

    Example:
        >>> times = (0.2, 0.2, 0.199, 0.202, 0.3, 0.4, 5000.0, 1.0, 0.5)
        >>> LatencyRecord("cnn", "litert", 1, 1, 100, *times, 60_000_000, 2_000_000, 0.0, 0.0)
        'cnn' on litert, 1 thread, batch 1, 100 runs
          latency  p50 0.200 ms (0.199 to 0.202), p90 0.300 ms, p99 0.400 ms
                   5,000 samples/s
          loading  1.0 ms, first run 0.50 ms
          memory   peak 60.0 MB, 2.0 MB above the bare runtime
    """

    model: str
    runtime: str
    threads: int
    batch: int
    runs: int
    mean_ms: float
    p50_ms: float
    p50_low_ms: float
    p50_high_ms: float
    p90_ms: float
    p99_ms: float
    throughput_per_s: float
    load_ms: float
    first_ms: float
    peak_memory_bytes: int
    model_memory_bytes: int
    outliers: float
    drift: float
    noise: tuple[str, ...] = ()
    accelerator: str = "cpu"
    on: str | None = None

    def __repr__(self) -> str:
        """Return times, memory and what is wrong with them."""
        threads = f"{self.threads} thread" + ("s" if self.threads > 1 else "")
        where = self.runtime if self.accelerator == "cpu" else f"{self.runtime} {self.accelerator}"
        where += f" at {self.on}" if self.on else ""
        lines = [
            f"{self.model!r} on {where}, {threads}, batch {self.batch}, {self.runs} runs",
            f"  latency  p50 {shown_ms(self.p50_ms)} ms ({shown_ms(self.p50_low_ms)} to "
            f"{shown_ms(self.p50_high_ms)}), p90 {shown_ms(self.p90_ms)} ms, "
            f"p99 {shown_ms(self.p99_ms)} ms",
            f"           {self.throughput_per_s:,.0f} samples/s",
            f"  loading  {self.load_ms:.1f} ms, first run {self.first_ms:.2f} ms",
            f"  memory   peak {human_size(self.peak_memory_bytes)}, "
            f"{human_size(self.model_memory_bytes)} above the bare runtime",
        ]
        return "\n".join([*lines, *map(_noise_line, self.noise)])


def _noise_line(text: str) -> str:
    """Return what disturbed the times, in lines that fit a terminal."""
    return textwrap.fill(
        text, _WIDTH, initial_indent="  noise    ", subsequent_indent=" " * len("  noise    ")
    )


def latency_record(point: Point, timed: Timed, precision: float) -> LatencyRecord:
    """Return the record of one point.

    Args:
        point: What was measured.
        timed: What was found.
        precision: Width of the interval of the median that was asked for, relative.
    """
    times = timed.times_ns / 1e6
    p50, low, high = interval_of_runs(times)
    p90, p99 = (float(value) for value in np.percentile(times, (90, 99)))
    shape = point.model.inputs[0].shape
    batch = point.batch or (shape[0] if shape else 1)
    return LatencyRecord(
        model=point.model.name,
        runtime=point.runtime,
        threads=point.threads,
        batch=int(batch),
        runs=len(times),
        mean_ms=float(times.mean()),
        p50_ms=p50,
        p50_low_ms=low,
        p50_high_ms=high,
        p90_ms=p90,
        p99_ms=p99,
        throughput_per_s=1e3 * batch / p50,
        load_ms=timed.load_ns / 1e6,
        first_ms=timed.first_ns / 1e6,
        peak_memory_bytes=timed.peak_memory_bytes,
        model_memory_bytes=timed.peak_memory_bytes - timed.bare_memory_bytes,
        outliers=outlier_fraction(times),
        drift=drift(times),
        noise=complaints(times, (high - low) / p50, precision),
        accelerator=point.accelerator,
    )
