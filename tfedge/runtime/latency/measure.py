"""Rounds of runs, in worker processes that take turns, until medians are known well enough."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.core.progress import progress
from tfedge.runtime.latency.intervals import interval_of_runs, ratio_of_runs
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.refusals import too_old
from tfedge.runtime.worker import Worker, WorkerCallError

_TIMING = "tfedge.runtime.latency.timing"
_WARM_UP_SECONDS = 0.1
_TURN_SECONDS = 0.05
_FEWEST, _ENOUGH = 10, 100
_LEAST_SHARE = 0.2


class Point(NamedTuple):
    """What is measured: file, interpreter, threads, samples per run (None: its own), hardware."""

    model: TFLiteModel
    runtime: str
    threads: int
    batch: int | None
    accelerator: str = "cpu"


@dataclass(frozen=True)
class Timed:
    """What was measured of one point: times of the runs in ns, of loading, and memory."""

    times_ns: np.ndarray
    load_ns: int
    first_ns: int
    peak_memory_bytes: int
    bare_memory_bytes: int


class Limits(NamedTuple):
    """When to stop: after so many runs, or when medians are precise, or the time is up."""

    runs: int | None
    seconds: float
    precision: float


def measure(
    points: Sequence[Point], limits: Limits, verbose: int, *, paired: bool = False
) -> list[Timed]:
    """Time points against each other.

    Points of one runtime and number of threads share a process and run in turns, A B A B; threads
    that wait for work would disturb others, so the processes take turns too, a twentieth of a
    second each. With several points the memory of each is measured in a process of its own.

    Args:
        points: What to measure.
        limits: When to stop.
        verbose: 0 for no progress bar.
        paired: Whether the ratio of two points is to be precise, not their medians.

    Raises:
        ModelError: If a file cannot be run so.
    """
    with contextlib.ExitStack() as stack:
        groups = [stack.enter_context(opened(points, some)) for some in _grouped(points)]
        found: dict[int, dict] = {}
        for group in groups:
            found.update(zip(group.members, group.facts, strict=True))
        width = ratio_width if paired else widest
        times = _rounds(groups, len(points), limits, width, (_label(points), verbose))
    if len(points) > 1:
        for number, point in enumerate(points):
            found[number] |= _memory(point)
    return [Timed(row, **found[number]) for number, row in enumerate(times)]


def _label(points: Sequence[Point]) -> str:
    """Return what a progress bar calls the points."""
    return ", ".join(dict.fromkeys(point.model.name for point in points))


def _grouped(points: Sequence[Point]) -> list[list[int]]:
    """Return the numbers of the points that share a process."""
    groups: dict[tuple, list[int]] = {}
    for number, point in enumerate(points):
        groups.setdefault((point.runtime, point.threads, point.accelerator), []).append(number)
    return list(groups.values())


class Group:
    """Points that are open in one worker."""

    def __init__(self, worker: Worker, points: Sequence[Point], members: list[int], folder: Path):
        self._worker, self._points, self.members = worker, [points[n] for n in members], members
        files = []
        for number, point in enumerate(self._points):
            path = folder / f"{number}.tflite"
            path.write_bytes(point.model.content)
            files.append((str(path), point.batch))
        first = self._points[0]
        self._pid: int | None = None
        self.facts = self.call("open_files", files, first.runtime, first.threads, first.accelerator)
        self._pid = worker.pid

    def call(self, function: str, *args: Any) -> Any:
        """Call a function of `tfedge.runtime.latency.timing` in the worker."""
        if self._pid is not None and not self._worker.still(self._pid):
            raise ModelError(
                f"The process that ran {_label(self._points)!r} died between two runs. Something "
                "ended it from outside, such as the system for want of memory. Measure again."
            )
        try:
            return self._worker.call(f"{_TIMING}:{function}", *args)
        except WorkerCallError as failure:
            names, runtime = _label(self._points), self._points[0].runtime
            if reason := too_old(str(failure), runtime):
                raise ModelError(f"{names!r} cannot be run: {reason}") from failure
            batches = dict.fromkeys(str(point.batch) for point in self._points if point.batch)
            said = f" with batch={', '.join(batches)}" if batches else ""
            raise ModelError(f"{names!r} cannot be run by {runtime}{said}: {failure}") from failure


@contextlib.contextmanager
def opened(points: Sequence[Point], members: list[int]) -> Iterator[Group]:
    """Open points in a fresh process, which maps the files from disk as a device does."""
    with tempfile.TemporaryDirectory() as folder, Worker("benchmark") as worker:
        yield Group(worker, points, members, Path(folder))


def _rounds(
    groups: list[Group], count: int, limits: Limits, width: Callable, shown: tuple[str, int]
) -> list[np.ndarray]:
    """Return the times of each point, in nanoseconds, in the order of the rounds."""
    costs = [sum(group.call("warm_up", _WARM_UP_SECONDS)) for group in groups]
    turn = max(1, int(_TURN_SECONDS * 1e9 / max(costs)))
    parts: list[list[np.ndarray]] = [[] for _ in range(count)]
    start, done = time.perf_counter(), 0
    with progress(shown[0], limits.runs, shown[1], unit="run") as advance:
        while True:
            rounds = turn if limits.runs is None else min(turn, limits.runs - done)
            for group in groups:
                block = group.call("run_rounds", rounds)
                for column, member in enumerate(group.members):
                    parts[member].append(block[:, column])
            done += rounds
            advance(rounds)
            times = [np.concatenate(part) for part in parts]
            if _finished(times, limits, width, time.perf_counter() - start):
                return times


def _finished(times: list[np.ndarray], limits: Limits, width: Callable, spent: float) -> bool:
    """Return whether there are enough runs: as many as asked, precise ones, or no time is left."""
    done, time_for_all = len(times[0]), limits.seconds * len(times)
    if limits.runs is not None:
        return done >= limits.runs
    if done < _FEWEST:
        return False
    if spent >= time_for_all:
        return True
    settled = done >= _ENOUGH and spent >= _LEAST_SHARE * time_for_all
    return settled and width(times) <= limits.precision


def widest(times: Sequence[np.ndarray]) -> float:
    """Return the widest interval of a median, as a fraction of that median.

    Example:
        >>> widest([np.full(20, 3.0), np.full(20, 5.0)])
        0.0
    """
    found = [interval_of_runs(one) for one in times]
    return max((high - low) / middle for middle, low, high in found)


def ratio_width(times: Sequence[np.ndarray]) -> float:
    """Return the width of the interval of the ratio of two series, as a fraction of the ratio.

    Example:
        >>> ratio_width([np.full(20, 3.0), np.full(20, 5.0)])
        0.0
    """
    ratio, low, high = ratio_of_runs(*times)
    return (high - low) / ratio


def _memory(point: Point) -> dict[str, int]:
    """Return the memory of one point in a process of its own."""
    with opened([point], [0]) as group:
        found = group.facts[0]
    return {key: found[key] for key in ("peak_memory_bytes", "bare_memory_bytes")}
