"""What a search found: the best file, the Pareto set, every trial."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfedge.core.errors import ArgumentError, ModelError, StorageError
from tfedge.core.files import write_together
from tfedge.core.record_files import load_record, save_record
from tfedge.core.records import Record
from tfedge.core.tables import frame
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import Measured
from tfedge.pipeline.pareto import front
from tfedge.pipeline.recipe_files import json_bytes
from tfedge.pipeline.recipe_line import recipe_line
from tfedge.pipeline.trial import Trial, drop_of, row_of
from tfedge.runtime.model import TFLiteModel

_RECORD = "result.json"
FILES = "files"


@dataclass(frozen=True, repr=False)
class CompressionResult(Record):
    """What a search found. ``result.best`` is the file.

    Attributes:
        model: Name of the model.
        budget: The budget.
        chosen: Number of the best trial.
        proof: The best file on the part of ``val`` that the search did not choose by.
        passed_over: Numbers of trials that were better on the other part and failed the proof.
        verdict: What was reached, in a sentence; if the budget was not, which limit binds.
        original_bytes: Size of the original as a float32 file.
        chosen_by: Samples that the search chose by.
        proven_on: Samples of the proof.
        seconds: How long the search took, this time.
        interrupted: Whether it was stopped by Ctrl-C or a full disk.
        trials: Every trial.
        folder: Where the files of the trials lie.

    Example:
        >>> size = Measured("cnn", 800, 700, 10, None, ())
        >>> trial = Trial(0, {"steps": []}, "complete", size, 1.0, "plain int8")
        >>> CompressionResult("cnn", Budget(size_bytes=900), 0, size, (), "Within the budget.",
        ...                   3000, 100, 100, 1.0, False, (trial,), "work")
        'cnn': Within the budget.
          best: trial 0 of 1, 800 bytes of 3,000 (3.8x smaller), plain recipe
        'cnn' is within the budget
    """

    model: str
    budget: Budget
    chosen: int
    proof: Measured
    passed_over: tuple[int, ...]
    verdict: str
    original_bytes: int
    chosen_by: int
    proven_on: int
    seconds: float
    interrupted: bool
    trials: tuple[Trial, ...]
    folder: str

    @property
    def met(self) -> bool:
        """Whether the best file is within the budget, on samples that did not choose it."""
        return self.proof.met

    @functools.cached_property
    def best(self) -> TFLiteModel:
        """The best file."""
        return self.file(self.chosen)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """How the best file was made."""
        return self.trial(self.chosen).recipe

    @property
    def pareto_set(self) -> tuple[Trial, ...]:
        """Trials than which no other is better in one respect and as good in all others.

        What counts is how much worse the file is than the original, and each resource that the
        budget limits; the size of the file if it limits none.
        """
        names = list(self.budget.limits) or [self.budget.ranked_by]
        complete = [one for one in self.trials if one.measured is not None]
        costs = [[drop_of(one), *(one.measured[name] for name in names)] for one in complete]  # type: ignore[index]
        return tuple(complete[place] for place in front(costs))

    def trial(self, number: int) -> Trial:
        """Return a trial by its number.

        Raises:
            ArgumentError: If there is none.
        """
        for one in self.trials:
            if one.number == number:
                return one
        raise ArgumentError(f"There is no trial {number}; there are {len(self.trials)}.")

    def file(self, number: int) -> TFLiteModel:
        """Return the file of a trial.

        Raises:
            ArgumentError: If there is no such trial.
            ModelError: If it has no file, or the file is not in the folder any more.
        """
        if self.trial(number).measured is None:
            raise ModelError(f"Trial {number} made no file: {self.trial(number).note}.")
        path = Path(self.folder) / FILES / f"{number}.tflite"
        if not path.exists():
            raise ModelError(
                f"The file of trial {number} is not at {str(path)!r}. A saved result holds the "
                "Pareto set; pass work= to tfedge.compress to keep the files of all trials."
            )
        lite = TFLiteModel.load(path)
        return TFLiteModel(lite.content, self.model)

    def table(self) -> Any:
        """Return the trials as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return a row of plain data for each trial."""
        best = {one.number for one in self.pareto_set}
        return [
            row_of(one, self.budget, one.number in best, one.number == self.chosen)
            for one in self.trials
        ]

    def pareto(self, x: str | None = None, axes: Any = None) -> Any:
        """Draw every file: what it costs against how good it is, the Pareto set as a line.

        Args:
            x: The cost: a limit of the budget, ``"size_bytes"``, ``"gzip_bytes"`` or ``"macs"``;
                what the budget limits first by default.
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        from tfedge.pipeline.pareto_plot import draw_trials

        return draw_trials(self, x or self.budget.ranked_by, axes)

    def report(self, path: str | os.PathLike, model: Any = None, data: Any = None) -> Path:
        """Measure the best file against the original once more, and write a page about it.

        Args:
            path: Where to write: ``.html``, ``.md`` or ``.json``.
            model: The original; not needed right after the search.
            data: Samples with labels; not needed right after the search.

        Returns:
            The path.
        """
        from tfedge.pipeline.reporting import write_report

        return write_report(self, Path(path), model, data)

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the best file, its recipe, the Pareto set and this record, all or nothing.

        Args:
            folder: Where to write; made if it does not exist. ``model.tflite`` is the best file,
                ``recipe.json`` how it was made; `CompressionResult.load` reads it back.

        Returns:
            The folder.

        Raises:
            StorageError: If it cannot be written there.
        """
        folder = Path(folder)
        kept = {one.number for one in self.pareto_set} | {self.chosen}
        contents = {
            folder / FILES / f"{number}.tflite": self.file(number).content for number in kept
        }
        contents[folder / "model.tflite"] = self.best.content
        contents[folder / "recipe.json"] = json_bytes(self.recipe)
        try:
            (folder / FILES).mkdir(parents=True, exist_ok=True)
            write_together(contents)
        except OSError as error:
            raise StorageError(
                f"Cannot write {len(contents)} files to {str(folder)!r}: {error.strerror}. Choose "
                "a folder that can be written and has room."
            ) from error
        save_record(replace(self, folder="."), folder / _RECORD)
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike) -> CompressionResult:
        """Return the result in a folder that `save` wrote.

        Raises:
            DataError: If there is none.
        """
        found = load_record(Path(folder) / _RECORD)
        return replace(found, folder=str(folder))

    def __repr__(self) -> str:
        """Return the verdict, the best file, and the limits."""
        size, whole = self.proof.size_bytes, self.original_bytes
        trial = self.trial(self.chosen)
        best = (
            f"  best: trial {self.chosen} of {len(self.trials)}, {size:,} bytes of {whole:,} "
            f"({whole / size:.1f}x smaller), {recipe_line(trial.recipe)}"
        )
        return "\n".join([f"{self.model!r}: {self.verdict}", best, repr(self.proof)])
