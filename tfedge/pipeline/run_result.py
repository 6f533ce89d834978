"""What a recipe made: the file, the stages, and what it takes to make it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.files import write_together
from tfedge.core.record_files import decode_record, encode_record
from tfedge.core.records import Record, _plain
from tfedge.core.sizes import human_size
from tfedge.core.tables import text_table
from tfedge.pipeline.fingerprint import DataFingerprint
from tfedge.pipeline.recipe import Recipe
from tfedge.pipeline.recipe_files import json_bytes, read_recipe
from tfedge.pipeline.stage import Stage
from tfedge.pipeline.task import larger_is_better
from tfedge.runtime.model import TFLiteModel

_MODEL, _RECIPE = "model.tflite", "recipe.json"
_TEXTS = ("versions", "model", "model_digest", "loss")


@dataclass(frozen=True, repr=False)
class RunResult(Record):
    """What a recipe made of a model.

    Attributes:
        recipe: The recipe, with the seed that was used.
        lite: The file.
        stages: What each step made, the original model first.
        versions: Versions by package.
        data: Fingerprints of ``"train"`` and ``"val"``.
        model: Name of the model.
        model_digest: SHA-256 of the model that went in.
        loss: The loss of steps that train, and where it is from.
    """

    recipe: Recipe
    lite: TFLiteModel
    stages: tuple[Stage, ...]
    versions: Mapping[str, str]
    data: Mapping[str, DataFingerprint]
    model: str
    model_digest: str
    loss: str

    @property
    def seed(self) -> int:
        """The seed that was used."""
        return self.recipe.seed

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Metrics of the file on ``val``, by name."""
        return self.stages[-1].metrics

    @property
    def primary(self) -> str | None:
        """The metric that counts; None without ``val``."""
        return next(iter(self.metrics), None)

    @property
    def larger_is_better(self) -> bool:
        """Whether more of the metric that counts is better."""
        return self.primary is not None and larger_is_better(self.primary)

    @property
    def seconds(self) -> float:
        """How long all stages took, whenever they were made."""
        return sum(stage.seconds for stage in self.stages)

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the file, and beside it the recipe with all that happened; both or neither.

        Args:
            folder: Where to write ``model.tflite`` and ``recipe.json``; made if it is not there.
                `RunResult.load` reads both, `tfedge.Recipe.load` the recipe in ``recipe.json``.

        Returns:
            The folder.

        Raises:
            ArgumentError: If it cannot be written there.
        """
        folder = Path(folder)
        found = {**self.recipe.to_dict(), "run": self._about()}
        contents = {folder / _MODEL: self.lite.content, folder / _RECIPE: json_bytes(found)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_together(contents)
        except OSError as error:
            raise ArgumentError(
                f"Cannot write {_MODEL} and {_RECIPE} to {str(folder)!r}: {error.strerror}. Choose "
                "a folder that can be written and has room."
            ) from error
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike) -> RunResult:
        """Return the result in a folder that `save` wrote.

        Raises:
            DataError: If there is none, or the file beside the recipe is another one.
            ModelError: If the file cannot be read.
        """
        folder = Path(folder)
        found = read_recipe(folder / _RECIPE)
        about = found.get("run") if isinstance(found, Mapping) else None
        if not isinstance(about, Mapping) or "stages" not in about:
            raise DataError(
                f"{str(folder / _RECIPE)!r} holds a recipe and no result: RunResult.save writes "
                "one. Read it with tfedge.Recipe.load."
            )
        lite = TFLiteModel.load(folder / _MODEL)
        fields = _fields(about, str(folder / _RECIPE))
        if lite.digest != about["sha256"]:
            raise DataError(
                f"{_MODEL} in {str(folder)!r} is not the file that {_RECIPE} tells of. Copy both "
                "anew."
            )
        lite = TFLiteModel(lite.content, fields["model"], fields["stages"][-1].notes)
        return cls(recipe=Recipe.from_dict(found), lite=lite, **fields)

    def _about(self) -> dict[str, Any]:
        """Return everything but the recipe and the file, as plain data."""
        return {
            "sha256": self.lite.digest,
            "metrics": _plain(self.metrics),
            **{name: getattr(self, name) for name in _TEXTS},
            "data": {name: encode_record(one) for name, one in self.data.items()},
            "stages": [encode_record(stage) for stage in self.stages],
        }

    def __repr__(self) -> str:
        """Return the file in a line, and a table of the stages."""
        size = f"{human_size(self.lite.size_bytes)}, gzip {human_size(self.lite.gzip_bytes)}"
        head = f"{self.model!r} by {self.recipe.name!r}, seed {self.seed}: {size}"
        return "\n".join(
            [head, *text_table(_HEAD, [*map(_row, self.stages)]), f"  loss: {self.loss}"]
        )


def _fields(about: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return what `RunResult._about` told, as the fields of a result.

    Raises:
        DataError: If something is missing or damaged.
    """
    try:
        return {
            **{name: about[name] for name in _TEXTS},
            "data": {name: decode_record(one, where) for name, one in about["data"].items()},
            "stages": tuple(decode_record(one, where) for one in about["stages"]),
        }
    except (KeyError, AttributeError) as error:
        raise DataError(f"{where} is damaged ({error!r}). Copy it anew.") from error


_HEAD = ("stage", "seconds", "parameters", "MACs", "bytes", "metrics")


def _row(stage: Stage) -> tuple[str, ...]:
    """Return a stage as a row of the table."""
    size = "" if stage.size_bytes is None else f"{stage.size_bytes:,}"
    macs = "" if stage.macs is None else f"{stage.macs:,}"
    told = [f"{k} {v:.4f}" for k, v in stage.metrics.items() if isinstance(v, float)]
    return (
        stage.kind,
        f"{stage.seconds:.1f}",
        f"{stage.parameters:,}",
        macs,
        size,
        ", ".join(told),
    )
