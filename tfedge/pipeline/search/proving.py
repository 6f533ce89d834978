"""The choice among trials, and its proof on samples that no trial was chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import Measured
from tfedge.pipeline.search.ledger import Entry

ATTEMPTS = 3


def ranked(entries: Sequence[Entry], budget: Budget) -> list[Entry]:
    """Return trials with a file, the best first.

    Within the budget: if a drop is allowed the smallest file, else the most accurate one. Then
    the others, the one that is nearest to the budget first.

    Args:
        entries: The trials.
        budget: The budget.
    """

    def order(entry: Entry) -> tuple:
        """Return what a trial is sorted by."""
        found = entry.measured
        assert found is not None
        drop = found.drop.drop if found.drop else 0.0
        size = found[budget.ranked_by]
        within = (drop, size) if budget.accuracy_drop is None else (size, drop)
        return (not found.met, 0.0 if found.met else found.excess, *within, entry.place)

    return sorted((one for one in entries if one.measured is not None), key=order)


def proven(
    entries: Sequence[Entry], budget: Budget, measure: Callable[[Entry], Measured]
) -> tuple[Entry, Measured, tuple[int, ...]]:
    """Return the best trial, its proof, and the trials that were better and failed theirs.

    At most three are put to the proof: each further one is a choice by the samples of the proof.

    Args:
        entries: The trials, at least one with a file.
        budget: The budget.
        measure: Measures the file of a trial on the samples of the proof.
    """
    order = ranked(entries, budget)
    within = [one for one in order if one.measured is not None and one.measured.met]
    tried: list[tuple[Entry, Measured]] = []
    for entry in (within or order)[: ATTEMPTS if within else 1]:
        proof = measure(entry)
        if proof.met:
            return entry, proof, tuple(one.place for one, _ in tried)
        tried.append((entry, proof))
    entry, proof = min(tried, key=lambda pair: pair[1].excess)
    return entry, proof, tuple(one.place for one, _ in tried if one is not entry)
