"""What metrics are built of: a mean that adds up batch by batch, or everything kept to the end."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from tfedge.core.errors import DataError


class Metric(Protocol):
    """What the evaluator needs of a metric."""

    name: str

    def update(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Take one batch into account."""

    def result(self) -> Any:
        """Return the value over everything seen since the metric was made."""


class MeanMetric:
    """A weighted mean over samples."""

    def __init__(self, name: str):
        self.name = name
        self._sum = self._weight = 0.0

    def update(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Take one batch into account."""
        values = np.asarray(self._values(y, prediction), np.float64)
        values = values.reshape(len(prediction), -1).mean(axis=1)
        weights = np.ones(len(values)) if weight is None else np.asarray(weight, float).ravel()
        self._sum += float(values @ weights)
        self._weight += float(weights.sum())

    def result(self) -> float:
        """Return the mean."""
        if not self._weight:
            raise DataError(f"Metric {self.name!r} saw no samples, or only weights of 0.")
        return self._sum / self._weight

    def _values(self, y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return one value per sample, or several to average."""
        raise NotImplementedError


class CollectedMetric:
    """A metric over all samples at once."""

    def __init__(self, name: str):
        self.name = name
        self._seen: list[tuple] = []

    def update(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Keep one batch."""
        self._seen.append((y, prediction, weight))

    def collected(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return everything kept."""
        if not self._seen:
            raise DataError(f"Metric {self.name!r} saw no samples.")
        y, prediction, weight = zip(*self._seen, strict=True)
        weights = None if weight[0] is None else np.concatenate(weight)
        return np.concatenate(y), np.concatenate(prediction), weights
