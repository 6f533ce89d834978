"""The parts of a report that no other room has a record for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.records import Record


@dataclass(frozen=True, repr=False)
class FileSizes(Record):
    """Four sizes of one file.

    Attributes:
        name: Name of the file.
        size_bytes: As it lies in flash.
        gzip_bytes: As it travels, after gzip at level 9.
        nonzero_bytes: The file without the weights that are 0, as if zeros cost nothing.
        theoretical_bytes: The file with each kernel as indices into a table of its distinct
            values (`tfedge.unique_weights`).
        weights: Number of weights in kernels.
        zeros: How many of them are 0.
        macs: Multiply-accumulates of one run, from the shapes in the file.

    Example:
        >>> FileSizes("cnn", 100, 60, 80, 50, 40, 20, 1000).sparsity
        0.5
    """

    name: str
    size_bytes: int
    gzip_bytes: int
    nonzero_bytes: int
    theoretical_bytes: int
    weights: int
    zeros: int
    macs: int

    @property
    def sparsity(self) -> float:
        """Fraction of weights that are 0, in [0, 1]."""
        return self.zeros / self.weights if self.weights else 0.0


@dataclass(frozen=True, repr=False)
class ConfusionChange(Record):
    """One pair of classes that is confused more or less often than before.

    Attributes:
        label: The right class.
        taken_for: The class that was answered.
        before: How often by the original.
        after: How often by the file.
    """

    label: int
    taken_for: int
    before: int
    after: int


@dataclass(frozen=True, repr=False)
class ClassScores(Record):
    """How one output does on each class.

    Attributes:
        output: Name of the output, empty if it is the only one.
        samples: Number of decisions by class.
        right: How many of them the file gets right.
        right_before: How many the original gets right, None without one.
        matrix: Confusion matrix of the file, rows are labels; None for many classes.
        matrix_before: That of the original.
        changes: Pairs of classes whose confusion changed most, the largest first.

    Example:
        >>> ClassScores("", (4, 2), (3, 2), None, None, None, ()).accuracy
        (0.75, 1.0)
    """

    output: str
    samples: tuple[int, ...]
    right: tuple[int, ...]
    right_before: tuple[int, ...] | None
    matrix: np.ndarray | None
    matrix_before: np.ndarray | None
    changes: tuple[ConfusionChange, ...]

    @property
    def accuracy(self) -> tuple[float | None, ...]:
        """Fraction of each class that the file gets right, None where there are no samples."""
        return _fractions(self.right, self.samples)

    @property
    def accuracy_before(self) -> tuple[float | None, ...] | None:
        """The same of the original."""
        before = self.right_before
        return None if before is None else _fractions(before, self.samples)


@dataclass(frozen=True, repr=False)
class WeightHistogram(Record):
    """How the values of one kernel of the file are spread.

    Attributes:
        name: Name of the tensor.
        operator: Name of the operator that reads it.
        dtype: Type in which it is stored.
        weights: Number of values.
        zeros: How many of them are 0.
        low: Smallest real value, where the first bin begins.
        high: Largest real value, where the last bin ends.
        counts: Number of values in each bin; all bins are equally wide.
    """

    name: str
    operator: str
    dtype: str
    weights: int
    zeros: int
    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class ActivationRange(Record):
    """The real values that one activation of the file can take, and those that it took.

    Attributes:
        name: Name of the tensor.
        operator: Name of the operator that writes it.
        dtype: Type in which it is stored.
        low: Smallest value that its codes can express, None in float.
        high: Largest one.
        seen_low: Smallest value on the samples, None where none ran.
        seen_high: Largest one.
    """

    name: str
    operator: str
    dtype: str
    low: float | None
    high: float | None
    seen_low: float | None = None
    seen_high: float | None = None


@dataclass(frozen=True, repr=False)
class LayerRow(Record):
    """One operator of the file, and what became of the layers that it computes.

    Attributes:
        index: Position in the file, None for layers of the original that it does not name.
        layers: Names of the original's layers that the operator computes.
        operator: Name of the operator, empty for layers that were not found.
        numeric_type: What it computes in.
        output_shape: Shape of its output.
        channels_before: Width of the layer's output in the original.
        channels: Width of the operator's output.
        parameters_before: Parameters of these layers in the original.
        parameters: Values of the constants that the operator reads.
        macs_before: Multiply-accumulates of these layers in the original.
        macs: The same of the operator.
        weight_bytes: Size of its constants in the file.
        live_bytes: Activations in memory while it runs.
        sparsity: Fraction of zeros in its kernel, None without one.
        unique: Number of distinct values in its kernel.
        sqnr_db: Signal-to-quantization-noise ratio of its output, None where not measured.
    """

    index: int | None
    layers: tuple[str, ...]
    operator: str
    numeric_type: str
    output_shape: tuple[int, ...]
    channels_before: int | None
    channels: int | None
    parameters_before: int | None
    parameters: int
    macs_before: int | None
    macs: int
    weight_bytes: int
    live_bytes: int | None
    sparsity: float | None
    unique: int | None
    sqnr_db: float | None


@dataclass(frozen=True, repr=False)
class Limit(Record):
    """One limit of a budget.

    Attributes:
        name: What is limited, such as ``"size_bytes"``.
        limit: The limit.
        value: What was measured, None if it was not.
        met: Whether the limit is kept, None if that is not known.
        how: How the value was obtained.
    """

    name: str
    limit: Any
    value: Any = None
    met: bool | None = None
    how: str = ""


def _fractions(right: tuple[int, ...], samples: tuple[int, ...]) -> tuple[float | None, ...]:
    """Return one number over the other, None for nothing over nothing."""
    return tuple(a / b if b else None for a, b in zip(right, samples, strict=True))
