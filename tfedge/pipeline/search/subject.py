"""What a search is about, checked before any work: the model, and its data in two parts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.core.data import Batch
from tfedge.core.errors import ArgumentError
from tfedge.core.openers import open_path
from tfedge.models.flavours import flavour_of
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.held_out import HeldOut, split
from tfedge.pipeline.leaks import count_leaks
from tfedge.pipeline.samples import Samples
from tfedge.pipeline.search.job import as_data
from tfedge.pipeline.search.optuna_door import SAMPLERS, optuna
from tfedge.pipeline.search.ray_crew import RAY, ray


@dataclass(frozen=True)
class Subject:
    """A model with its data.

    Attributes:
        model: The model.
        given: Training data as they came.
        train: Training samples.
        val: Validation samples.
        parts: Their two parts.
    """

    model: Any
    given: Any
    train: Samples
    val: Samples
    parts: HeldOut

    @property
    def training_data(self) -> Any:
        """The training data in a form that can be read several times."""
        return self.given if self.train.whole is None else as_data(self.train.whole)

    def all_of_train(self) -> Batch:
        """Return the training data as one batch, whatever they are."""
        return _whole(self.train)


def subject_of(model: Any, train: Any, val: Any, seed: int) -> Subject:
    """Return a model with its data.

    Args:
        model: A Keras model of either flavour, or the path of one.
        train: Training data with labels.
        val: Validation data with labels.
        seed: Seed of the split.

    Raises:
        ModelError: If it is no Keras model.
        DataError: If data are missing, bring no labels or do not fit.

    Warns:
        UserWarning: If there are few validation samples, or some are in ``train`` too.
    """
    model = open_path(model) if isinstance(model, (str, os.PathLike)) else model
    flavour_of(model)
    samples = Samples(train, model, "train"), Samples(val, model, "val")
    count_leaks(*samples)
    return Subject(model, train, *samples, split(_whole(samples[1]), seed))


def _whole(samples: Samples) -> Batch:
    """Return samples as one batch."""
    return samples.whole or next(samples.batches(len(samples)))


def check_settings(budget: Any, epochs: int, seed: int, workers: int | str, sampler: str) -> None:
    """Raise for settings of a search that are wrong, or if Optuna is not installed.

    Raises:
        ArgumentError: If a setting is wrong.
        MissingPackageError: If Optuna is not installed, or Ray where it is asked for.

    Example:
        >>> check_settings(Budget(size_bytes=1000), 3, 0, 1, "tpe")
    """
    if not isinstance(budget, Budget):
        raise ArgumentError(
            f"budget={budget!r} is no budget. Pass tfedge.Budget(size_bytes=60_000, ...) with what "
            "the file may cost."
        )
    whole_number("epochs", epochs, 0)
    whole_number("seed", seed, 0)
    if workers == RAY:
        ray()
    else:
        whole_number("workers", workers)
    one_of("sampler", sampler, SAMPLERS)
    optuna()
