"""Samples in, outputs out, as lines of JSON: for programs in any language."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tfedge.core.errors import DataError, TfedgeError
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.runner import Runner


def answers(lines: Iterable[str], runner: Runner) -> Iterator[str]:
    """Yield one line of JSON for each line of JSON; empty lines are passed over.

    A line is one sample: nested lists of numbers, or an object of these by input name. The
    answer is ``{"outputs": {name: numbers}}``, or ``{"error": text}`` for a line that cannot be
    run; the next line is then run as if nothing had been. Values that are not finite are null.

    Args:
        lines: The lines.
        runner: The file that runs them.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> with Runner(sample_model()) as runner:
        ...     for answer in answers(["[2, 4, 6]", "[2, 4]"], runner):
        ...         print(answer)
        {"outputs": {"half": [1.0, 2.0, 3.0]}}
        {"error": "Input 'x': shape (1, 2) found, (samples, 3) expected."}
    """
    for line in lines:
        if line.strip():
            try:
                answer: dict[str, Any] = {"outputs": _outputs(line, runner)}
            except TfedgeError as error:
                answer = {"error": str(error)}
            yield json.dumps(answer, allow_nan=False)


def _outputs(line: str, runner: Runner) -> dict[str, Any]:
    """Return the outputs for the sample in a line, by name."""
    try:
        sample = json.loads(line)
    except ValueError as error:
        raise DataError(f"This line is not JSON: {error}.") from error
    outputs = runner.predict(_batch_of_one(sample, runner.model.inputs))
    if isinstance(outputs, np.ndarray):
        outputs = {runner.model.outputs[0].name: outputs}
    return {name: _finite(value[0].tolist()) for name, value in outputs.items()}


def _batch_of_one(sample: Any, inputs: Sequence[TensorInfo]) -> dict[str, np.ndarray]:
    """Return a sample as arrays by input name, with an axis for samples in front."""
    names = [tensor.name for tensor in inputs]
    if not isinstance(sample, dict):
        if len(names) > 1:
            raise DataError(f"The model's inputs are {names}; pass an object with these names.")
        sample = {names[0]: sample}
    try:
        return {name: np.asarray(value)[None] for name, value in sample.items()}
    except ValueError as error:
        raise DataError(f"The lists of a sample differ in length ({error}).") from error


def _finite(value: Any) -> Any:
    """Return nested lists with None for what is not finite."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
