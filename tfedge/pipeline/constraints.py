"""What was found of a file, limit by limit: records that print as tables."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tfedge.core.records import Record
from tfedge.core.tables import text_table
from tfedge.pipeline.budget import COUNTED, UNITS
from tfedge.pipeline.drop import Drop

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
