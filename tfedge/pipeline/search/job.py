"""What every process of a search works on, and how another process gets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.core.data import Batch
from tfedge.core.errors import ArgumentError
from tfedge.core.record_files import load_record, save_record
from tfedge.core.records import Record
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.search.ledger import Ledger
from tfedge.pipeline.search.plan import Plan
from tfedge.pipeline.search.proxies import Curves
from tfedge.pipeline.search.space import Space

_OWN_OF_LOSSES = ("name", "reduction", "dtype", "fn")
_SETTINGS, _MODEL, _CURVES, _SPACE = "settings.json", "model.keras", "curves.json", "space.json"


@dataclass(frozen=True, repr=False)
class Settings(Record):
    """What is settled for a whole search, and can be written down.

    Attributes:
        budget: The budget.
        seed: Seed of everything.
        epochs: Longest training of one trial.
        sampler: ``"tpe"`` or ``"nsga2"``.
        loss: Loss for training by name or config, None for the model's own.
        deadline: Time of the clock after which no trial begins, None for none.
        name: Name of the model.
    """

    budget: Budget
    seed: int
    epochs: int
    sampler: str
    loss: Any
    deadline: float | None
    name: str

    @property
    def objectives(self) -> tuple[str, ...]:
        """Resources that are to be small, beside the drop."""
        return tuple(self.budget.limits) or (self.budget.ranked_by,)


@dataclass
class Job:
    """The work of a search.

    Args:
        folder: The work folder.
        settings: What is settled.
        model: The original.
        train: Training data.
        choose: Samples that trials are chosen by.
    """

    folder: Path
    settings: Settings
    model: Any
    train: Any
    choose: Batch

    def ledger(self) -> Ledger:
        """Return the trials of the search."""
        s = self.settings
        return Ledger(self.folder, s.objectives, s.sampler, s.seed)

    def plan(self, space: Space, curves: Curves) -> Plan:
        """Return what settles the next trial."""
        return Plan(self.settings.budget, space, curves, self.settings.deadline)

    def known(self) -> tuple[Space, Curves] | None:
        """Return the curves and the space if they were found before."""
        if not (self.folder / _SPACE).exists():
            return None
        return load_record(self.folder / _SPACE), load_record(self.folder / _CURVES)

    def keep(self, space: Space, curves: Curves) -> None:
        """Write the curves and the space down."""
        save_record(curves, self.folder / _CURVES)
        save_record(space, self.folder / _SPACE)

    def hand_over(self, train: Batch) -> None:
        """Write down what another process needs: model, data, settings."""
        write_batch(self.folder / "train.npz", train)
        write_batch(self.folder / "choose.npz", self.choose)
        self.model.save(self.folder / _MODEL)
        loss = plain_loss(self.settings.loss or getattr(self.model, "loss", None))
        save_record(replace(self.settings, loss=loss), self.folder / _SETTINGS)

    @classmethod
    def taken_over(cls, folder: Path) -> Job:
        """Return the job that another process handed over."""
        from tfedge.models.files import load_model

        settings = load_record(folder / _SETTINGS)
        data = read_batch(folder / "train.npz"), read_batch(folder / "choose.npz")
        train, choose = data
        return cls(folder, settings, load_model(folder / _MODEL), as_data(train), choose)


def plain_loss(loss: Any) -> Any:
    """Return a loss as plain data, as recipes have it, for another process.

    Args:
        loss: A name, plain data, or a loss of Keras.

    Raises:
        ArgumentError: If it cannot be told in words.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> plain_loss(keras3().losses.SparseCategoricalCrossentropy(from_logits=True))
        {'name': 'SparseCategoricalCrossentropy', 'from_logits': True, 'ignore_class': None}
    """
    if loss is None or isinstance(loss, (str, Mapping)):
        return loss
    home = type(loss).__module__.split(".")[0]
    if home in ("keras", "tf_keras") and hasattr(loss, "get_config"):
        known = loss.get_config()
        settings = {name: known[name] for name in known if name not in _OWN_OF_LOSSES}
        return {"name": type(loss).__name__, **settings}
    if getattr(loss, "__module__", "").split(".")[0] in ("keras", "tf_keras"):
        return loss.__name__
    raise ArgumentError(
        f"loss={loss!r} is a function of your own, which other processes do not have. Use "
        "workers=1, or a loss of Keras."
    )


def as_data(batch: Batch) -> Any:
    """Return a batch as users pass data: ``(x, y)``, with weights where there are any.

    Example:
        >>> len(as_data(Batch(np.zeros((2, 1)), np.zeros(2))))
        2
    """
    parts = tuple(batch)
    return parts[:2] if batch.weight is None else parts


def write_batch(path: Path, batch: Batch) -> None:
    """Write a batch to an ``.npz`` file, whole or not at all.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "batch.npz"
        >>> write_batch(path, Batch({"left": np.zeros((2, 3))}, np.arange(2)))
        >>> found = read_batch(path)
        >>> found.x["left"].shape, found.y.tolist(), found.weight
        ((2, 3), [0, 1], None)
    """
    arrays: dict[str, np.ndarray] = {}
    for part, value in zip(Batch._fields, batch, strict=True):
        if isinstance(value, Mapping):
            arrays |= {f"{part}.{name}": array for name, array in value.items()}
        elif isinstance(value, list):
            arrays |= {f"{part}[{place}]": array for place, array in enumerate(value)}
        elif value is not None:
            arrays[part] = value
    temporary = path.with_name(f".{path.name}.{os.getpid()}.npz")
    try:
        np.savez(temporary, **arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_batch(path: Path) -> Batch:
    """Return the batch in a file that `write_batch` wrote."""
    with np.load(path) as file:
        arrays = dict(file)
    parts = []
    for part in Batch._fields:
        named = {n[len(part) + 1 :]: a for n, a in arrays.items() if n.startswith(f"{part}.")}
        listed = [arrays[f"{part}[{n}]"] for n in range(len(arrays)) if f"{part}[{n}]" in arrays]
        parts.append(arrays.get(part, named or listed or None))
    return Batch(*parts)
