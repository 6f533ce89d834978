"""One file that a search tried: as a record, and as a row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfedge.core.records import Record
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import Measured
from tfedge.pipeline.recipe_line import recipe_line


@dataclass(frozen=True, repr=False)
class Trial(Record):
    """One file that a search tried.

    Attributes:
        number: Its number, from 0, in the order in which trials began.
        recipe: How it was made, as plain data that `tfedge.run` takes.
        state: ``"complete"``; ``"hopeless"`` if it was stopped because it could not be within the
            budget; ``"failed"``.
        measured: What was found of it, on the part of ``val`` that the search chooses by; None
            where there is no file.
        seconds: How long it took.
        note: Why it was tried, or why it was stopped or failed.

    Example:
        >>> Trial(3, {"steps": [{"kind": "convert"}]}, "hopeless", None, 0.1, "too large").number
        3
    """

    number: int
    recipe: Mapping[str, Any]
    state: str
    measured: Measured | None
    seconds: float
    note: str = ""


def drop_of(one: Trial) -> float:
    """Return how much worse a trial's file is than the original."""
    return one.measured.drop.drop if one.measured and one.measured.drop else 0.0


def row_of(one: Trial, budget: Budget, in_front: bool, chosen: bool) -> dict[str, Any]:
    """Return a row of the table."""
    found, names = one.measured, dict.fromkeys(["size_bytes", "gzip_bytes", "macs", *budget.limits])
    drop = found.drop if found else None
    return {
        "number": one.number,
        "state": one.state,
        "recipe": recipe_line(one.recipe),
        **{name: found[name] if found else None for name in names},
        **({drop.metric: drop.value} if drop else {}),
        "drop": drop.drop if drop else None,
        "met": found.met if found else None,
        "pareto": in_front,
        "best": chosen,
        "seconds": one.seconds,
        "note": one.note,
    }
