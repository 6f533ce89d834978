"""A model, a file and everything that was measured of both: the record behind a report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfedge.compress.pruning.channels.report import ChannelReport
from tfedge.core.errors import DataError
from tfedge.core.files import write_for_user
from tfedge.core.record_files import load_record, save_record
from tfedge.core.records import Record
from tfedge.evaluate.evaluator import EvaluationRecord
from tfedge.evaluate.parity import ComparisonRecord
from tfedge.models.statistics import ModelStatistics
from tfedge.report.findings import (
    ActivationRange,
    ClassScores,
    FileSizes,
    LayerRow,
    Limit,
    WeightHistogram,
)
from tfedge.runtime.accelerators.check import AcceleratorCheck
from tfedge.runtime.energy.record import EnergyRecord
from tfedge.runtime.latency.compare import LatencyRatio
from tfedge.runtime.latency.record import LatencyRecord
from tfedge.runtime.memory.record import MemoryRecord


@dataclass(frozen=True, repr=False)
class ModelReport(Record):
    """What was measured of a file, and of the model that it came from.

    A part that was not measured is None or empty, and ``left_out`` says why.

    Attributes:
        name: Title of the report.
        task: What the model does, in words.
        created: Date and time, UTC, ISO 8601.
        seconds: How long the measurements took.
        size: The four sizes of the file.
        reference: Those of the float32 file of the original.
        sha256: Digest of the file.
        inputs: Inputs of the file, one line each.
        outputs: Outputs of the file, one line each.
        comparison: The original and the file on the same samples.
        evaluation: The file alone, where there is no original.
        classes: How each output of a classifier does on each class.
        class_names: Names of the classes, empty if they are numbers.
        latency: The file alone in a process.
        latency_ratio: The float32 file against the file, in turns.
        memory: Arena, peak and each operator's part.
        energy: Energy of one run, measured or estimated; its ``method`` says which.
        energy_reference: The same of the float32 file.
        statistics: Parameters and multiply-accumulates of the original.
        channels: What removal of channels did.
        layers: One row for each operator of the file.
        weights: Histogram of each kernel.
        activations: Range of each activation.
        checks: Which operators accelerators would run.
        budget: Limits, and whether they are kept.
        recipe: How the file was made, as plain data.
        stages: What each step of the recipe gave.
        trials: What else was tried.
        environment: Versions and the machine, by name.
        how: How each part was obtained, by name of the part.
        left_out: Why a part is missing, by name of the part.
    """

    name: str
    task: str
    created: str
    seconds: float
    size: FileSizes
    reference: FileSizes | None
    sha256: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    comparison: ComparisonRecord | None
    evaluation: EvaluationRecord | None
    classes: tuple[ClassScores, ...]
    class_names: tuple[str, ...]
    latency: LatencyRecord | None
    latency_ratio: LatencyRatio | None
    memory: MemoryRecord | None
    energy: EnergyRecord | None
    energy_reference: EnergyRecord | None
    statistics: ModelStatistics | None
    channels: ChannelReport | None
    layers: tuple[LayerRow, ...]
    weights: tuple[WeightHistogram, ...]
    activations: tuple[ActivationRange, ...]
    checks: tuple[AcceleratorCheck, ...]
    budget: tuple[Limit, ...]
    recipe: dict[str, Any] | None
    stages: tuple[dict[str, Any], ...]
    trials: tuple[dict[str, Any], ...]
    environment: dict[str, str]
    how: dict[str, str]
    left_out: dict[str, str]

    @property
    def verdict(self) -> str:
        """What was gained and lost, in one sentence that says nothing that was not measured."""
        from tfedge.report.writing.verdict import verdict

        return verdict(self)

    def to_html(self, path: str | os.PathLike | None = None) -> str | Path:
        """Write the report as one HTML page that needs nothing else.

        Args:
            path: Where to write, whole or not at all; None to get the text.

        Returns:
            The path, or the text.

        Raises:
            ArgumentError: If it cannot be written there.
            MissingPackageError: If Jinja2 is not installed.
        """
        from tfedge.report.writing.html import page

        return _written(page(self), path)

    def to_markdown(self, path: str | os.PathLike | None = None) -> str | Path:
        """Write the report as Markdown: the same words and tables, no charts.

        Args:
            path: Where to write, whole or not at all; None to get the text.

        Returns:
            The path, or the text.

        Raises:
            ArgumentError: If it cannot be written there.
        """
        from tfedge.report.writing.markdown import markdown

        return _written(markdown(self), path)

    def save(self, path: str | os.PathLike) -> Path:
        """Write the record as JSON that `load` reads; ``to_json()`` has the fields alone.

        Args:
            path: Where to write. An existing file is replaced.

        Returns:
            The path.

        Raises:
            ArgumentError: If it cannot be written there.
        """
        return save_record(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> ModelReport:
        """Read a report that `save` wrote.

        Args:
            path: A JSON file.

        Returns:
            The report.

        Raises:
            DataError: If there is no such file, or it holds something else.
        """
        found = load_record(path)
        if not isinstance(found, cls):
            raise DataError(
                f"{str(path)!r} holds a {type(found).__name__}, not a ModelReport; "
                "tfedge.load_record reads it."
            )
        return found

    def __repr__(self) -> str:
        """Return the verdict, and which parts are there."""
        from tfedge.report.writing.text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        """Return the report for a notebook, with styles that touch nothing else."""
        from tfedge.report.writing.html import fragment

        return fragment(self)


def _written(text: str, path: str | os.PathLike | None) -> str | Path:
    """Write a text and return the path, or return the text."""
    if path is None:
        return text
    return write_for_user(Path(path), text.encode(), "a report")
