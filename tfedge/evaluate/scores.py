"""Metrics over all outputs of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfedge.core.data import Batch
from tfedge.core.errors import ArgumentError, DataError
from tfedge.evaluate.accumulate import Metric
from tfedge.evaluate.labels import columns
from tfedge.evaluate.metrics import make_metrics


class Scores:
    """The metrics asked for, for one output or several.

    Args:
        metrics: As `tfedge.evaluate.metrics.make_metric` takes them: one, several, or for models
            of several outputs several by output name.
    """

    def __init__(self, metrics: Any):
        self._asked = metrics
        self._metrics: dict[str | None, list[Metric]] = {}
        if not isinstance(metrics, Mapping):
            self._metrics[None] = make_metrics(metrics)

    def update(self, batch: Batch, outputs: Any) -> None:
        """Take the predictions for one batch into account."""
        if not self._wanted:
            return
        if batch.y is None:
            raise DataError(
                "The metrics need labels and these data bring none. Pass (x, y), or metrics=() "
                "to run the model alone."
            )
        for name, y, prediction in _pairs(batch.y, outputs):
            for metric in self._of(name):
                metric.update(y, prediction, batch.weight)

    def results(self) -> dict[str, Any]:
        """Return values by name of metric, with the output's name in front if there are several."""
        return {
            metric.name if name is None else f"{name}_{metric.name}": metric.result()
            for name, metrics in self._metrics.items()
            if name is not None or len(self._metrics) == 1
            for metric in metrics
        }

    @property
    def _wanted(self) -> bool:
        """Whether there are metrics at all."""
        return bool(self._asked)

    def _of(self, output: str | None) -> list[Metric]:
        """Return the metrics of one output; each output has its own."""
        if output not in self._metrics:
            asked = self._asked
            if isinstance(asked, Mapping):
                asked = asked.get(output, ())
            else:
                _check_shareable(asked)
            self._metrics[output] = make_metrics(asked)
        return self._metrics[output]


def natural_metrics(y: Any, outputs: Any) -> Any:
    """Return the metrics that suit the data when none are asked for.

    Args:
        y: Labels of some samples, None when there are none.
        outputs: What the model makes of these samples.

    Returns:
        ``("accuracy",)`` for classes, ``("mae",)`` for real-valued targets, by name when there
        are several outputs, nothing without labels.

    Example:
        >>> natural_metrics(np.array([0.5, 2.0]), np.zeros((2, 1)))
        ('mae',)
    """
    if y is None:
        return ()
    pairs = _pairs(y, outputs)
    found = {name: ("accuracy",) if _is_class(*pair) else ("mae",) for name, *pair in pairs}
    return found.get(None, found)


def _is_class(y: np.ndarray, prediction: np.ndarray) -> bool:
    """Return whether labels are numbers of classes that the outputs tell apart."""
    classes = max(2, columns(prediction))
    return bool(y.dtype.kind in "fiub" and np.all((y >= 0) & (y < classes) & (y == np.floor(y))))


def _check_shareable(metrics: Any) -> None:
    """Raise for metric objects that would add up several outputs in one sum."""
    several = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    for metric in several:
        if hasattr(metric, "result"):
            raise ArgumentError(
                f"The metric object {metric!r} cannot count several outputs apart. Pass metrics "
                "as a dict by output name."
            )


def _pairs(y: Any, outputs: Any) -> list[tuple[str | None, Any, Any]]:
    """Return name, labels and predictions of every output."""
    if not isinstance(outputs, Mapping):
        if isinstance(y, Mapping) and len(y) == 1:
            y = next(iter(y.values()))
        if isinstance(y, (Mapping, list)):
            raise DataError(f"The model has one output; labels came for {len(y)}.")
        return [(None, y, outputs)]
    if isinstance(y, list) and len(y) == len(outputs):
        y = dict(zip(outputs, y, strict=True))
    if not isinstance(y, Mapping) or not set(y) <= set(outputs):
        found = list(y) if isinstance(y, Mapping) else type(y).__name__
        raise DataError(
            f"The model's outputs are {list(outputs)}; labels came as {found}. Pass a dict of "
            "labels by output name."
        )
    return [(name, labels, outputs[name]) for name, labels in y.items()]
