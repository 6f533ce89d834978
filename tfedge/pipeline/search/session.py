"""One process at work: takes a trial, makes its file, measures it, and takes the next."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from tfedge.core.data import Batch
from tfedge.core.errors import StorageError, TfedgeError
from tfedge.core.sampling import picked, spread
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.drop import Yardstick
from tfedge.pipeline.measures import measured
from tfedge.pipeline.result import FILES
from tfedge.pipeline.search.job import Job
from tfedge.pipeline.search.ledger import Ledger, Taken
from tfedge.pipeline.search.locks import held
from tfedge.pipeline.search.narrowing import why_hopeless
from tfedge.pipeline.search.plan import Plan
from tfedge.pipeline.search.space import Space, recipe_of
from tfedge.pipeline.search.watching import BehindError, Watch
from tfedge.runtime.model import TFLiteModel

_TIMING_SECONDS = 0.5
_WATCHED = 1000


class Session:
    """Runs trials of a search, one after the other.

    Args:
        job: What the search works on.
        ledger: The trials.
    """

    def __init__(self, job: Job, ledger: Ledger) -> None:
        self._job, self._ledger = job, ledger
        self._yardstick: Yardstick | None = None

    def work(
        self, space: Space, plan: Plan, done: Callable[[int], object], most: int | None = None
    ) -> None:
        """Run trials until the plan ends.

        Args:
            space: What may be varied.
            plan: What settles the next trial.
            done: Told after each trial.
            most: Number of trials after which to stop, None for no such number.

        Raises:
            TfedgeError: If the cheapest trial fails: nothing else will work then.
        """
        while most is None or most > 0:
            taken = self._ledger.take(space, plan)
            if taken is None:
                return
            self._run(taken, space, plan)
            done(1)
            most = None if most is None else most - 1

    def _run(self, taken: Taken, space: Space, plan: Plan) -> None:
        """Run one trial and write down what became of it."""
        start = time.perf_counter()
        try:
            reason = self._hopeless(taken, plan)
            if reason:
                self._ledger.stop(taken, "hopeless", reason, time.perf_counter() - start)
                return
            lite = self._made(taken, space, plan.budget)
            found = self._measured(lite)
            self._ledger.complete(taken, found, time.perf_counter() - start)
        except BehindError as behind:
            self._ledger.stop(taken, "hopeless", str(behind), time.perf_counter() - start)
        except OSError as error:
            self._ledger.give_back(taken)
            raise StorageError(
                f"The work folder {str(self._job.folder)!r} cannot be written: "
                f"{error.strerror or error}. Make room; the same call goes on where it stopped."
            ) from error
        except TfedgeError as error:
            self._ledger.stop(taken, "failed", _told(error), time.perf_counter() - start)
            if taken.why == "plain":
                raise
        except BaseException:
            self._ledger.give_back(taken)
            raise

    def _hopeless(self, taken: Taken, plan: Plan) -> str:
        """Return why a trial of the sampler cannot be within the budget, or nothing."""
        if taken.why != "search":
            return ""
        entries, few = self._ledger.entries(), plan.space.few_bits
        return why_hopeless(taken.choice, plan.curves, plan.budget, entries, few)

    def _made(self, taken: Taken, space: Space, budget: Budget) -> TFLiteModel:
        """Return the file of a trial, which also lies in the work folder."""
        recipe = recipe_of(space, taken.choice)
        watch = Watch(recipe, taken, self._ledger, self._few, budget)
        lite = made(self._job, recipe, watch)
        folder = self._job.folder / FILES
        folder.mkdir(exist_ok=True)
        lite.save(folder / f"{taken.place}.tflite")
        return lite

    @functools.cached_property
    def _few(self) -> Yardstick:
        """Results of the original on few samples, for models that are in training."""
        data = self._job.choose
        places = spread(len(data), _WATCHED)
        few = Batch(*(None if part is None else picked(part, places) for part in data))
        return Yardstick(self._job.model, few)

    def _measured(self, lite: TFLiteModel) -> Any:
        """Return what was found of a file; times are taken by one process at a time."""
        if self._yardstick is None:
            self._yardstick = Yardstick(self._job.model, self._job.choose)
        with held(self._job.folder / "timing.lock"):
            budget = self._job.settings.budget
            return measured(lite, budget, self._yardstick, seconds=_TIMING_SECONDS)


def made(job: Job, recipe: dict[str, Any], watch: Watch) -> TFLiteModel:
    """Return the file that a recipe makes of the model of a job."""
    from tfedge.pipeline.run import carried_out

    work, settings = job.folder / "stages", job.settings
    known = (job.model, job.train, None, work, settings.seed, settings.loss)
    return carried_out(recipe, *known, watch=watch).lite


def _told(error: Exception) -> str:
    """Return what an error says, at most some lines of it."""
    lines = f"{type(error).__name__}: {error}".splitlines()
    return " ".join(lines[:3])[:300]
