"""Stretches of work between stretches of rest, each with the joules that a meter saw."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tfedge.core.errors import ArgumentError, MeterError
from tfedge.runtime.energy.meters import JOULES, AnyMeter, reading
from tfedge.runtime.latency.intervals import interval_of_runs

ROUNDS = 9
_LEAST_SECONDS, _READINGS = 0.25, 5
_STRETCHES = 2 * ROUNDS + 1


class Stretch(NamedTuple):
    """What was seen in one stretch: joules, seconds and runs, none of them at rest."""

    joules: float
    seconds: float
    runs: int


class Clock(NamedTuple):
    """Time, and waiting."""

    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep


class Net(NamedTuple):
    """Joules of one run above rest with their 95 % interval; watts at rest and at work."""

    joules: float
    low: float
    high: float
    idle_w: float
    busy_w: float
    seconds: float
    runs: int


def stretch_seconds(meter: AnyMeter, seconds: float | None) -> float:
    """Return how long one stretch lasts: at least five intervals of the meter.

    Args:
        meter: The meter.
        seconds: How long all of them may last, None for as long as the meter needs.

    Raises:
        ArgumentError: If the time is too short for the meter.

    Example:
        >>> from tfedge.runtime.energy.meters import Meter
        >>> stretch_seconds(Meter(float, "watts", interval_s=1.0), None)
        5.0
    """
    least = max(_LEAST_SECONDS, _READINGS * meter.interval_s)
    if seconds is None:
        return least
    each = seconds / _STRETCHES - meter.interval_s
    if each < least - 1e-9:
        need = _STRETCHES * (least + meter.interval_s)
        raise ArgumentError(
            f"seconds={seconds:g} is too short for meter {meter.name!r}, which has something new "
            f"to say every {meter.interval_s:g} s: {ROUNDS} stretches of work between "
            f"{ROUNDS + 1} of rest take {need:.0f} s. Give seconds={need:.0f}, or leave it out."
        )
    return each


def watch(
    meter: AnyMeter,
    work: Callable[[float], int],
    stretch_s: float,
    advance: Callable[[int], object],
    clock: Clock | None = None,
) -> Net:
    """Return the energy of one run: stretches of rest and of work take turns.

    Each stretch begins one interval of the meter before its reading does, so that what a sensor
    averages is of one kind.

    Args:
        meter: The meter.
        work: Runs for so many seconds and returns how often.
        stretch_s: Seconds of a stretch.
        advance: Called with the number of rounds done.
        clock: Another clock, for tests.

    Raises:
        MeterError: If the meter cannot be read, or reads what cannot be.
    """
    clock = clock or Clock()

    def rest(seconds: float) -> int:
        clock.sleep(seconds)
        return 0

    idle, busy = [_one(meter, rest, stretch_s, clock)], []
    for _ in range(ROUNDS):
        busy.append(_one(meter, work, stretch_s, clock))
        idle.append(_one(meter, rest, stretch_s, clock))
        advance(1)
    return net_energy(idle, busy)


def net_energy(idle: Sequence[Stretch], busy: Sequence[Stretch]) -> Net:
    """Return the energy of one run above what rest would have used in the same time.

    ``(busy.joules - idle_w * busy.seconds) / busy.runs``, with the mean power of the rest before
    and after. The result is the median of the stretches, its interval that of a median.

    Args:
        idle: Stretches of rest, one more than of work.
        busy: Stretches of work.

    Example:
        >>> net_energy([Stretch(2.0, 1.0, 0)] * 3, [Stretch(5.0, 1.0, 100)] * 2).joules
        0.03
    """
    rest = [one.joules / one.seconds for one in idle]
    around = [(before + after) / 2 for before, after in itertools.pairwise(rest)]
    each = [
        (one.joules - watts * one.seconds) / one.runs
        for one, watts in zip(busy, around, strict=True)
    ]
    joules, low, high = interval_of_runs(np.array(each))
    runs = sum(one.runs for one in busy)
    return Net(
        joules,
        low,
        high,
        idle_w=float(np.median(rest)),
        busy_w=float(np.median([one.joules / one.seconds for one in busy])),
        seconds=sum(one.seconds for one in busy) / runs,
        runs=runs,
    )


def _one(meter: AnyMeter, work: Callable[[float], int], stretch_s: float, clock: Clock) -> Stretch:
    """Return one stretch."""
    work(meter.interval_s)
    seen = _counted if meter.unit == JOULES else _sampled
    return seen(meter, work, stretch_s, clock)


def _counted(
    meter: AnyMeter, work: Callable[[float], int], stretch_s: float, clock: Clock
) -> Stretch:
    """Return a stretch by what a counter says before and after it."""
    before, start = reading(meter), clock.now()
    runs = work(stretch_s)
    after, end = reading(meter), clock.now()
    if after < before:
        raise MeterError(
            f"Meter {meter.name!r} went backward, from {before:g} to {after:g} joules. Energy so "
            "far cannot shrink: a counter that starts again must be made up for where it is read."
        )
    return Stretch(after - before, end - start, runs)


def _sampled(
    meter: AnyMeter, work: Callable[[float], int], stretch_s: float, clock: Clock
) -> Stretch:
    """Return a stretch by the mean of the watts that a sensor says in it."""
    start = clock.now()
    with _Sampler(meter) as sampler:
        runs = work(stretch_s)
        seconds = clock.now() - start
    return Stretch(sampler.mean() * seconds, seconds, runs)


class _Sampler(threading.Thread):
    """Reads a meter again and again, beside the work."""

    def __init__(self, meter: AnyMeter):
        super().__init__(daemon=True, name=f"meter {meter.name}")
        self._meter, self._ended = meter, threading.Event()
        self._values: list[float] = []
        self._failure: Exception | None = None

    def __enter__(self) -> _Sampler:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_) -> None:
        """End."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Read until the end, or until the meter fails."""
        try:
            while not self._ended.wait(self._meter.interval_s):
                self._values.append(reading(self._meter))
        except Exception as failure:  # raised where the caller waits, in mean()
            self._failure = failure

    def mean(self) -> float:
        """Return the mean of the readings."""
        if self._failure is not None:
            raise self._failure
        if not self._values:
            raise MeterError(
                f"Meter {self._meter.name!r} could not be read within a stretch: the machine is "
                "too busy, or one reading takes too long. Give more seconds=."
            )
        return float(np.mean(self._values))
