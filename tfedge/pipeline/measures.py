"""A file held against a budget: every limit with what was found, and how it was found."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ModelError, WorkerError
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import Constraint, Measured
from tfedge.pipeline.device_latency import expected_latency_ms
from tfedge.pipeline.drop import Drop, Yardstick
from tfedge.runtime.accelerators.check import check
from tfedge.runtime.costs import macs_of_file
from tfedge.runtime.energy.energy import energy
from tfedge.runtime.interpreter import RUNTIMES
from tfedge.runtime.latency.benchmark import benchmark, benchmark_each
from tfedge.runtime.memory.fits import fits
from tfedge.runtime.memory.memory import memory
from tfedge.runtime.model import TFLiteModel

_TIMINGS = 3


def measured(
    lite: TFLiteModel, budget: Budget, yardstick: Yardstick | None = None, *, seconds: float = 1.0
) -> Measured:
    """Return what a file has of everything that a budget limits.

    Args:
        lite: The file.
        budget: The limits.
        yardstick: The original's results on held-out samples; None leaves the drop open.
        seconds: Longest time for one measurement of latency; three are made.

    Returns:
        The record; true limits come with how each value was obtained.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> measured(sample_model(), Budget(size_bytes=1000, macs=10)).met
        True
    """
    drop = None if yardstick is None else yardstick.drop(lite)
    found = [
        Constraint(name, limit, *_told(name, limit, lite, budget, seconds))
        for name, limit in budget.limits.items()
    ]
    if budget.accuracy_drop is not None and drop is not None:
        how = f"{drop.metric} on the interpreter, 95 % interval {_interval(drop)}"
        met = drop.drop <= budget.accuracy_drop + 1e-12
        found.append(Constraint("accuracy_drop", budget.accuracy_drop, drop.drop, met, how))
    found += _demands(lite, budget)
    macs = macs_of_file(lite)
    return Measured(lite.name, lite.size_bytes, lite.gzip_bytes, macs, drop, tuple(found))


def _interval(drop: Drop) -> str:
    """Return the interval of a drop as text."""
    return f"{100 * drop.low:.2f} % to {100 * drop.high:.2f} % ({drop.samples} samples)"


def _told(
    name: str, limit: float, lite: TFLiteModel, budget: Budget, seconds: float
) -> tuple[float, bool, str]:
    """Return the value of a limited resource, whether it is within, and how it was obtained."""
    value, how = _TELLERS[name](lite, budget, seconds)
    return value, value <= limit, how


def _size(lite: TFLiteModel, budget: Budget, seconds: float) -> tuple[float, str]:
    """Size of the file."""
    return lite.size_bytes, "bytes of the file"


def _gzip(lite: TFLiteModel, budget: Budget, seconds: float) -> tuple[float, str]:
    """Size after gzip."""
    return lite.gzip_bytes, "the file after gzip at level 9"


def _macs(lite: TFLiteModel, budget: Budget, seconds: float) -> tuple[float, str]:
    """Multiply-accumulates."""
    return macs_of_file(lite), "counted from the operators of the file"


def _arena(lite: TFLiteModel, budget: Budget, seconds: float) -> tuple[float, str]:
    """RAM."""
    needs = memory(lite)
    if needs.micro is not None:
        return needs.ram_bytes, "the arena that tflite-micro needs to start, on 64 bits"
    why = "tflite-micro's structures come on top"
    return needs.ram_bytes, f"planned for activations and states; {why}"


def _latency(lite: TFLiteModel, budget: Budget, seconds: float) -> tuple[float, str]:
    """Median time of one sample."""
    if budget.on is not None:
        record: Any = benchmark(lite, on=budget.on, seconds=seconds, verbose=0)
        return record.p50_ms, f"median measured at {record.on} on {record.runtime}, 1 thread"
    if budget.device is not None:
        if lite.float_operators:
            return math.inf, "no figure is known for float operators on a microcontroller"
        return expected_latency_ms(budget.device, macs_of_file(lite))
    records = [benchmark_each([lite], seconds=seconds)[0] for _ in range(_TIMINGS)]
    best = min(records, key=lambda record: record.p50_ms)
    how = f"least median of {_TIMINGS} measurements here on {best.runtime}, 1 thread"
    return best.p50_ms, how


def _energy(lite: TFLiteModel, budget: Budget, seconds: float) -> tuple[float, str]:
    """Energy of one sample."""
    device = budget.device
    if budget.on is None and device is not None:
        record = energy(lite, method="estimated", sram_bytes=device.ram_bytes, verbose=0)
    else:
        record = energy(lite, on=budget.on, verbose=0)
    if record.method == "measured":
        where = f"at {record.on}" if record.on else "here"
        return record.energy_uj, f"measured {where} by {record.meter}, above idle"
    return record.energy_uj, "estimate for a process of 45 nm; a real device needs many times more"


_TELLERS: dict[str, Callable[[TFLiteModel, Budget, float], tuple[float, str]]] = {
    "size_bytes": _size,
    "gzip_bytes": _gzip,
    "macs": _macs,
    "arena_bytes": _arena,
    "latency_ms": _latency,
    "energy_uj": _energy,
}


def _demands(lite: TFLiteModel, budget: Budget) -> list[Constraint]:
    """Return what must be so, each with how much of it is not."""
    found = []
    if budget.integer_only:
        count = len(lite.float_operators)
        found.append(_demand("integer_only", count, f"{count} operators compute in float"))
    if budget.device is not None:
        record: Any = fits(lite, budget.device)
        what = ", ".join(one.what for one in record.misfits) or "everything fits"
        found.append(_demand("device", len(record.misfits), f"{record.device}: {what}"))
    for name in budget.runtimes:
        missing, how = _runs_on(lite, name)
        found.append(_demand(f"runtimes: {name}", missing, how))
    return found


def _demand(name: str, missing: int, how: str) -> Constraint:
    """Return a limit that is met if nothing is missing."""
    return Constraint(name, 0, missing, missing == 0, how)


def _runs_on(lite: TFLiteModel, name: str) -> tuple[int, str]:
    """Return what keeps a file from a runtime, 0 for nothing."""
    if name not in RUNTIMES:
        record = check(lite, name)
        missing = len(record.operators) - record.mapped
        return missing, f"{record.mapped} of {len(record.operators)} operators run there"
    try:
        benchmark_each([lite], runtime=name, runs=1)
    except (ModelError, WorkerError) as error:
        return 1, f"does not run: {error}".splitlines()[0]
    return 0, "it ran there"
