"""Metrics of classifiers.

Quantized outputs tie often. Ties go to the lower class everywhere, as ``argmax`` does, so that
``top_1`` equals ``accuracy``.
"""

from __future__ import annotations

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.core.errors import DataError
from tfedge.evaluate.accumulate import CollectedMetric, MeanMetric
from tfedge.evaluate.labels import class_of, columns, labels_like


class Accuracy(MeanMetric):
    """Fraction of samples whose class is right.

    Args:
        name: Key in the result.
        threshold: For a single output: class 1 above it. 0.5 suits probabilities, 0.0 logits.

    Example:
        >>> metric = Accuracy()
        >>> metric.update(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), None)
        >>> metric.result()
        0.5
    """

    def __init__(self, name: str = "accuracy", threshold: float = 0.5):
        super().__init__(name)
        self._threshold = threshold

    def _values(self, y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return 1 where the class is right."""
        return class_of(prediction, self._threshold) == labels_like(y, prediction)


class TopK(MeanMetric):
    """Fraction of samples whose class is among the ``k`` highest outputs.

    Args:
        k: How many outputs count.
        name: Key in the result, ``top_k`` by default.

    Example:
        >>> metric = TopK(2)
        >>> metric.update(np.array([0, 1]), np.array([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]), None)
        >>> metric.result()
        0.5
    """

    def __init__(self, k: int, name: str | None = None):
        whole_number("k", k)
        super().__init__(name or f"top_{k}")
        self._k = k

    def _values(self, y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return 1 where fewer than ``k`` outputs are ahead of the right one."""
        if columns(prediction) < 2:
            raise DataError(f"{self.name} needs one output per class; found {prediction.shape}.")
        labels = labels_like(y, prediction)[..., None]
        right = np.take_along_axis(prediction, labels, axis=-1)
        earlier = np.arange(prediction.shape[-1]) < labels
        ahead = (prediction > right) | ((prediction == right) & earlier)
        return ahead.sum(axis=-1) < self._k


class ConfusionMatrix:
    """How often class ``row`` was taken for class ``column``.

    Args:
        name: Key in the result.
        threshold: For a single output: class 1 above it.

    Example:
        >>> metric = ConfusionMatrix()
        >>> metric.update(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), None)
        >>> metric.result()
        array([[1, 0],
               [1, 0]])
    """

    def __init__(self, name: str = "confusion_matrix", threshold: float = 0.5):
        self.name, self._threshold = name, threshold
        self._counts: np.ndarray | None = None

    def update(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Take one batch into account; weights do not count."""
        size = max(2, columns(prediction))
        rows = labels_like(y, prediction).ravel()
        cells = rows * size + class_of(prediction, self._threshold).ravel()
        counts = np.bincount(cells, minlength=size * size).reshape(size, size)
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> np.ndarray:
        """Return counts, shape ``(classes, classes)``."""
        if self._counts is None:
            raise DataError(f"Metric {self.name!r} saw no samples.")
        return self._counts


class AUC(CollectedMetric):
    """Area under the ROC curve; for several classes the mean of each against the rest.

    It is the chance that a sample of the class scores higher than one that is not, ties
    counting half: Hanley and McNeil, Radiology 143, 1982.

    Example:
        >>> metric = AUC()
        >>> metric.update(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]), None)
        >>> metric.result()
        0.75
    """

    def __init__(self, name: str = "auc"):
        super().__init__(name)

    def result(self) -> float:
        """Return the area, in [0, 1]."""
        y, prediction, weight = self.collected()
        labels = labels_like(y, prediction).ravel()
        if columns(prediction) == 1:
            return _area(labels == 1, prediction.ravel(), weight, 1)
        scores = prediction.reshape(-1, prediction.shape[-1])
        if columns(prediction) == 2:
            return _area(labels == 1, scores[:, 1], weight, 1)
        areas = [_area(labels == k, scores[:, k], weight, k) for k in range(scores.shape[1])]
        return float(np.mean(areas))


def _area(positive: np.ndarray, scores: np.ndarray, weight: np.ndarray | None, which: int) -> float:
    """Return the weighted chance that a positive scores above a negative."""
    weights = np.ones(len(scores)) if weight is None else np.asarray(weight, float).ravel()
    _, level = np.unique(scores, return_inverse=True)
    up = np.bincount(level, weights * positive)
    down = np.bincount(level, weights * ~positive)
    if not up.sum() or not down.sum():
        raise DataError(
            f"The area under the ROC curve of class {which} is undefined: the data hold "
            f"{int(positive.sum())} samples of it and {int((~positive).sum())} others."
        )
    below = np.cumsum(down) - down / 2
    return float(up @ below / (up.sum() * down.sum()))
