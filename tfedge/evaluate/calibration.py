"""Whether a classifier is as sure as it is right."""

from __future__ import annotations

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.evaluate.accumulate import CollectedMetric
from tfedge.evaluate.labels import class_of, columns, labels_like

_SLACK = 0.1


class CalibrationError(CollectedMetric):
    """Expected calibration error: how far confidence is from accuracy, averaged over bins.

    ``sum_b(n_b / n * |accuracy_b - confidence_b|)`` over bins of equal width, confidence being
    the probability of the predicted class. 0 is perfect; a model that is always sure and half
    the time wrong has 0.5. Logits are turned into probabilities first.

    Args:
        name: Key in the result.
        bins: Number of bins between 0 and 1.

    Raises:
        ArgumentError: If ``bins`` is not a whole number of at least 1.

    Example:
        >>> metric = CalibrationError()
        >>> metric.update(np.array([0, 0]), np.array([[0.9, 0.1], [0.1, 0.9]]), None)
        >>> round(metric.result(), 3)
        0.4

    Reference:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """

    def __init__(self, name: str = "calibration_error", bins: int = 15):
        whole_number("bins", bins)
        super().__init__(name)
        self._bins = bins

    def result(self) -> float:
        """Return the error, in [0, 1]."""
        y, prediction, weight = self.collected()
        chances = probabilities(prediction)
        right = (class_of(chances) == labels_like(y, chances)).reshape(len(chances), -1)
        single = columns(chances) == 1
        sure = np.maximum(chances, 1 - chances) if single else chances.max(axis=-1)
        weights = np.ones(len(chances)) if weight is None else np.asarray(weight, float).ravel()
        weights = np.broadcast_to(weights[:, None], right.shape).ravel()
        return _gap(right.ravel(), sure.ravel(), weights, self._bins)


def probabilities(prediction: np.ndarray) -> np.ndarray:
    """Return outputs of a classifier as probabilities: logits go through softmax or sigmoid.

    Probabilities are told from logits by their range and, for several classes, by their sum,
    which may be a little off 1, as in integer files.

    Args:
        prediction: Shape ``(samples, ..., classes)``, ``(samples, ..., 1)`` or ``(samples,)``.

    Example:
        >>> probabilities(np.array([[0.0, 0.0]])).tolist(), probabilities(np.array([0.2])).tolist()
        ([[0.5, 0.5]], [0.2])
    """
    values = np.asarray(prediction, np.float64)
    inside = bool(np.all((values >= 0) & (values <= 1)))
    if columns(values) == 1:
        return values if inside else 1 / (1 + np.exp(-values))
    if inside and np.allclose(values.sum(axis=-1), 1, atol=_SLACK):
        return values
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _gap(right: np.ndarray, sure: np.ndarray, weights: np.ndarray, bins: int) -> float:
    """Return the weighted mean over bins of the gap between accuracy and confidence."""
    places = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights * (right - sure), bins)
    return float(np.abs(gaps).sum()) / float(weights.sum())
