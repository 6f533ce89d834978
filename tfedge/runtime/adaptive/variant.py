"""One rung of a ladder: a file, and how it is run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfedge.core.checks import whole_number, within
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file
from tfedge.runtime.processors import warn_of_threads

_LARGEST_ENERGY_UJ = 1e12
_LARGEST_ACCURACY = 1e12


@dataclass(frozen=True)
class Variant:
    """A file with settings, as one of several ways to answer the same request.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        threads: Threads for the kernels.
        batch: Most samples in one micro-batch. Where the graph does not take them together, or is
            not faster so, they are run one by one, but travel to the worker together.
        name: What to call it in the log; the model's name by default.
        accuracy: How good it is, for the log alone.
        energy_uj: What one sample costs in µJ, for `PowerBudget` where no meter is.
        accelerator: What computes, as `tfedge.Runner` takes it.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If the model is no ``.tflite`` file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> Variant(sample_model(), batch=4, energy_uj=2.5).name
        'halve'
    """

    model: Any
    threads: int = 1
    batch: int = 8
    name: str = ""
    accuracy: float | None = None
    energy_uj: float | None = None
    accelerator: str | os.PathLike = "cpu"

    def __post_init__(self):
        """Check the settings and open the file."""
        whole_number("threads", self.threads)
        whole_number("batch", self.batch)
        if not isinstance(self.name, str):
            raise ArgumentError(f"name={self.name!r} must be a text.")
        if self.accuracy is not None:
            within("accuracy", self.accuracy, -_LARGEST_ACCURACY, _LARGEST_ACCURACY)
        if self.energy_uj is not None:
            within("energy_uj", self.energy_uj, 0.0, _LARGEST_ENERGY_UJ)
        warn_of_threads(self.threads)
        object.__setattr__(self, "model", opened_file(self.model, "be run adaptively"))
        if not self.name:
            object.__setattr__(self, "name", self.model.name)

    @property
    def file(self) -> TFLiteModel:
        """The file."""
        return self.model


def as_ladder(variants: Any) -> tuple[Variant, ...]:
    """Return variants from the cheapest to the best, with names of their own.

    Args:
        variants: A list of `Variant`, or of what its ``model`` takes.

    Raises:
        ArgumentError: If there is none.
        ModelError: If one keeps variables of its own from call to call.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [variant.name for variant in as_ladder([sample_model()] * 2)]
        ['halve #0', 'halve #1']
    """
    if not isinstance(variants, Sequence) or isinstance(variants, (str, bytes)) or not variants:
        raise ArgumentError(
            f"variants={variants!r} must be a list with one variant at least, the cheapest first: "
            "[small, large] of TFLiteModels, paths, or tfedge.adaptive.Variant."
        )
    ladder = [item if isinstance(item, Variant) else Variant(item) for item in variants]
    for variant in ladder:
        _check_memoryless(variant.file)
    names = [variant.name for variant in ladder]
    return tuple(
        replace(variant, name=f"{variant.name} #{place}")
        if names.count(variant.name) > 1
        else variant
        for place, variant in enumerate(ladder)
    )


def _check_memoryless(model: TFLiteModel) -> None:
    """Raise for a file whose own variables live on from call to call."""
    if any(item.name == "VAR_HANDLE" for item in model.operators):
        raise ModelError(
            f"{model.name!r} keeps variables of its own from call to call (VAR_HANDLE), as "
            "streaming models do. Another variant would not know them, so a switch would change "
            "the answers. Run it with tfedge.Runner."
        )
