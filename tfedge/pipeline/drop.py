"""How much worse a file is than its model, sample by sample, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.data import Batch
from tfedge.core.errors import DataError
from tfedge.core.records import Record
from tfedge.evaluate.labels import class_of, columns, labels_like, targets_like
from tfedge.evaluate.predictor import as_predictor, predictions
from tfedge.evaluate.scores import natural_metrics

_NORMAL_95 = 1.959964
_RESAMPLES = 2000


@dataclass(frozen=True, repr=False)
class Drop(Record):
    """How much worse a file is than the model that it comes from, on the same samples.

    Attributes:
        metric: ``"accuracy"``, or ``"mse"`` for real-valued targets.
        original: The metric of the model.
        value: The metric of the file.
        drop: For accuracy ``original - value``, for the error ``value / original - 1``.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        samples: Number of samples.

    Example:
        >>> Drop("accuracy", 0.9, 0.88, 0.02, -0.01, 0.05, 200)
        accuracy 0.9000 -> 0.8800, drop 2.00 % (-1.00 % to 5.00 %, 200 samples)
    """

    metric: str
    original: float
    value: float
    drop: float
    low: float
    high: float
    samples: int

    def __repr__(self) -> str:
        """Return the figures in one line."""
        return (
            f"{self.metric} {self.original:.4f} -> {self.value:.4f}, drop {100 * self.drop:.2f} % "
            f"({100 * self.low:.2f} % to {100 * self.high:.2f} %, {self.samples} samples)"
        )


class Yardstick:
    """A model's own results on some samples, which files are held against.

    Args:
        model: The model as it was, or anything else that `tfedge.evaluate` runs.
        data: Samples with labels.
        threshold: For a single output that decides: class 1 above it; None looks at the outputs.

    Raises:
        DataError: If there are no labels, or they do not fit the outputs.

    Example:
        >>> x, y = np.eye(2, dtype="float32"), np.array([0, 1])
        >>> Yardstick(lambda x: x, Batch(x, y)).drop(lambda x: x[:, ::-1]).drop
        1.0
    """

    def __init__(self, model: Any, data: Batch, threshold: float | None = None):
        if data.y is None:
            raise DataError(
                "How much worse a file is can be told from labels only, and val brings none. Pass "
                "(x, y)."
            )
        self._data = data
        outputs = outputs_of(model, data.x)
        self.metric = "accuracy" if natural_metrics(data.y, outputs) == ("accuracy",) else "mse"
        self._threshold = _threshold(outputs) if threshold is None else threshold
        self.values = self._values(outputs)

    @property
    def original(self) -> float:
        """The metric of the model."""
        return float(self.values.mean())

    def drop(self, model: Any) -> Drop:
        """Return how much worse another model or file is."""
        values = self._values(outputs_of(model, self._data.x))
        accurate = self.metric == "accuracy"
        change = _accuracy_drop if accurate else _error_rise
        drop, low, high = change(self.values, values)
        return Drop(self.metric, self.original, float(values.mean()), drop, low, high, len(values))

    def _values(self, outputs: np.ndarray) -> np.ndarray:
        """Return 1 for each sample whose class is right, or its squared error."""
        if self.metric == "accuracy":
            right = class_of(outputs, self._threshold) == labels_like(self._data.y, outputs)
            return right.reshape(len(outputs), -1).mean(axis=1)
        error = (targets_like(self._data.y, outputs) - outputs.astype(np.float64)) ** 2
        return error.reshape(len(outputs), -1).mean(axis=1)


def outputs_of(model: Any, x: Any) -> np.ndarray:
    """Return what a model or file with one output makes of samples.

    Raises:
        DataError: If it has several outputs.

    Example:
        >>> outputs_of(lambda x: 2 * x, np.ones((1, 2)))
        array([[2., 2.]])
    """
    parts = [outputs for _, outputs in predictions(as_predictor(model), x)]
    if isinstance(parts[0], dict):
        raise DataError(
            f"The model has the outputs {list(parts[0])}. A search needs one figure of quality, so "
            "models of one output are taken. Compress the part with the output that counts."
        )
    return np.concatenate(parts)


def _threshold(outputs: np.ndarray) -> float:
    """Return where a single output decides: at 0.5 for probabilities, at 0 for logits."""
    single = columns(outputs) == 1
    return 0.0 if single and (outputs.min() < 0 or outputs.max() > 1) else 0.5


def _accuracy_drop(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Return the difference of two accuracies on the same samples with its 95 % interval."""
    if not set(np.unique(np.concatenate([before, after]))) <= {0.0, 1.0}:
        low, high = _resampled(before - after, np.ones_like(before))
        return float((before - after).mean()), low, high
    both, lost = int((before * after).sum()), int((before * (1 - after)).sum())
    won = int(((1 - before) * after).sum())
    return paired_interval(both, lost, won, len(before) - both - lost - won)


def paired_interval(both: int, lost: int, won: int, neither: int) -> tuple[float, float, float]:
    """Return the difference of two proportions of the same samples with its 95 % interval.

    Args:
        both: Samples that both got right.
        lost: Samples that the first alone got right.
        won: Samples that the second alone got right.
        neither: Samples that neither got right.

    Returns:
        ``(lost - won) / samples``, lower and upper end.

    Example:
        >>> [round(value, 4) for value in paired_interval(90, 0, 0, 10)]
        [0.0, -0.0353, 0.0353]

    Reference:
        Newcombe, "Improved confidence intervals for the difference between binomial proportions
        based on paired data", Statistics in Medicine 17, 1998, method 10.
    """
    count = both + lost + won + neither
    first, second = (both + lost) / count, (both + won) / count
    low1, high1 = _wilson(first, count)
    low2, high2 = _wilson(second, count)
    phi = _correlation(both, lost, won, neither)
    down, up = first - low1, high1 - first
    down2, up2 = second - low2, high2 - second
    below = math.sqrt(max(0.0, down**2 - 2 * phi * down * up2 + up2**2))
    above = math.sqrt(max(0.0, up**2 - 2 * phi * up * down2 + down2**2))
    return first - second, first - second - below, first - second + above


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return the score interval of one proportion."""
    z2 = _NORMAL_95**2
    middle = 2 * count * share + z2
    root = _NORMAL_95 * math.sqrt(z2 + 4 * count * share * (1 - share))
    return (middle - root) / (2 * (count + z2)), (middle + root) / (2 * (count + z2))


def _correlation(both: int, lost: int, won: int, neither: int) -> float:
    """Return how far the two go together, a little towards 0."""
    sums = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    if not sums:
        return 0.0
    product: float = both * neither - lost * won
    if product > 0:
        product = max(product - (both + lost + won + neither) / 2, 0)
    return product / math.sqrt(sums)


def _error_rise(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Return how much a mean error rose, relatively, with its 95 % interval by resampling."""
    if not before.sum():
        raise DataError(
            "The original has no error at all on these samples, so no rise of it can be told. Pass "
            "validation data that the model does not know by heart."
        )
    low, high = _resampled(after - before, before)
    return float(after.sum() / before.sum() - 1), low, high


def _resampled(change: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Return the interval of ``sum(change) / sum(whole)`` over samples drawn with replacement."""
    draws = np.random.default_rng(0).multinomial(
        len(change), np.full(len(change), 1 / len(change)), _RESAMPLES
    )
    wholes = draws @ whole
    ratios = (draws @ change)[wholes > 0] / wholes[wholes > 0]
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(low), float(high)
