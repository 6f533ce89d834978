"""How good a file is, beside the float file, on samples that stay the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.convert.representative import as_tensor_info
from tfedge.core.data import Batch, batches, regroup
from tfedge.core.errors import DataError
from tfedge.core.sampling import picked
from tfedge.evaluate.difference import Difference, like_an_input
from tfedge.evaluate.pair import match_outputs, run
from tfedge.evaluate.predictor import as_predictor
from tfedge.evaluate.scores import Scores, natural_metrics
from tfedge.runtime.feeds import arrange
from tfedge.runtime.model import TFLiteModel

_ONLY = "output"
_ERRORS = ("mae", "mse", "error", "loss", "deviation")
AGREEMENT = "agreement"


@dataclass(frozen=True)
class Verdict:
    """How good a file is.

    Args:
        sqnr_db: SQNR of the worst output.
        drop: How much worse the metric is than the float file's; without labels the share of
            predictions that are other ones.
        value: The metric; without labels the share of predictions that are the same.
    """

    sqnr_db: float
    drop: float
    value: float


class Judge:
    """Compares files with a float file on the same samples.

    Args:
        reference: The float file.
        batch: The samples, with labels or without.
        metric: A metric as `tfedge.evaluate` takes it; None for accuracy where labels are
            classes, mean absolute error for other labels.

    Attributes:
        metric: What ``drop`` is measured in, ``"agreement"`` without labels.
        value: The metric of the float file; 1 without labels.
        samples: Number of samples.

    Raises:
        DataError: If a metric is given and there are no labels.
        ArgumentError: If the metric is not known, or is not one number.
    """

    def __init__(self, reference: TFLiteModel, batch: Batch, metric: Any = None):
        self._batch, self.samples = batch, len(batch)
        if metric is not None and batch.y is None:
            raise DataError(
                f"metric={metric!r} needs labels, and the data bring none. Pass (x, y), or leave "
                "the metric out: then the predictions of the float model are the labels."
            )
        self._truth = run(as_predictor(reference), batch.x)
        plain = self._truth.get(_ONLY, self._truth)
        self._metrics = natural_metrics(batch.y, plain) if metric is None else metric
        self._floats = self._scored(self._truth)
        self.metric = "/".join(self._floats) or AGREEMENT
        self.value = _mean(self._floats) if self._floats else 1.0

    def __call__(self, lite: TFLiteModel) -> Verdict:
        """Return how good a file is."""
        outputs = run(as_predictor(lite), self._batch.x)
        matched = match_outputs(self._truth, outputs)
        outputs = {name: outputs[other] for name, other in matched.items()}
        records = []
        for name, truth in self._truth.items():
            difference = Difference(name, like_input=like_an_input(truth, self._batch.x))
            difference.update(truth, outputs[name])
            records.append(difference.record())
        sqnr = min(record.sqnr_db for record in records)
        if not self._floats:
            agreement = min(record.agreement for record in records)
            return Verdict(sqnr, 1 - agreement, agreement)
        scores = self._scored(outputs)
        drop = max(_loss(name, self._floats[name], scores[name]) for name in scores)
        return Verdict(sqnr, drop, _mean(scores))

    def _scored(self, outputs: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Return the metrics of some outputs; none without labels."""
        if not self._metrics:
            return {}
        scores = Scores(self._metrics)
        scores.update(self._batch, outputs.get(_ONLY, dict(outputs)))
        found = scores.results()
        for name, value in found.items():
            if np.ndim(value):
                raise DataError(
                    f"Metric {name!r} is an array of shape {np.shape(value)}; a drop needs one "
                    "number, such as accuracy."
                )
        return {name: float(value) for name, value in found.items()}


def judged(data: Any, specs: Sequence[Any], limit: int, seed: int = 0) -> Batch:
    """Return samples to judge files on: drawn at random from arrays, the first of a stream.

    Args:
        data: As `tfedge.evaluate` takes it, labels or not.
        specs: One ``tf.TensorSpec`` per input, with a batch axis.
        limit: Largest number of samples.
        seed: Of the drawing.

    Raises:
        DataError: If there are no samples, or they do not fit the inputs.
    """
    inputs = [as_tensor_info(index, spec) for index, spec in enumerate(specs)]
    shapes = {spec.name: tuple(spec.shape)[1:] for spec in specs}
    batch = next(regroup(_parts(data, shapes, limit, seed), limit), None)
    if batch is None:
        raise DataError("There are no samples to judge a file on: the data are empty.")
    arrays = arrange(batch.x, inputs)
    x = {item.name: array for item, array in zip(inputs, arrays, strict=True)}
    return Batch(x, batch.y, batch.weight)


def _parts(data: Any, shapes: Mapping[str, Any], limit: int, seed: int) -> Iterator[Batch]:
    """Yield batches until there are enough samples."""
    random, left = np.random.default_rng(seed), limit
    bounded = data.take(limit) if hasattr(data, "as_numpy_iterator") else data
    for batch in batches(bounded, shapes=shapes):
        total = len(batch)
        places = np.sort(random.choice(total, min(total, left), replace=False))
        yield Batch(*(None if part is None else picked(part, places) for part in batch))
        left -= len(places)
        if left <= 0:
            return


def _mean(scores: Mapping[str, float]) -> float:
    """Return the mean of metrics."""
    return float(np.mean(list(scores.values())))


def _loss(name: str, before: float, after: float) -> float:
    """Return how much worse a metric became; errors are the better the smaller they are."""
    worse = any(word in name.lower() for word in _ERRORS)
    return after - before if worse else before - after
