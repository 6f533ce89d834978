"""How far the outputs of two models are apart, added up batch by batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.errors import DataError
from tfedge.core.records import Record
from tfedge.evaluate.labels import class_of, columns

_ROUNDED = 0.05


def sqnr_db(reference: np.ndarray, test: np.ndarray) -> float:
    """Return the signal-to-quantization-noise ratio in decibels.

    ``10 log10(sum(reference^2) / sum((reference - test)^2))``, over all values. Each bit of a
    uniform quantizer is worth about 6 dB; below some 10 dB little of the signal is left.

    Args:
        reference: What should come out, any shape.
        test: What came out, same shape.

    Returns:
        Decibels, ``inf`` when both are equal, ``-inf`` when only the reference is all zeros.

    Raises:
        DataError: If shapes differ.

    Example:
        >>> print(round(sqnr_db(np.array([1.0, 2.0]), np.array([1.0, 1.9])), 2))
        26.99

    Reference:
        Oppenheim and Schafer, Discrete-Time Signal Processing, section 4.8.
    """
    reference, test = np.asarray(reference, np.float64), np.asarray(test, np.float64)
    if reference.shape != test.shape:
        raise DataError(f"Shapes differ: reference {reference.shape}, test {test.shape}.")
    return _decibels(float(np.sum(reference**2)), float(np.sum((reference - test) ** 2)))


def _decibels(signal: float, noise: float) -> float:
    """Return a ratio of energies in decibels."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


@dataclass(frozen=True, repr=False)
class OutputParity(Record):
    """How alike one output of two models is.

    Attributes:
        name: Name of the output.
        agreement: 1 when the predictions are the same; `agreement_of` says what is compared.
        agreement_of: ``"highest output"``: fraction of decisions with the same highest output.
            ``"side of 0.5"``: for a single output in [0, 1], fraction on the same side.
            ``"variance"``: for any other single output, and for one that has the shape of an
            input, as an autoencoder's, fraction of the reference's variance that the other one
            follows, ``1 - sum((a - b)^2) / sum((a - mean(a))^2)``.
        sqnr_db: As `sqnr_db` defines it.
        largest_difference: Largest difference between two outputs.
        largest_difference_steps: The same in steps of the quantized output, None for float.
    """

    name: str
    agreement: float
    agreement_of: str
    sqnr_db: float
    largest_difference: float
    largest_difference_steps: float | None


class Difference:
    """Adds up how far one output of two models is apart.

    Args:
        name: Name of the output.
        step: Real size of one step of the quantized output, None for float.
        like_input: Whether the output has the shape of an input. Then it is no choice of classes,
            unless its values are the probabilities of some.
    """

    def __init__(self, name: str, step: float | None = None, like_input: bool = False):
        self._name, self._step = name, step
        self._like_input, self._chances = like_input, True
        self._signal = self._noise = self._sum = self._largest = 0.0
        self._same = self._decisions = self._values = 0
        self._single, self._low, self._high = True, math.inf, -math.inf

    def update(self, reference: np.ndarray, test: np.ndarray) -> None:
        """Take one batch into account."""
        a, b = np.asarray(reference, np.float64), np.asarray(test, np.float64)
        if a.shape != b.shape:
            raise DataError(f"Output {self._name!r} has shapes {a.shape} and {b.shape}.")
        self._signal += float(np.sum(a * a))
        self._noise += float(np.sum((a - b) ** 2))
        self._sum += float(np.sum(a))
        self._values += a.size
        self._largest = max(self._largest, float(np.max(np.abs(a - b))))
        self._low, self._high = min(self._low, float(a.min())), max(self._high, float(a.max()))
        self._single = columns(a) == 1
        self._chances = self._chances and _are_chances(a)
        same = class_of(a) == class_of(b)
        self._same += int(same.sum())
        self._decisions += same.size

    def record(self) -> OutputParity:
        """Return what was found."""
        agreement, kind = self._agreement()
        return OutputParity(
            name=self._name,
            agreement=agreement,
            agreement_of=kind,
            sqnr_db=_decibels(self._signal, self._noise),
            largest_difference=self._largest,
            largest_difference_steps=self._largest / self._step if self._step else None,
        )

    def _agreement(self) -> tuple[float, str]:
        """Return how far predictions agree, and in what."""
        decides = self._low >= 0 and self._high <= 1 if self._single else not self._like_input
        if decides or (self._chances and not self._single):
            kind = "side of 0.5" if self._single else "highest output"
            return self._same / self._decisions, kind
        spread = self._signal - self._sum**2 / self._values
        if spread <= 0:
            return float(self._noise == 0), "variance"
        return 1 - self._noise / spread, "variance"


def like_an_input(output: np.ndarray, x: Any) -> bool:
    """Return whether an output has the shape of an input, as that of an autoencoder has.

    Args:
        output: One output of a batch.
        x: The batch: an array, or a list or dictionary of arrays.

    Example:
        >>> like_an_input(np.zeros((2, 8)), {"window": np.ones((2, 8))})
        True
    """
    inputs = x.values() if isinstance(x, Mapping) else x if isinstance(x, (list, tuple)) else [x]
    return any(np.shape(each) == output.shape for each in inputs)


def _are_chances(values: np.ndarray) -> bool:
    """Return whether every row is made of probabilities that sum to 1, roughly as in integers."""
    return bool(values.min() >= 0 and np.all(np.abs(values.sum(axis=-1) - 1) < _ROUNDED))
