"""Validation data in two parts: one to choose by, one to prove the choice on."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.data import Batch, batches, regroup
from tfedge.core.errors import DataError
from tfedge.core.sampling import picked

_ENOUGH = 100


@dataclass(frozen=True)
class HeldOut:
    """Validation samples in two parts.

    Attributes:
        choose: What the search chooses by.
        prove: What the constraints are proven on, once, at the end.
    """

    choose: Batch
    prove: Batch


def gathered(data: Any, shapes: Mapping | None = None) -> Batch:
    """Return all samples of users' data as one batch.

    Args:
        data: As `tfedge.core.data.batches` takes it.
        shapes: Shape of one sample by input name, as it takes it.

    Raises:
        DataError: If there are none.

    Example:
        >>> len(gathered(iter([(np.ones((2, 3)), [0, 1]), (np.ones((1, 3)), [1])])))
        3
    """
    parts = list(batches(data, shapes=shapes))
    [whole] = regroup(parts, sum(map(len, parts)))
    return whole


def split(data: Batch, seed: int = 0) -> HeldOut:
    """Return samples in two halves of the same mix of classes.

    Args:
        data: All of them.
        seed: Seed of the order.

    Raises:
        DataError: If there are fewer than two.

    Warns:
        UserWarning: If there are too few to tell small differences.

    Example:
        >>> parts = split(Batch(np.arange(400.0), np.arange(400) % 2))
        >>> len(parts.choose), parts.choose.y.mean(), parts.prove.y.mean()
        (200, 0.5, 0.5)
    """
    if len(data) < 2:
        raise DataError(
            f"val holds {len(data)} sample. The search chooses by one part of it and proves its "
            "choice on another, so it needs two at least; some hundred of each tell something."
        )
    order = _mixed(data, seed)
    parts = HeldOut(_picked(data, np.sort(order[::2])), _picked(data, np.sort(order[1::2])))
    if len(parts.prove) < _ENOUGH:
        warnings.warn(
            f"val holds {len(data)} samples: {len(parts.choose)} to choose by and "
            f"{len(parts.prove)} to prove the choice on, where one sample is "
            f"{1 / len(parts.prove):.1%} of accuracy. Pass more for a proof of small differences.",
            stacklevel=2,
        )
    return parts


def warn_of_leaks(train: Batch, val: Batch) -> int:
    """Warn of samples in ``val`` that are in ``train`` too, to the bit; return how many.

    Warns:
        UserWarning: If there are any.

    Example:
        >>> warn_of_leaks(Batch(np.eye(3)), Batch(np.zeros((2, 3))))
        0
    """
    known = set(_marks(train.x))
    found = [place for place, mark in enumerate(_marks(val.x)) if mark in known]
    if found:
        warnings.warn(
            f"{len(found)} of {len(val)} samples of val are in train too (the first is number "
            f"{found[0]}): what is trained on is known by heart, and the accuracy on it says "
            "little. Take them out of one of the two.",
            stacklevel=2,
        )
    return len(found)


def _marks(x: Any) -> list[bytes]:
    """Return a digest of each sample."""
    leaves = list(x.values()) if isinstance(x, Mapping) else x if isinstance(x, list) else [x]
    arrays = [np.ascontiguousarray(leaf) for leaf in leaves]
    return [
        hashlib.blake2b(b"".join(array[place].tobytes() for array in arrays)).digest()
        for place in range(len(arrays[0]))
    ]


def _mixed(data: Batch, seed: int) -> np.ndarray:
    """Return all positions in an order that takes classes in turns."""
    shuffled = np.random.default_rng(seed).permutation(len(data))
    labels = np.asarray(data.y) if not isinstance(data.y, (dict, list, type(None))) else None
    if labels is None:
        return shuffled
    if labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.reshape(len(labels), -1).argmax(axis=1)
    flat = labels.reshape(len(labels), -1)[:, 0][shuffled]
    return shuffled[np.argsort(flat, kind="stable")]


def _picked(data: Batch, places: np.ndarray) -> Batch:
    """Return some samples."""
    return Batch(*(None if part is None else picked(part, places) for part in data))
