"""Which trial comes next, and when it is enough."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.search.ladder import next_rate
from tfedge.pipeline.search.ledger import Entry
from tfedge.pipeline.search.narrowing import packing_of
from tfedge.pipeline.search.proving import ranked
from tfedge.pipeline.search.proxies import Curves
from tfedge.pipeline.search.space import (
    BY_STAGE,
    IMPORTANCES,
    PLAIN,
    WIDTHS,
    Space,
    key_of,
    settled,
)

TRIALS = 20
_HOPELESS = 3
_PACKED = "gzip_bytes"
_TRIES, _A_LITTLE = 3, 0.97


@dataclass(frozen=True)
class Plan:
    """Settles the next trial from those that there are.

    The cheapest comes first, so that there is always a file; then as much as the limits of
    resources allow; then, where a drop is allowed, the walk as far as it goes; then the best of
    these with other ratios for each stage of the network; then what the sampler chooses.

    Args:
        budget: The budget.
        space: What may be varied; None before the curves are known: the cheapest trial alone.
        curves: Curves of the model.
        deadline: Time of the clock after which no trial begins, None for none.
    """

    budget: Budget
    space: Space
    curves: Curves
    deadline: float | None = None

    def __call__(self, entries: Sequence[Entry]) -> tuple[str, Mapping[str, Any] | None] | None:
        """Return why there is to be another trial and its choice, or None to end."""
        if not entries:
            return "plain", PLAIN
        if self._enough(entries):
            return None
        known = {key_of(one.choice) for one in entries}
        for why, plan in _PLANNED.items():
            choice = plan(self, entries)
            if choice is not None and key_of(choice) not in known:
                return why, choice
        return None if self._out_of_reach else ("search", None)

    @property
    def _out_of_reach(self) -> bool:
        """Whether the curves say that no file can be within a limit."""
        return any(name in self.space.reasons for name in self.budget.limits)

    def _enough(self, entries: Sequence[Entry]) -> bool:
        """Return whether no trial is to begin any more."""
        late = self.deadline is not None and time.time() >= self.deadline
        most = self.budget.trials or (None if self.budget.time else TRIALS)
        hopeless = sum(one.state == "hopeless" and not one.reports for one in entries)
        counted = len(entries) - hopeless
        full = most is not None and (counted >= most or hopeless >= _HOPELESS * most)
        return late or full or self._nothing_to_gain(entries)

    def _nothing_to_gain(self, entries: Sequence[Entry]) -> bool:
        """Return whether a file is within the limits and as good as the original."""
        if self.budget.accuracy_drop is not None:
            return False
        found = [one.measured for one in entries if one.measured is not None]
        return any(one.met and one.drop is not None and one.drop.drop <= 0 for one in found)

    def at_the_limit(self, entries: Sequence[Entry] = ()) -> dict[str, Any] | None:
        """Return the widest choice that is within the limits of resources, None if none is set.

        The curves are of other channels than those that go in the end. Where a file is above a
        limit after all, a narrower one follows.
        """
        tried = [one for one in entries if one.why == "limit"]
        if not self.budget.limits or not self.space.epochs or len(tried) >= _TRIES:
            return None
        if not tried:
            return self._widest()
        last = tried[-1]
        if last.state == "failed":
            return settled({**last.choice, "round_to": WIDTHS[0]})
        over = self._over(last)
        width = max(last.choice["channels"] * _A_LITTLE / over, self.space.least_channels)
        return settled({**last.choice, "channels": round(width, 3)}) if over > 1 else None

    def _widest(self) -> dict[str, Any]:
        """Return the widest choice within the limits; few zeros and fewer channels share gzip's."""
        most, limit = self.space.most_channels, self.budget.gzip_bytes
        if limit is None or self.curves.at(_PACKED, most) <= limit:
            return self._trained(most, WIDTHS[-1])
        for sparsity in self.space.sparsities[1:]:
            share = self.curves.fraction_for(_PACKED, limit / packing_of(self.curves, sparsity, 0))
            if share is not None:
                break
        width = min(share or most, most)
        return settled({**self._trained(width, WIDTHS[-1]), "sparsity": sparsity})

    def _over(self, entry: Entry) -> float:
        """Return how many times a file's resources are above their limits; at most 1 within."""
        if entry.measured is None:
            return 1.0
        return max(entry.measured[name] / limit for name, limit in self.budget.limits.items())

    def _packed(self, width: float) -> dict[str, Any]:
        """Return a choice of some width, with zeros where the limit of gzip asks for them."""
        limit, choice = self.budget.gzip_bytes, self._trained(width)
        if limit is None:
            return choice
        sizes = {s: packing_of(self.curves, s, 0) for s in self.space.sparsities}
        whole = self.curves.at(_PACKED, width)
        enough = [share for share, ratio in sizes.items() if ratio * whole <= limit]
        return settled({**choice, "sparsity": min(enough, default=max(sizes))})

    def _walked(self, entries: Sequence[Entry]) -> dict[str, Any] | None:
        """Return the next choice of the walk, None if it ended or waits for a trial.

        It begins where the limits of resources are met.
        """
        allowed = self.budget.accuracy_drop
        limits = [one for one in entries if one.why == "limit" and one.choice["channels"] < 1]
        walk = [*limits[-1:], *(one for one in entries if one.why == "walk")]
        running = any(one.state == "running" for one in walk)
        narrows = self.space.has_channels and self.space.epochs and not self._out_of_reach
        if allowed is None or running or not narrows:
            return None
        tried = [(1 - one.choice["channels"], _allowed(one, allowed)) for one in walk]
        start = round(tried[0][0] if limits else 1 - self.space.most_channels, 3)
        rate = next_rate(tried, start=start, most=1 - self.space.least_channels)
        return None if rate is None else self._packed(round(1 - rate, 3))

    def _by_stage(self, entries: Sequence[Entry]) -> dict[str, Any] | None:
        """Return the best planned choice with ratios by stage, as curves of the stages advise."""
        planned = [one for one in entries if one.why in ("limit", "walk")]
        within = [one for one in ranked(planned, self.budget) if one.choice["channels"] < 1]
        tried = any(one.why == "stages" for one in entries)
        if self.space.stages is None or tried or not within or self._out_of_reach:
            return None
        best = within[0].choice
        leans = self.space.stages.leans(best["channels"], self._most_parameters(best))
        if leans is None:
            return None
        given = dict(zip(self.space.leans, leans, strict=True))
        return settled({**best, "scope": BY_STAGE, **given})

    def _most_parameters(self, choice: Mapping[str, Any]) -> float:
        """Return the fraction of the parameters with which a file is within limits of bytes."""
        assert self.space.stages is not None
        size = self.curves.at("size_bytes", 1.0)
        weights = sum(count for _, _, count in self.space.stages.parameters)
        rest = max(0.0, 1 - weights / size)
        packing = {_PACKED: packing_of(self.curves, choice["sparsity"], choice["clusters"])}
        shares = [
            limit / (self.curves.at(name, 1.0) * packing.get(name, 1.0))
            for name, limit in self.budget.limits.items()
            if name in ("size_bytes", _PACKED)
        ]
        return min([1.0, *((share - rest) / (1 - rest) for share in shares if rest < 1)])

    def _trained(self, channels: float, round_to: int = WIDTHS[0]) -> dict[str, Any]:
        """Return a choice of some width with all training that is allowed."""
        rounded = round_to if self.space.times else WIDTHS[0]
        best = {"importance": IMPORTANCES[0], "round_to": rounded, "distill": True}
        widths = {"channels": round(channels, 3), "epochs": self.space.epochs}
        return settled({**PLAIN, **best, **widths})


def _allowed(entry: Entry, allowed: float) -> bool:
    """Return whether the drop of a trial is allowed; no file is none."""
    drop = entry.measured.drop if entry.measured is not None else None
    return drop is not None and drop.drop <= allowed


_PLANNED = {"limit": Plan.at_the_limit, "walk": Plan._walked, "stages": Plan._by_stage}
