"""A model or file, judged by validation data."""

from __future__ import annotations

from typing import Any

from tfedge.evaluate.evaluator import evaluate
from tfedge.evaluate.predictor import as_predictor, predictions
from tfedge.evaluate.scores import natural_metrics
from tfedge.pipeline.samples import Samples

_ENOUGH = 64


def judged(model: Any, val: Samples | None, metrics: Any) -> dict[str, Any]:
    """Return metrics of a model or file by name; none without data.

    Args:
        model: A Keras model or a file.
        val: Validation data.
        metrics: As `tfedge.evaluate` takes them.

    Example:
        >>> judged(None, None, ("accuracy",))
        {}
    """
    if val is None:
        return {}
    found = evaluate(model, _items(val), metrics=metrics, verbose=0).metrics
    return {name: _plain(value) for name, value in found.items()}


def metrics_for(model: Any, val: Samples | None, asked: Any) -> Any:
    """Return the metrics that are asked for, or those that suit labels and outputs."""
    if asked or val is None:
        return asked or ()
    head = val.first(_ENOUGH)
    _, outputs = next(predictions(as_predictor(model), tuple(head)))
    return natural_metrics(head.y, outputs)


def _items(val: Samples) -> Any:
    """Return data as `tfedge.evaluate` reads them."""
    return tuple(val.whole) if val.whole is not None else map(tuple, val.batches())


def _plain(value: Any) -> Any:
    """Return a number as Python's own."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
