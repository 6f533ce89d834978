"""What a search is about, checked before any work: the model, and its data in two parts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.checks import one_of, whole_number
from tfedge.core.data import Batch
from tfedge.core.errors import ArgumentError
from tfedge.core.openers import open_path
from tfedge.core.replay import rereadable
from tfedge.models.flavours import flavour_of
from tfedge.models.graph import read_graph
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.held_out import HeldOut, gathered, split, warn_of_leaks
from tfedge.pipeline.search.optuna_door import SAMPLERS, optuna


@dataclass(frozen=True)
class Subject:
    """A model with its data.

    Attributes:
        model: The model.
        train: Training data that can be read several times.
        in_memory: The same as one batch where they are arrays, else None.
        val: All validation samples.
        parts: Their two parts.
        shapes: Shape of one sample by input name.
    """

    model: Any
    train: Any
    in_memory: Batch | None
    val: Batch
    parts: HeldOut
    shapes: dict[str, Any]

    def all_of_train(self) -> Batch:
        """Return the training data as one batch, whatever they are."""
        return self.in_memory or gathered(self.train, self.shapes)


def subject_of(model: Any, train: Any, val: Any, seed: int) -> Subject:
    """Return a model with its data.

    Args:
        model: A Keras model of either flavour, or the path of one.
        train: Training data with labels.
        val: Validation data with labels.
        seed: Seed of the split.

    Raises:
        ModelError: If it is no Keras model.
        DataError: If data are missing or do not fit.

    Warns:
        UserWarning: If there are few validation samples, or some are in ``train`` too.
    """
    model = open_path(model) if isinstance(model, (str, os.PathLike)) else model
    flavour_of(model)
    shapes = {name: tensor.shape[1:] for name, _, tensor in read_graph(model).input_layers}
    train, whole = rereadable(train), gathered(val, shapes)
    in_memory = gathered(train, shapes) if _is_arrays(train) else None
    if in_memory is not None:
        warn_of_leaks(in_memory, whole)
    return Subject(model, train, in_memory, whole, split(whole, seed), shapes)


def _is_arrays(data: Any) -> bool:
    """Return whether data are a pair of arrays, or of dictionaries of arrays."""
    if not isinstance(data, tuple) or len(data) not in (2, 3):
        return False
    leaves = list(data[0].values()) if isinstance(data[0], dict) else [data[0]]
    return all(isinstance(leaf, np.ndarray) or hasattr(leaf, "__array__") for leaf in leaves)


def check_settings(budget: Any, epochs: int, seed: int, workers: int, sampler: str) -> None:
    """Raise for settings of a search that are wrong, or if Optuna is not installed.

    Raises:
        ArgumentError: If a setting is wrong.
        MissingPackageError: If Optuna is not installed.

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
    whole_number("workers", workers)
    one_of("sampler", sampler, SAMPLERS)
    optuna()
