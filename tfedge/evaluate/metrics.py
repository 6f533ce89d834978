"""Metrics by name, as Keras objects, or as plain functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfedge.core.errors import ArgumentError
from tfedge.evaluate.accumulate import CollectedMetric, MeanMetric, Metric
from tfedge.evaluate.calibration import CalibrationError
from tfedge.evaluate.classification import AUC, Accuracy, ConfusionMatrix, TopK
from tfedge.evaluate.labels import targets_like


class MeanSquaredError(MeanMetric):
    """Mean of the squared difference."""

    def _values(self, y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return squared differences."""
        return np.square(targets_like(y, prediction) - prediction.astype(np.float64))


class MeanAbsoluteError(MeanMetric):
    """Mean of the absolute difference."""

    def _values(self, y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return absolute differences."""
        return np.abs(targets_like(y, prediction) - prediction.astype(np.float64))


class FunctionMetric(CollectedMetric):
    """Any function ``f(y_true, y_pred)``, called once with all samples.

    Args:
        function: Returns a number, or one number per sample, which are averaged.
    """

    def __init__(self, function: Callable):
        super().__init__(getattr(function, "__name__", type(function).__name__))
        self._function = function

    def result(self) -> Any:
        """Return what the function returns."""
        y, prediction, _ = self.collected()
        value = _plain_value(self._function(y, prediction))
        per_sample = np.shape(value) == (len(prediction),) and len(prediction) > 1
        return float(np.mean(value)) if per_sample else value


class KerasMetric:
    """A Keras 3 or tf_keras metric, known by ``update_state``, ``result`` and ``reset_state``.

    Args:
        metric: The metric; its state is reset first.
    """

    def __init__(self, metric: Any):
        self.name = metric.name
        self._metric = metric
        metric.reset_state()

    def update(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> None:
        """Take one batch into account."""
        self._metric.update_state(y, prediction, sample_weight=weight)

    def result(self) -> Any:
        """Return the metric's value."""
        return _plain_value(self._metric.result())


def _plain_value(value: Any) -> Any:
    """Return a float for a number of any kind, else an array."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array


_ALIASES: dict[str, Callable[[str], Metric]] = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "sparse_categorical_accuracy": Accuracy,
    "categorical_accuracy": Accuracy,
    "binary_accuracy": Accuracy,
    "top_k_categorical_accuracy": lambda name: TopK(5, name),
    "sparse_top_k_categorical_accuracy": lambda name: TopK(5, name),
    "confusion_matrix": ConfusionMatrix,
    "auc": AUC,
    "calibration_error": CalibrationError,
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
}


def make_metric(metric: Any) -> Metric:
    """Return a metric object for whatever a user wrote.

    Args:
        metric: A name (``"accuracy"``, ``"top_5"``, ``"auc"``, ``"calibration_error"``,
            ``"confusion_matrix"``, ``"mse"``, ``"mae"`` and Keras's longer names), a metric of
            this module, a Keras metric, or a function ``f(y_true, y_pred)``.

    Raises:
        ArgumentError: If it is none of these.

    Example:
        >>> make_metric("top_5").name
        'top_5'
    """
    if isinstance(metric, str):
        return _by_name(metric)
    if hasattr(metric, "update_state") and not isinstance(metric, type):
        return KerasMetric(metric)
    if hasattr(metric, "update") and hasattr(metric, "result"):
        return metric
    if callable(metric) and not isinstance(metric, type):
        return FunctionMetric(metric)
    raise ArgumentError(
        f"metric={metric!r} is not a name, a metric object or a function f(y_true, y_pred)."
    )


def _by_name(name: str) -> Metric:
    """Return the metric of that name, in snake_case or as a Keras class is called."""
    snake = name if name.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    snake = snake.lower()
    top = re.fullmatch(r"top_?(\d+)(_accuracy)?", snake)
    if top:
        return TopK(int(top[1]), name)
    if snake not in _ALIASES:
        known = ", ".join(["top_5", *_ALIASES])
        raise ArgumentError(f"metric {name!r} is not known. Choose one of: {known}.")
    return _ALIASES[snake](name)


def make_metrics(metrics: Any) -> list[Metric]:
    """Return metric objects for one metric or several, every name once.

    Raises:
        ArgumentError: If two have the same name.
    """
    several = isinstance(metrics, Sequence) and not isinstance(metrics, str)
    made = [make_metric(metric) for metric in (metrics if several else [metrics])]
    names = [metric.name for metric in made]
    if len(set(names)) < len(names):
        raise ArgumentError(f"Two metrics have the same name: {names}. Rename or drop one.")
    return made
