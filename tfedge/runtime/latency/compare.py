"""Which of two files is faster, by how much, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfedge.core.checks import whole_number
from tfedge.core.records import Record
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.latency.benchmark import TIMED, checked_limits
from tfedge.runtime.latency.intervals import ratio_of_runs
from tfedge.runtime.latency.measure import Limits, Point, measure
from tfedge.runtime.latency.record import LatencyRecord, latency_record
from tfedge.runtime.latency.tables import shown_ms
from tfedge.runtime.opening import opened_file
from tfedge.runtime.processors import warn_of_threads


@dataclass(frozen=True, repr=False)
class LatencyRatio(Record):
    """How much longer one file takes than another.

    Attributes:
        ratio: Median time of ``first`` over that of ``second``: 2.0 if it takes twice as long.
        ratio_low: Lower end of the 95 % interval of the ratio.
        ratio_high: Upper end of it.
        first: What was measured of the first file.
        second: What was measured of the second file.

    Example:
        >>> times = (0.2, 0.2, 0.199, 0.202, 0.3, 0.4, 5000.0, 1.0, 0.5)
        >>> a, b = (
        ...     LatencyRecord(name, "litert", 1, 1, 99, *times, 60_000_000, 2_000_000, 0.0, 0.0)
        ...     for name in ("float", "int8")
        ... )
        >>> LatencyRatio(2.0, 1.98, 2.03, a, b)
        'float' takes 2.00 times as long as 'int8' (95 % sure: 1.98 to 2.03)
          p50 0.200 ms and 0.200 ms on litert, 1 thread, 99 runs in turns
    """

    ratio: float
    ratio_low: float
    ratio_high: float
    first: LatencyRecord
    second: LatencyRecord

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1: the files do not take the same time."""
        return not self.ratio_low <= 1.0 <= self.ratio_high

    def __repr__(self) -> str:
        """Return the ratio with its interval, and both medians."""
        one, two = self.first, self.second
        threads = f"{one.threads} thread" + ("s" if one.threads > 1 else "")
        medians = f"{shown_ms(one.p50_ms)} ms and {shown_ms(two.p50_ms)} ms"
        place = f" at {one.on}" if one.on else ""
        return (
            f"{one.model!r} takes {self.ratio:.2f} times as long as {two.model!r} "
            f"(95 % sure: {self.ratio_low:.2f} to {self.ratio_high:.2f})\n"
            f"  p50 {medians} on {one.runtime}{place}, {threads}, {one.runs} runs in turns"
        )


def compare_latency(
    a: Any,
    b: Any,
    *,
    threads: int = 1,
    batch: int | None = None,
    runtime: str = "auto",
    runs: int | None = None,
    seconds: float = 2.0,
    precision: float = 0.02,
    verbose: int = 1,
    on: Any = None,
) -> LatencyRatio:
    """Measure how much longer one file takes than another, on a busy machine too.

    The two run in turns (A B A B) in one process. Stretches of rounds are compared with each
    other: what slowed one file down slowed the other down as well and cancels out.

    Args:
        a: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        b: The other one.
        threads: Threads for the kernels.
        batch: Samples per run; None for the files' own.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or ``"micro"``
            (tflite-micro, one thread).
        runs: Timed runs of each; None for as many as ``precision`` needs.
        seconds: Longest time to measure both.
        precision: Width of the interval of the ratio at which to stop, as a fraction of it.
        verbose: 0 for no progress bar.
        on: A device to measure on, over the user's own ssh: ``"ssh://user@host"`` or a
            `tfedge.RemoteDevice`. It needs Python with NumPy and a runtime; nothing is installed.

    Returns:
        The ratio of the medians with its 95 % interval, and the record of each file.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If a file cannot be read or run.
        DeviceError: If the device ``on`` cannot be reached, or went away.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> found = compare_latency(sample_model(), sample_model(), runs=100, verbose=0)
        >>> found.ratio_low <= found.ratio <= found.ratio_high
        True
    """
    if on is not None:
        settings: dict[str, Any] = {"threads": threads, "batch": batch, "runtime": runtime}
        settings |= {"runs": runs, "seconds": seconds, "precision": precision}
        return _elsewhere(on, (a, b), settings)
    whole_number("threads", threads)
    whole_number("batch", 1 if batch is None else batch)
    warn_of_threads(threads)
    limits = checked_limits(runs, seconds, precision)
    limits = limits._replace(seconds=seconds / 2)
    chosen = choose_runtime(runtime, micro=True)
    points = [Point(opened_file(model, TIMED), chosen, threads, batch) for model in (a, b)]
    return ratio_of(points[0], points[1], limits, verbose)


def _elsewhere(on: Any, models: tuple[Any, Any], settings: dict[str, Any]) -> LatencyRatio:
    """Measure on a device over ssh."""
    from tfedge.runtime.remote.measuring import compare_latency_on

    return compare_latency_on(on, [opened_file(model, TIMED) for model in models], **settings)


def ratio_of(first: Point, second: Point, limits: Limits, verbose: int) -> LatencyRatio:
    """Return the ratio of two points, which may differ in more than the file."""
    one, two = measure([first, second], limits, verbose, paired=True)
    ratio, low, high = ratio_of_runs(one.times_ns, two.times_ns)
    records = (latency_record(p, t, 1.0) for p, t in ((first, one), (second, two)))
    return LatencyRatio(ratio, low, high, *records)
