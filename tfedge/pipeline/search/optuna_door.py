"""Optuna, imported when a search begins: its storage, its samplers, and quiet."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfedge.core.errors import MissingPackageError

SAMPLERS = ("tpe", "nsga2")
_STARTUP, _POPULATION = 8, 12
_OTHERS = 3


def optuna() -> Any:
    """Return the module.

    Raises:
        MissingPackageError: If it is not installed.

    Example:
        >>> optuna().__name__
        'optuna'
    """
    try:
        import optuna as found
    except ImportError as error:
        raise MissingPackageError(
            "The search needs Optuna, which is not installed. Install it with: "
            "pip install 'tfedge[search]'"
        ) from error
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna's log and its notes on experimental parts away, as long as this lasts."""
    module = optuna()
    level = module.logging.get_verbosity()
    module.logging.set_verbosity(module.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="optuna")
            warnings.simplefilter("ignore", module.exceptions.ExperimentalWarning)
            yield
    finally:
        module.logging.set_verbosity(level)


def open_study(journal: Path, objectives: int) -> Any:
    """Return the study in a journal file, which is made if it does not exist.

    A line that was cut off, as by a full disk, is taken away.

    Args:
        journal: The file; several processes may open it.
        objectives: Number of values that are to be small.
    """
    module = optuna()
    _mend(journal)
    backend = module.storages.journal.JournalFileBackend(str(journal))
    return module.create_study(
        storage=module.storages.JournalStorage(backend),
        study_name="tfedge",
        directions=["minimize"] * objectives,
        load_if_exists=True,
    )


def _mend(journal: Path) -> None:
    """Cut a journal off after its last whole line."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with journal.open("r+b") as file:
            file.truncate(whole)


def falls_behind(value: float, others: Sequence[float], percentile: float) -> bool:
    """Return whether Optuna's `PercentilePruner` stops a trial; it needs three others at least.

    Args:
        value: The best that the trial has reached; small is good.
        others: What other trials had reached at the same point.
        percentile: Share of the others, in percent, among which it must be: 50 for the better
            half, 100 for no worse than the worst.

    Example:
        >>> others = [0.1, 0.2, 0.4]
        >>> falls_behind(0.3, others, 50.0), falls_behind(0.3, others, 100.0)
        (True, False)
        >>> falls_behind(0.5, others, 100.0), falls_behind(0.5, others[:2], 100.0)
        (True, False)
    """
    module = optuna()
    with quiet():
        pruner = module.pruners.PercentilePruner(percentile, n_startup_trials=_OTHERS)
        study = module.create_study(pruner=pruner)
        for other in others:
            reached = {1: other}
            study.add_trial(module.trial.create_trial(value=other, intermediate_values=reached))
        trial = study.ask()
        trial.report(value, 1)
        return trial.should_prune()


def sampler_of(kind: str, seed: int, fixed: Mapping[str, Any] | None) -> Any:
    """Return what chooses the next trial: always the same for the same seed and history.

    Args:
        kind: ``"tpe"`` or ``"nsga2"``.
        seed: Seed of this one choice.
        fixed: Values of all parameters, if they are settled already.
    """
    samplers = optuna().samplers
    if fixed is not None:
        return samplers.PartialFixedSampler(dict(fixed), samplers.RandomSampler(seed=seed))
    if kind == "nsga2":
        return samplers.NSGAIISampler(seed=seed, population_size=_POPULATION)
    return samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP)
