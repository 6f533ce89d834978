"""A file held against a budget: every limit with what was found, and how it was found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfedge.core.errors import ModelError, WorkerError
from tfedge.core.records import Record
from tfedge.core.tables import text_table
from tfedge.pipeline.budget import COUNTED, UNITS, Budget
from tfedge.pipeline.device_latency import expected_latency_ms
from tfedge.pipeline.drop import Drop, Yardstick
from tfedge.runtime.accelerators.check import check
from tfedge.runtime.costs import operator_macs
from tfedge.runtime.energy.energy import energy
from tfedge.runtime.interpreter import RUNTIMES
from tfedge.runtime.latency.benchmark import benchmark, benchmark_each
from tfedge.runtime.memory.fits import fits
from tfedge.runtime.memory.memory import memory
from tfedge.runtime.model import TFLiteModel

_TIMINGS = 3
_SMALLEST_DROP = 0.001


@dataclass(frozen=True, repr=False)
class Constraint(Record):
    """One limit of a budget, and what a file has.

    Attributes:
        name: Name of the limit, as in `tfedge.Budget`.
        limit: The limit; 0 for what must simply be so.
        value: What the file has; for what must be so, how much of it is not.
        met: Whether it is within.
        how: How the value was obtained.

    Example:
        >>> print(round(Constraint("size_bytes", 1000, 1250, False, "the file").excess, 2))
        0.25
    """

    name: str
    limit: float
    value: float
    met: bool
    how: str

    @property
    def excess(self) -> float:
        """How far above the limit the value is, relative to it; below 0 within."""
        if self.name == "accuracy_drop":
            return (self.value - self.limit) / max(self.limit, _SMALLEST_DROP)
        return self.value / self.limit - 1 if self.limit else self.value


@dataclass(frozen=True, repr=False)
class Measured(Record):
    """What was found of a file, and how it does against a budget.

    Attributes:
        model: Name of the file.
        size_bytes: Size of the file.
        gzip_bytes: Size after gzip.
        macs: Multiply-accumulates of one sample.
        drop: How much worse it is than the original; None where it was not told.
        constraints: Every limit of the budget.

    Example:
        >>> size = Constraint("size_bytes", 1000, 1250, False, "the file")
        >>> Measured("cnn", 1250, 900, 4000, None, (size,))
        'cnn' is over the budget by 25 % of size_bytes
          limit       at most  found      how it was found
          size_bytes    1,000  1,250  no  the file
    """

    model: str
    size_bytes: int
    gzip_bytes: int
    macs: int
    drop: Drop | None
    constraints: tuple[Constraint, ...]

    @property
    def met(self) -> bool:
        """Whether the file is within every limit."""
        return all(one.met for one in self.constraints)

    @property
    def binding(self) -> Constraint | None:
        """The limit that it is farthest above, None if it is within all."""
        over = [one for one in self.constraints if not one.met]
        return max(over, key=lambda one: one.excess, default=None)

    @property
    def excess(self) -> float:
        """How far above its limits it is, all together; 0 within."""
        return sum(max(one.excess, 0.0) for one in self.constraints if not one.met)

    def __getitem__(self, name: str) -> float:
        """Return a figure by name: ``measured["latency_ms"]``."""
        if name in ("size_bytes", "gzip_bytes", "macs"):
            return getattr(self, name)
        return {one.name: one.value for one in self.constraints}[name]

    def __repr__(self) -> str:
        """Return a verdict, and one line for each limit."""
        worst = self.binding
        head = f"{self.model!r} is within the budget"
        if worst is not None:
            head = f"{self.model!r} is over the budget by {_over(worst)}"
        table = text_table(("limit", "at most", "found", ""), [_cells(c) for c in self.constraints])
        hows = ["how it was found", *(one.how for one in self.constraints)]
        width = max(map(len, table))
        lines = [f"{row:<{width}}  {how}" for row, how in zip(table, hows, strict=True)]
        lines = [line if len(line) <= 118 else f"{line[:117]}…" for line in lines]
        drop = [f"  {self.drop!r}"] if self.drop is not None else []
        return "\n".join([head, *(lines if self.constraints else []), *drop])


def _over(one: Constraint) -> str:
    """Return how far a value is above its limit, in words."""
    if not one.limit or one.name == "accuracy_drop" or not math.isfinite(one.excess):
        return f"{one.name} ({shown(one.name, one.value)})"
    return f"{100 * one.excess:.0f} % of {one.name}"


def _cells(one: Constraint) -> tuple[str, ...]:
    """Return a row of the table."""
    limit = shown(one.name, one.limit) if one.limit or one.name == "accuracy_drop" else "–"
    return (one.name, limit, shown(one.name, one.value), "yes" if one.met else "no")


def shown(name: str, value: float) -> str:
    """Return the value of a limit as text.

    Example:
        >>> shown("size_bytes", 1234), shown("accuracy_drop", 0.0125), shown("latency_ms", 0.5)
        ('1,234', '1.25 %', '0.5')
    """
    if name == "accuracy_drop":
        return f"{100 * value:.2f} %"
    if name in COUNTED or name not in UNITS:
        return f"{value:,.0f}"
    return f"{value:.4g}"


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


def macs_of_file(lite: TFLiteModel) -> int:
    """Return the multiply-accumulates of one run of a file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> macs_of_file(sample_model())
        0
    """
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    return sum(operator_macs(one, tensors) for one in lite.operators)


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
