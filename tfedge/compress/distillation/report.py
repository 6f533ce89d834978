"""What distillation was good for: the student alone and distilled, beside the teacher."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfedge.core.data import batches, regroup
from tfedge.core.errors import DataError, ModelError
from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record
from tfedge.evaluate.calibration import CalibrationError, probabilities
from tfedge.evaluate.labels import class_of, labels_like
from tfedge.evaluate.pair import run
from tfedge.evaluate.predictor import Predictor, as_predictor

_COLORS = {"teacher": "#999999", "alone": "#DD8452", "distilled": "#4C72B0"}


@dataclasses.dataclass(frozen=True, repr=False)
class ModelScore(Record):
    """How good one of the models is.

    Attributes:
        role: ``"teacher"``, ``"alone"`` or ``"distilled"``.
        name: Name of the model.
        accuracy: Fraction of samples whose class is right.
        by_class: The same for the samples of each class, None for a class without samples.
        agreement: Fraction of samples on which it predicts the teacher's class.
        calibration_error: Expected calibration error in 15 bins, in [0, 1].
    """

    role: str
    name: str
    accuracy: float
    by_class: tuple[float | None, ...]
    agreement: float
    calibration_error: float


@dataclasses.dataclass(frozen=True, repr=False)
class DistillationReport(Record):
    """A student alone and distilled, beside its teacher, on the same samples.

    Attributes:
        models: The teacher, the student alone, the student distilled.
        samples: How many samples each class has.
        gap_recovered: Part of the gap between the student alone and the teacher that
            distillation closes; None if the teacher is not better than the student alone.
    """

    models: tuple[ModelScore, ...]
    samples: tuple[int, ...]
    gap_recovered: float | None

    def __repr__(self) -> str:
        """Return one line per model, and the classes that gained and lost most."""
        lines = [f"DistillationReport: {sum(self.samples):,} samples"]
        lines.append(f"  {'':<9}  accuracy  agrees with teacher  calibration error")
        lines += [
            f"  {item.role:<9}  {item.accuracy:8.2%}  {item.agreement:19.2%}  "
            f"{item.calibration_error:17.4f}"
            for item in self.models
        ]
        best, worst = self._extremes()
        lines.append(
            f"  class {best[0]} gained most, {best[1]:+.2%}; class {worst[0]} least, "
            f"{worst[1]:+.2%}"
        )
        if self.gap_recovered is not None:
            lines.append(f"  {self.gap_recovered:.0%} of the gap to the teacher recovered")
        return "\n".join(lines)

    def table(self) -> list[dict[str, Any]]:
        """Return one row per class: samples, and the accuracy of each model.

        ``tfedge.report.markdown_table`` and ``pandas.DataFrame`` take them.
        """
        return [
            {"class": place, "samples": count}
            | {item.role: item.by_class[place] for item in self.models}
            for place, count in enumerate(self.samples)
        ]

    def plot(self, axes: Any = None) -> Any:
        """Draw the accuracy of each class as a group of three bars.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        classes = np.arange(len(self.samples))
        width = max(5.0, 1.5 + 0.55 * len(classes))
        axes = plain_frame(new_axes(width, 4.0) if axes is None else axes)
        for place, item in enumerate(self.models):
            label = f"{item.role}, {item.accuracy:.1%}"
            axes.bar(
                classes + (place - 1) * 0.27,
                np.array(item.by_class, float),
                0.25,
                label=label,
                color=_COLORS[item.role],
            )
        shown = [value for item in self.models for value in item.by_class if value is not None]
        axes.set(xlabel="class", ylabel="accuracy", xticks=classes, title=self._title())
        axes.set_ylim(max(0.0, min(shown) - 0.1), 1.0)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, frameon=False)
        return axes

    def _title(self) -> str:
        """Return what the picture shows, in a line."""
        if self.gap_recovered is None:
            return "accuracy by class"
        return f"{self.gap_recovered:.0%} of the gap to the teacher recovered"

    def _extremes(self) -> tuple[tuple[int, float], tuple[int, float]]:
        """Return the classes that gained most and least, with what they gained."""
        alone, distilled = (np.array(item.by_class, float) for item in self.models[1:])
        gains = distilled - alone
        best, worst = int(np.nanargmax(gains)), int(np.nanargmin(gains))
        return (best, float(gains[best])), (worst, float(gains[worst]))


def report(
    teacher: Any, alone: Any, distilled: Any, data: Any, y: Any = None
) -> DistillationReport:
    """Compare a student that was trained alone with the one that was distilled.

    Args:
        teacher: Whatever predicts classes: a Keras model, a :class:`tfedge.TFLiteModel`, a path
            of either, or a function of a batch.
        alone: The student trained on labels only, likewise.
        distilled: The student that the teacher taught, likewise.
        data: Test samples that training has not seen, in any form that ``tfedge.evaluate`` takes.
        y: Their labels, if ``data`` are arrays: class numbers or one-hot.

    Returns:
        A :class:`DistillationReport`: prints a table, ``.plot()`` draws it by class,
        ``.table()`` gives rows for pandas, ``.to_json()``.

    Raises:
        DataError: If there are no samples, or no labels.
        ModelError: If one cannot predict, or has several outputs.

    Example:
        >>> x, y = np.eye(2, dtype="float32"), np.array([0, 1])
        >>> found = report(lambda x: x, lambda x: 0 * x, lambda x: 2 * x, x, y)
        >>> found.gap_recovered, found.models[1].by_class
        (1.0, (1.0, 0.0))
    """
    models = [as_predictor(model) for model in (teacher, alone, distilled)]
    labels, outputs = _predicted(models, data, y)
    truth = labels_like(labels, outputs[0]).ravel()
    ruling = class_of(outputs[0]).ravel()
    scores = [
        _score(role, model.name, said, truth, ruling)
        for role, model, said in zip(_COLORS, models, outputs, strict=True)
    ]
    best, start, end = (score.accuracy for score in scores)
    gap = (end - start) / (best - start) if best > start else None
    counts = np.bincount(truth, minlength=len(scores[0].by_class))
    return DistillationReport(tuple(scores), tuple(counts.tolist()), gap)


def _predicted(models: list[Predictor], data: Any, y: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return all labels, and the probabilities by each model, from one pass over the data."""
    labels, outputs = [], []
    for batch in regroup(batches(data, y, shapes=models[0].shapes), models[0].group):
        if batch.y is None:
            raise DataError("The report needs labels: pass y, or data of (x, y).")
        labels.append(batch.y)
        outputs.append([_only(run(model, batch.x), model) for model in models])
    if not labels:
        raise DataError("The report needs samples, and the data have none.")
    said = [probabilities(np.concatenate(parts)) for parts in zip(*outputs, strict=True)]
    return np.concatenate(labels), said


def _only(outputs: dict[str, np.ndarray], model: Predictor) -> np.ndarray:
    """Return the one output of a classifier."""
    if len(outputs) != 1:
        raise ModelError(
            f"{model.name!r} has the outputs {list(outputs)}: the report is about one classifier. "
            f"Pass functions that return the output in question."
        )
    return next(iter(outputs.values()))


def _score(
    role: str, name: str, said: np.ndarray, truth: np.ndarray, ruling: np.ndarray
) -> ModelScore:
    """Return how good a model is by what it said."""
    chosen, metric = class_of(said).ravel(), CalibrationError()
    metric.update(truth.reshape(said.shape[:-1] if said.ndim > 1 else said.shape), said, None)
    classes = max(2, said.shape[-1] if said.ndim > 1 else 1)
    right = chosen == truth
    counts = np.bincount(truth, minlength=classes)
    hits = np.bincount(truth, right, classes)
    by_class = tuple(
        float(hit / count) if count else None for hit, count in zip(hits, counts, strict=True)
    )
    agreement = float(np.mean(chosen == ruling))
    return ModelScore(role, name, float(right.mean()), by_class, agreement, metric.result())
