"""The study as a ledger: which trials there are, which comes next, what each one gave.

Several processes write in it. Whoever takes a trial holds the ledger's lock until the trial's
choice is settled, so that no trial is lost and none is made twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfedge.core.record_files import decode_record, encode_record
from tfedge.pipeline.constraints import Measured
from tfedge.pipeline.search.locks import Sign, held, lives
from tfedge.pipeline.search.optuna_door import open_study, optuna, quiet, sampler_of
from tfedge.pipeline.search.space import Space, key_of, recipe_of
from tfedge.pipeline.trial import Trial

_ATTEMPTS = 20
_FAR = 1e9
_VISIBLE = "place"


@dataclass(frozen=True)
class Entry:
    """A trial in the ledger.

    Attributes:
        place: Its number among those that count, from 0.
        choice: What it chose.
        why: Why it was tried: ``"plain"``, ``"limit"``, ``"walk"``, ``"stages"`` or ``"search"``.
        state: ``"running"``, ``"complete"``, ``"hopeless"`` or ``"failed"``.
        measured: What was found.
        seconds: How long it took.
        note: What else there is to say.
        reports: How much worse than the original it was while it trained, by the part of its
            epochs that were over.
    """

    place: int
    choice: Mapping[str, Any]
    why: str
    state: str
    measured: Measured | None
    seconds: float
    note: str
    reports: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A trial that this process is to run."""

    place: int
    choice: Mapping[str, Any]
    why: str
    trial: Any
    reports: dict[float, float] = field(default_factory=dict)


class Ledger:
    """The trials of one search, in a folder.

    Args:
        folder: Where the journal lies.
        objectives: Names of the resources that count, beside the drop.
        sampler: ``"tpe"`` or ``"nsga2"``.
        seed: Seed of all choices.
    """

    def __init__(self, folder: Path, objectives: tuple[str, ...], sampler: str, seed: int) -> None:
        self._folder, self._objectives = folder, objectives
        self._sampler, self._seed = sampler, seed
        self._signs = folder / "signs"
        self._sign = Sign(self._signs)
        with quiet(), held(folder / "lock"):
            self._study = open_study(folder / "journal.log", 1 + len(objectives))
            self._give_up_stale()

    def close(self) -> None:
        """Take the sign of life away; trials of this process that run are nobody's then."""
        self._sign.end()

    def entries(self) -> list[Entry]:
        """Return the trials that count, in their order."""
        with quiet():
            found = [_entry(one) for one in self._study.get_trials(deepcopy=False) if _counts(one)]
        return sorted(found, key=lambda one: one.place)

    def take(
        self, space: Space, plan: Callable[[list[Entry]], tuple[str, Mapping | None] | None]
    ) -> Taken | None:
        """Return the next trial to run, or None if there is none.

        Args:
            space: What may be varied.
            plan: Says of the trials so far why there is to be another one, and its choice, None
                to leave it to the sampler; or None to end.
        """
        with quiet(), held(self._folder / "lock"):
            self._give_up_stale()
            entries = self.entries()
            planned = plan(entries)
            if planned is None:
                return None
            why, choice = planned
            place = next(n for n in range(len(entries) + 1) if n not in {e.place for e in entries})
            return self._new(space, place, why, choice, {key_of(one.choice) for one in entries})

    def _new(
        self, space: Space, place: int, why: str, choice: Mapping | None, known: set[str]
    ) -> Taken | None:
        """Return a trial whose choice nobody made before; None if there is hardly any left."""
        for attempt in range(_ATTEMPTS):
            seed = (self._seed * 7919 + place * 101 + attempt) % 2**31
            fixed = None if choice is None else space.inside(choice)
            self._study.sampler = sampler_of(self._sampler, seed, fixed)
            trial = self._study.ask()
            chosen = space.suggest(trial)
            if choice is not None or key_of(chosen) not in known:
                settled = dict(choice or chosen)
                notes = {"choice": settled, "why": why, "owner": self._sign.name, _VISIBLE: place}
                for name, value in notes.items():
                    trial.set_user_attr(name, value)
                return Taken(place, settled, why, trial, self._before(place, settled))
            self._study.tell(trial, state=optuna().trial.TrialState.FAIL)
        return None

    def _before(self, place: int, choice: Mapping) -> dict[float, float]:
        """Return what the same trial reported before it was interrupted, if it was."""
        found: dict[float, float] = {}
        for one in self._study.get_trials(deepcopy=False):
            notes = one.user_attrs
            if notes.get(_VISIBLE) == place and key_of(notes["choice"]) == key_of(choice):
                found |= _reports(notes)
        return found

    def report(self, taken: Taken, part: float, drop: float) -> None:
        """Write down how a trial does while it trains.

        Args:
            taken: The trial.
            part: Part of its epochs that are over.
            drop: How much worse than the original it is.
        """
        taken.reports[part] = drop
        with quiet(), held(self._folder / "lock"):
            taken.trial.set_user_attr("reports", sorted(taken.reports.items()))

    def complete(self, taken: Taken, found: Measured, seconds: float) -> None:
        """Write down what a trial gave."""
        drop = found.drop.drop if found.drop else 0.0
        values = [drop, *(_finite(math.log(max(found[n], 1e-9))) for n in self._objectives)]
        with quiet(), held(self._folder / "lock"):
            taken.trial.set_user_attr("measured", encode_record(found))
            taken.trial.set_user_attr("seconds", seconds)
            for one in found.constraints:
                taken.trial.set_constraint(one.name, 0.0 if one.met else _finite(one.excess))
            self._study.tell(taken.trial, [_finite(value) for value in values])

    def stop(self, taken: Taken, state: str, note: str, seconds: float) -> None:
        """Write down that a trial made no file: ``"hopeless"`` or ``"failed"``."""
        with quiet(), held(self._folder / "lock"):
            taken.trial.set_user_attr("stopped", state)
            taken.trial.set_user_attr("note", note)
            taken.trial.set_user_attr("seconds", seconds)
            states = optuna().trial.TrialState
            ending = states.PRUNED if state == "hopeless" else states.FAIL
            self._study.tell(taken.trial, state=ending)

    def give_back(self, taken: Taken) -> None:
        """Forget a trial that was interrupted; it will be taken again."""
        with quiet(), held(self._folder / "lock"):
            self._study.tell(taken.trial, state=optuna().trial.TrialState.FAIL)

    def _give_up_stale(self) -> None:
        """Forget trials whose process is gone; somebody takes them again."""
        states = optuna().trial.TrialState
        for one in self._study.get_trials(deepcopy=False, states=(states.RUNNING,)):
            if not lives(self._signs, one.user_attrs.get("owner", "nobody")):
                self._study.tell(one.number, state=states.FAIL)


def _counts(trial: Any) -> bool:
    """Return whether a trial is no repetition and was not forgotten."""
    failed = trial.state == optuna().trial.TrialState.FAIL
    return _VISIBLE in trial.user_attrs and (not failed or "stopped" in trial.user_attrs)


def _entry(trial: Any) -> Entry:
    """Return a trial of Optuna as an entry."""
    notes = trial.user_attrs
    complete = trial.state == optuna().trial.TrialState.COMPLETE
    state = "complete" if complete else notes.get("stopped", "running")
    found = decode_record(notes["measured"]) if complete else None
    settings = (notes["choice"], notes["why"], state, found)
    told = notes.get("seconds", 0.0), notes.get("note", "")
    return Entry(notes[_VISIBLE], *settings, *told, _reports(notes))


def _reports(notes: Mapping[str, Any]) -> dict[float, float]:
    """Return what a trial reported while it trained."""
    return {float(part): float(drop) for part, drop in notes.get("reports", ())}


def _finite(value: float) -> float:
    """Return a number that a study can hold."""
    return min(max(value, -_FAR), _FAR) if value == value else _FAR


_WHY = {
    "plain": "the cheapest: nothing goes, nothing is trained",
    "limit": "as much as the limits of resources allow",
    "walk": "as far as the drop allows, in steps that get smaller",
    "stages": "ratios for each stage of the network, by their curves",
    "search": "chosen by the sampler",
}


def trial_of(entry: Entry, space: Space) -> Trial:
    """Return an entry as users see it."""
    note = entry.note or _WHY[entry.why]
    recipe = recipe_of(space, entry.choice)
    return Trial(entry.place, recipe, entry.state, entry.measured, entry.seconds, note)
