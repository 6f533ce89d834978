"""Two models on the same batches, and what adds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfedge.core.data import Batch, regroup
from tfedge.core.errors import ModelError
from tfedge.evaluate.difference import Difference, OutputParity, like_an_input
from tfedge.evaluate.predictor import Predictor
from tfedge.evaluate.scores import Scores, natural_metrics

_ONLY = "output"


class Pair:
    """Runs two models on the same batches and keeps scores and differences.

    Args:
        first: The reference.
        second: The other one; its outputs get the reference's names.
        metrics: As `Scores` takes them, None for what suits the labels.
    """

    def __init__(self, first: Predictor, second: Predictor, metrics: Any):
        self._first, self._second = first, second
        self._metrics = metrics
        self.scores = (Scores(metrics or ()), Scores(metrics or ()))
        self.samples = 0
        self._names: dict[str, str] = {}
        self._differences: dict[str, Difference] = {}

    def update(self, batch: Batch) -> None:
        """Run both on one batch."""
        reference, test = run(self._first, batch.x), run(self._second, batch.x)
        if not self._names:
            self._begin(batch, reference, test)
        test = {name: test[other] for name, other in self._names.items()}
        for scores, outputs in zip(self.scores, (reference, test), strict=True):
            scores.update(batch, outputs.get(_ONLY, outputs))
        for name, difference in self._differences.items():
            difference.update(reference[name], test[name])
        self.samples += len(batch)

    def _begin(self, batch: Batch, reference: dict, test: dict) -> None:
        """Match outputs, and choose metrics where none were asked for."""
        self._names = match_outputs(reference, test)
        steps = dict(zip(test, self._second.steps, strict=False))
        self._differences = {
            name: Difference(name, steps.get(other), like_an_input(reference[name], batch.x))
            for name, other in self._names.items()
        }
        if self._metrics is None:
            chosen = natural_metrics(batch.y, reference.get(_ONLY, reference))
            self.scores = (Scores(chosen), Scores(chosen))

    def outputs(self) -> tuple[OutputParity, ...]:
        """Return how alike each output is."""
        return tuple(difference.record() for difference in self._differences.values())


def run(model: Predictor, x: Any) -> dict[str, np.ndarray]:
    """Return the outputs of a model for one large batch, by name.

    Example:
        >>> from tfedge.evaluate.predictor import as_predictor
        >>> run(as_predictor(np.square), np.arange(3))
        {'output': array([0, 1, 4])}
    """
    groups = (batch.x for batch in regroup([Batch(x)], model.group))
    parts = [_by_name(outputs) for outputs in model.stream(groups)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _by_name(outputs: Any) -> dict[str, np.ndarray]:
    """Return outputs as a dictionary."""
    return dict(outputs) if isinstance(outputs, Mapping) else {_ONLY: outputs}


def match_outputs(
    reference: Mapping[str, np.ndarray], test: Mapping[str, np.ndarray]
) -> dict[str, str]:
    """Return which output of one model is which of the other: by name, else by order and shape.

    Args:
        reference: Outputs by name.
        test: Outputs of the other model by name.

    Returns:
        Names in ``test`` by names in ``reference``.

    Raises:
        ModelError: If the outputs differ in number or shape.

    Example:
        >>> match_outputs({"kind": np.zeros((1, 4))}, {"output_0": np.zeros((1, 4))})
        {'kind': 'output_0'}
    """
    if set(reference) == set(test):
        names = {name: name for name in reference}
    else:
        names = dict(zip(reference, sorted(test, key=_number), strict=False))
        if not _fit(names, reference, test):
            names = {name: _of_shape(reference[name].shape, test) for name in reference}
    if len(reference) != len(test) or not _fit(names, reference, test):
        shapes = [{name: array.shape for name, array in each.items()} for each in (reference, test)]
        raise ModelError(
            f"The outputs of the two models cannot be matched: {shapes[0]} and {shapes[1]}."
        )
    return names


def _number(name: str) -> tuple[int, str]:
    """Return what sorts ``output_2`` before ``output_10``."""
    return len(name), name


def _of_shape(shape: tuple[int, ...], test: Mapping[str, np.ndarray]) -> str:
    """Return the name of the only output of that shape, or nothing."""
    names = [name for name, array in test.items() if array.shape == shape]
    return names[0] if len(names) == 1 else ""


def _fit(names: Mapping[str, str], reference: Mapping, test: Mapping) -> bool:
    """Return whether matched outputs have the same shapes and none is matched twice."""
    return len(set(names.values())) == len(reference) and all(
        other in test and reference[name].shape == test[other].shape
        for name, other in names.items()
    )
