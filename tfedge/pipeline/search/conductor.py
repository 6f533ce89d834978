"""A whole search in one process: the first file, the curves, the trials, the proof."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable

from tfedge.convert.converter import convert
from tfedge.core.errors import StorageError
from tfedge.core.files import write_whole
from tfedge.core.progress import progress
from tfedge.pipeline.constraints import Measured
from tfedge.pipeline.drop import Yardstick
from tfedge.pipeline.measures import measured
from tfedge.pipeline.result import FILES, CompressionResult
from tfedge.pipeline.search.channel_stages import channel_stages
from tfedge.pipeline.search.crew import crew
from tfedge.pipeline.search.few_bits import few_bits
from tfedge.pipeline.search.job import Job, as_data
from tfedge.pipeline.search.ledger import Entry, Ledger, trial_of
from tfedge.pipeline.search.narrowing import gzip_counts, space_of
from tfedge.pipeline.search.plan import TRIALS, Plan
from tfedge.pipeline.search.proving import proven
from tfedge.pipeline.search.proxies import FRACTIONS, Curves, curves
from tfedge.pipeline.search.ray_crew import RAY, ray_crew
from tfedge.pipeline.search.session import Session
from tfedge.pipeline.search.space import Space
from tfedge.pipeline.search.subject import Subject
from tfedge.pipeline.verdict import verdict_of
from tfedge.runtime.model import TFLiteModel

_PROOF_SECONDS = 1.0
_LOOKED_AT = 512


class Conductor:
    """Runs a search and makes its result.

    Args:
        job: What the search works on.
        subject: The model and all its data.
        workers: Number of processes, or ``"ray"``.
        verbose: 0 for no progress bar.
    """

    def __init__(self, job: Job, subject: Subject, workers: int | str, verbose: int) -> None:
        self._job, self._subject = job, subject
        self._workers, self._verbose = workers, verbose
        self._start = time.perf_counter()

    def result(self) -> CompressionResult:
        """Return what the search found, also when it is interrupted."""
        self._original_bytes()
        ledger, interrupted = self._job.ledger(), False
        try:
            self._search(ledger)
        except (KeyboardInterrupt, StorageError) as error:
            interrupted = True
            if not any(one.measured for one in ledger.entries()):
                raise
            why = " by Ctrl-C" if isinstance(error, KeyboardInterrupt) else f": {error}"
            warnings.warn(
                f"The search was interrupted{why}. This is the best so far. The same call with "
                "the same work folder goes on.",
                stacklevel=4,
            )
        finally:
            ledger.close()
        return self._told(ledger, interrupted)

    def _search(self, ledger: Ledger) -> None:
        """Run the search to its end."""
        job, total = self._job, self._total()
        session = Session(job, ledger)
        with progress("compress", total, self._verbose, unit="trial") as done:
            done(len([one for one in ledger.entries() if one.state != "running"]))
            space, found = job.known() or self._explored(session, done)
            plan = job.plan(space, found)
            with self._helpers():
                session.work(space, plan, done)

    def _total(self) -> int | None:
        """Return the number of trials if it is settled."""
        budget = self._job.settings.budget
        return budget.trials or (None if budget.time else TRIALS)

    def _explored(self, session: Session, done: Callable[[int], object]) -> tuple[Space, Curves]:
        """Run the cheapest trial, measure the curves, and return what is worth a trial."""
        settings, model = self._job.settings, self._subject.model
        train = self._subject.training_data
        with progress("curves", 1 + len(FRACTIONS), self._verbose, unit="file") as step:
            found = curves(model, train, settings.budget, done=step)
        x = self._subject.train.inputs(_LOOKED_AT)
        few = few_bits(model, x) if gzip_counts(settings.budget) else None
        stages = None if found.channels_reason else channel_stages(model, x)
        space = space_of(found, settings.budget, settings.epochs, stages, few)
        session.work(space, Plan(settings.budget, space, found), done, most=1)
        self._job.keep(space, found)
        return space, found

    def _helpers(self) -> contextlib.AbstractContextManager:
        """Return the context in which other processes help."""
        if self._workers == 1:
            return contextlib.nullcontext()
        self._job.hand_over(self._subject.all_of_train())
        if self._workers == RAY:
            return ray_crew(self._job.folder)
        return crew(self._job.folder, int(self._workers) - 1)

    def _told(self, ledger: Ledger, interrupted: bool) -> CompressionResult:
        """Return the result of the trials that there are."""
        known, entries = self._job.known(), ledger.entries()
        space = known[0] if known else _unknown_space(self._job)
        budget, parts = self._job.settings.budget, self._subject.parts
        yardstick = Yardstick(self._subject.model, parts.prove)
        chosen, proof, passed = proven(entries, budget, lambda one: self._proof(one, yardstick))
        complete = sum(one.measured is not None for one in entries)
        result = CompressionResult(
            model=self._job.settings.name,
            budget=budget,
            chosen=chosen.place,
            proof=proof,
            passed_over=passed,
            verdict=verdict_of(proof, complete, passed, space.reasons),
            original_bytes=self._original_bytes(),
            chosen_by=len(parts.choose),
            proven_on=len(parts.prove),
            seconds=time.perf_counter() - self._start,
            interrupted=interrupted,
            trials=tuple(trial_of(one, space) for one in entries if one.state != "running"),
            folder=str(self._job.folder),
        )
        result.__dict__["_subject"] = (self._subject.model, as_data(parts.prove))
        result.best  # noqa: B018  (read now, from then on it is in memory)
        return result

    def _proof(self, entry: Entry, yardstick: Yardstick) -> Measured:
        """Return what is found of a trial's file on the samples of the proof."""
        path = self._job.folder / FILES / f"{entry.place}.tflite"
        lite = TFLiteModel(path.read_bytes(), self._job.settings.name)
        return measured(lite, self._job.settings.budget, yardstick, seconds=_PROOF_SECONDS)

    def _original_bytes(self) -> int:
        """Return the size of the original as a float32 file."""
        path = self._job.folder / "original.tflite"
        if not path.exists():
            write_whole(path, convert(self._subject.model, parity=False).content)
        return path.stat().st_size


def _unknown_space(job: Job) -> Space:
    """Return the space of the cheapest trial alone, for a search that was stopped behind it."""
    return Space("int8", 1.0, 1.0, (0.0,), (0,), job.settings.epochs, False, {})
