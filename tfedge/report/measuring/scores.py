"""Metrics and agreement of the original and the file, on the same samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tfedge.core.data import Batch, batches, regroup
from tfedge.evaluate.difference import like_an_input
from tfedge.evaluate.evaluator import EvaluationRecord, evaluate
from tfedge.evaluate.labels import columns
from tfedge.evaluate.pair import run
from tfedge.evaluate.parity import ComparisonRecord, compare
from tfedge.evaluate.predictor import as_predictor
from tfedge.evaluate.scores import natural_metrics
from tfedge.report.findings import ClassScores, ConfusionChange

_ONLY, _MATRIX = "output", "confusion_matrix"
_BESIDE = {"accuracy": _MATRIX, "mae": "mse"}
_FEW, _LARGEST_MATRIX, _CHANGES = 64, 50, 20


class Chosen(NamedTuple):
    """What to measure: the kind of task, in words, and the metrics for it."""

    task: str
    metrics: Any


def choose_metrics(model: Any, data: Any, y: Any, metrics: Any) -> Chosen:
    """Return the task that labels and outputs speak of, and metrics for it.

    Args:
        model: The model whose outputs the labels name.
        data: As `tfedge.evaluate` takes it.
        y: Labels, when ``data`` are arrays without them.
        metrics: What was asked for, None for what suits.

    Example:
        >>> labels = np.array([0, 1, 2])
        >>> choose_metrics(lambda x: np.eye(3), np.zeros((3, 4)), labels, None)
        Chosen(task='classification, 3 classes', metrics=('accuracy', 'confusion_matrix'))
    """
    predictor = as_predictor(model)
    batch = next(regroup(batches(data, y, shapes=predictor.shapes), _FEW))
    outputs = run(predictor, batch.x)
    natural = natural_metrics(batch.y, outputs.get(_ONLY, outputs))
    fitting: Any
    if isinstance(natural, dict):
        fitting = {name: _with_matrix(found) for name, found in natural.items()}
        task = f"{len(outputs)} outputs"
    else:
        fitting = _with_matrix(natural)
        task = _task(natural, next(iter(outputs.values())), batch)
    return Chosen(task, fitting if metrics is None else _extended(metrics, fitting))


def _with_matrix(natural: tuple[str, ...]) -> tuple[str, ...]:
    """Return metrics that tell more than the natural ones."""
    return tuple(name for one in natural for name in (one, _BESIDE[one]))


def _extended(metrics: Any, fitting: Any) -> Any:
    """Return the metrics asked for, with the confusion matrix of a classifier of one output."""
    if isinstance(metrics, dict) or _MATRIX not in fitting or isinstance(fitting, dict):
        return metrics
    several = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]
    return several if _MATRIX in several else [*several, _MATRIX]


def _task(natural: tuple[str, ...], output: np.ndarray, batch: Batch) -> str:
    """Return what a model of one output does, in words."""
    if natural == ("accuracy",):
        classes = max(2, columns(output))
        name = "binary classification" if classes == 2 else f"classification, {classes:,} classes"
        return f"{name}, one for each step" if output.ndim > 2 else name
    if like_an_input(output, batch.x):
        return "reconstruction of the input"
    return "regression" if natural else "data without labels"


def measure_pair(original: Any, lite: Any, data: Any, y: Any, **settings: Any) -> ComparisonRecord:
    """Return `tfedge.compare` of the original and the file; the rest of a report times layers.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> data = np.ones((4, 3), "float32")
        >>> found = measure_pair(lambda x: x / 2, sample_model(), data, None, metrics=())
        >>> found.agreement
        1.0
    """
    return compare(original, lite, data, y, latency=False, **settings)


def measure_file(lite: Any, data: Any, y: Any, **settings: Any) -> EvaluationRecord:
    """Return `tfedge.evaluate` of the file alone.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> measure_file(sample_model(), np.ones((4, 3), "float32"), None, metrics=()).samples
        4
    """
    return evaluate(lite, data, y, verbose=0, **settings)


def class_scores(after: dict[str, Any], before: dict[str, Any] | None) -> tuple[ClassScores, ...]:
    """Return how each output does on each class, from the confusion matrices among metrics.

    Args:
        after: Metrics of the file.
        before: Metrics of the original, None without one.

    Example:
        >>> matrix = np.array([[3, 1], [0, 2]])
        >>> class_scores({"confusion_matrix": matrix}, None)[0].right
        (3, 2)
    """
    found = []
    for name, matrix in after.items():
        if name.endswith(_MATRIX) and np.ndim(matrix) == 2:
            output = name.removesuffix(_MATRIX).removesuffix("_")
            found.append(_scores_of(output, matrix, None if before is None else before[name]))
    return tuple(found)


def _scores_of(output: str, matrix: np.ndarray, before: np.ndarray | None) -> ClassScores:
    """Return the record of one output."""
    small = len(matrix) <= _LARGEST_MATRIX
    return ClassScores(
        output=output,
        samples=_whole(matrix.sum(axis=1)),
        right=_whole(np.diag(matrix)),
        right_before=None if before is None else _whole(np.diag(before)),
        matrix=matrix if small else None,
        matrix_before=before if small else None,
        changes=() if before is None else _changes(matrix, before),
    )


def _changes(after: np.ndarray, before: np.ndarray) -> tuple[ConfusionChange, ...]:
    """Return the pairs of different classes whose counts changed most."""
    change = np.abs(after - before)
    np.fill_diagonal(change, 0)
    order = np.argsort(-change, axis=None, kind="stable")[:_CHANGES]
    cells = (divmod(int(place), len(change)) for place in order if change.flat[place])
    return tuple(
        ConfusionChange(row, column, int(before[row, column]), int(after[row, column]))
        for row, column in cells
    )


def _whole(values: np.ndarray) -> tuple[int, ...]:
    """Return counts as plain numbers."""
    return tuple(int(value) for value in values)


def without_matrices(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return metrics without confusion matrices, which can be large.

    Example:
        >>> without_matrices({"accuracy": 1.0, "confusion_matrix": np.eye(2)})
        {'accuracy': 1.0}
    """
    return {name: value for name, value in metrics.items() if not name.endswith(_MATRIX)}


def lightened(record: Any) -> Any:
    """Return a comparison or evaluation without its confusion matrices; None stays None.

    Example:
        >>> lightened(EvaluationRecord("cnn", "litert", {"confusion_matrix": np.eye(2)}, 8, 0.1))
        'cnn' on litert: 8 samples
    """
    if isinstance(record, ComparisonRecord):
        a, b = (
            replace(side, metrics=without_matrices(side.metrics)) for side in (record.a, record.b)
        )
        return replace(record, a=a, b=b)
    if record is None:
        return None
    return replace(record, metrics=without_matrices(record.metrics))
