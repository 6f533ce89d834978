"""Which rule makes the range of which tensor: one for all, or for each the one that fits best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfedge.core.observers import Observer
from tfedge.core.statistics import Statistics

_NEVER_MOVED = (0.0, 1.0)
_TRIALS = 8
_ALIKE = 0.1
_CLEARLY_DB = 0.2
Seen = Mapping[int, Statistics]


@dataclass(frozen=True)
class Choice:
    """A rule for the range of every tensor.

    Args:
        name: What it is called in notes.
        rules: The rule of each tensor, by index.
    """

    name: str
    rules: Mapping[int, Observer]

    def ranges(self, seen: Seen) -> dict[int, tuple[float, float]]:
        """Return the range of every tensor."""
        return {index: self.range(index, statistics) for index, statistics in seen.items()}

    def range(self, index: int, seen: Statistics) -> tuple[float, float]:
        """Return the range of one tensor; one that never moved from 0 gets room for values."""
        return _range(seen, self.rules[index])

    def __str__(self) -> str:
        """Return the rule, or how many tensors each has."""
        counts = Counter(map(repr, self.rules.values()))
        if len(counts) == 1:
            return next(iter(counts))
        return ", ".join(f"{rule} for {number}" for rule, number in counts.most_common())


def uniform(observer: Observer, tensors: Sequence[int]) -> Choice:
    """Return the choice of one rule for all tensors."""
    return Choice(observer.name, dict.fromkeys(tensors, observer))


def refined(
    best: Choice, observers: Sequence[Observer], seen: Seen, score: Callable[[Choice], float]
) -> Choice:
    """Return a choice in which some tensors leave the rule of the rest, one after the other.

    The error of a tensor says little about the output: what is cut off may be the signal there,
    and a few values that nobody needs elsewhere. So the file is asked. Tensors on which the rules
    differ most come first, each tries the rule whose range differs most from its own, and keeps
    it if the file is clearly better.

    Args:
        best: The best of one rule for all.
        observers: Rules to choose from.
        seen: Statistics of every tensor.
        score: Makes the file of a choice, and returns its SQNR on samples held out.
    """
    widths = {
        index: {rule: float(np.ptp(_range(statistics, rule))) for rule in observers}
        for index, statistics in seen.items()
    }
    apart = {index: max(found.values()) / min(found.values()) for index, found in widths.items()}
    reached = score(best)
    for index in sorted(apart, key=lambda index: -apart[index])[:_TRIALS]:
        own = widths[index][best.rules[index]]
        other = max(observers, key=lambda rule: abs(np.log(widths[index][rule] / own)))
        if abs(np.log(widths[index][other] / own)) < _ALIKE:
            continue
        trial = Choice("per_tensor", {**best.rules, index: other})
        found = score(trial)
        if found > reached + _CLEARLY_DB:
            best, reached = trial, found
    return best


def _range(seen: Statistics, observer: Observer) -> tuple[float, float]:
    """Return the range of one tensor."""
    silent = not seen.lows or seen.low == seen.high == 0
    return _NEVER_MOVED if silent else observer.range(seen)
