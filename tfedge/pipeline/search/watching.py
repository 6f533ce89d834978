"""A trial in training is looked at after each epoch, and ends if it falls behind the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.drop import Yardstick
from tfedge.pipeline.search.ledger import Entry, Ledger, Taken
from tfedge.pipeline.search.optuna_door import falls_behind

_EARLIEST = 0.5
_ANY, _BETTER_HALF = 100.0, 50.0


class BehindError(Exception):
    """A trial is not worth its other epochs; says why."""


class Watch:
    """Writes down how a trial does after each epoch, and ends it where it is behind.

    Only what the sampler chose is ended: the planned trials must be known to their end.

    Args:
        recipe: The recipe of the trial.
        taken: The trial.
        ledger: Where it is written down.
        yardstick: Says how much worse than the original a model is.
        budget: The budget.
    """

    def __init__(
        self,
        recipe: Mapping[str, Any],
        taken: Taken,
        ledger: Ledger,
        yardstick: Yardstick,
        budget: Budget,
    ) -> None:
        self._epochs = [step.get("epochs", 0) for step in recipe["steps"]]
        self._taken, self._ledger = taken, ledger
        self._yardstick, self._budget = yardstick, budget

    def __call__(self, step: int, epoch: int, model: Any) -> None:
        """Look at a model after an epoch of a step, both counted from 1.

        Raises:
            BehindError: If the trial is not worth its other epochs.
        """
        part = round((sum(self._epochs[: step - 1]) + epoch) / sum(self._epochs), 4)
        drop = self._yardstick.drop(lambda x: model(x, training=False).numpy()).drop
        self._ledger.report(self._taken, part, drop)
        if self._taken.why == "search":
            why = why_behind(part, self._taken.reports, self._ledger.entries(), self._budget)
            if why:
                raise BehindError(why)


def why_behind(
    part: float, reports: Mapping[float, float], entries: Sequence[Entry], budget: Budget
) -> str:
    """Return why a trial is not worth its other epochs, or nothing if it may be.

    It is held against the trials that are within the budget in the end, at the same part of their
    epochs. Where a drop is allowed, it ends if it is behind all of them; else the most accurate
    file is looked for, and it ends if it is not in the better half.

    Args:
        part: Part of its epochs that are over.
        reports: Its drops so far, by part.
        entries: All trials.
        budget: The budget.

    Example:
        >>> why_behind(0.6, {0.6: 0.5}, [], Budget(accuracy_drop=0.01))
        ''
    """
    if not _EARLIEST <= part < 1:
        return ""
    within = [one for one in entries if one.measured is not None and one.measured.met]
    others = [best_at(part, one.reports) for one in within if _covers(part, one.reports)]
    best = min(drop for at, drop in reports.items() if at <= part)
    percentile = _BETTER_HALF if budget.accuracy_drop is None else _ANY
    if not falls_behind(best, others, percentile):
        return ""
    whom = "the better half" if budget.accuracy_drop is None else "every one"
    return (
        f"ended after {part:.0%} of its epochs: {best:.2%} worse than the original by then, "
        f"behind {whom} of {len(others)} trials that are within the budget"
    )


def best_at(part: float, reports: Mapping[float, float]) -> float:
    """Return the least drop that a trial had reached at some part of its epochs.

    Between epochs it is read off straight lines.

    Example:
        >>> best_at(0.5, {0.25: 0.3, 0.75: 0.1, 1.0: 0.2}), best_at(1.0, {0.5: 0.1, 1.0: 0.2})
        (0.2, 0.1)
    """
    parts = sorted(reports)
    best = np.minimum.accumulate([reports[one] for one in parts])
    return float(np.interp(part, parts, best))


def _covers(part: float, reports: Mapping[float, float]) -> bool:
    """Return whether it is known how a trial did at some part of its epochs."""
    return bool(reports) and min(reports) <= part <= max(reports)
