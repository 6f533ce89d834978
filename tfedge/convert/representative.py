"""Calibration data: whatever users have, checked, as a few hundred samples by input name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.core.data import Batch, batches, count
from tfedge.core.errors import CalibrationError, DataError
from tfedge.runtime.feeds import arrange, encode
from tfedge.runtime.graph import TensorInfo


def representative_samples(data: Any, specs: Sequence[Any], limit: int) -> dict[str, np.ndarray]:
    """Return at most ``limit`` samples, each array in the dtype that the model takes.

    Arrays are sampled evenly over their whole length, because files are often sorted by class;
    of a stream the first samples are taken.

    Args:
        data: Anything that `tfedge.core.data.batches` reads; labels are left aside.
        specs: One ``tf.TensorSpec`` per input, with a batch axis.
        limit: Largest number of samples.

    Returns:
        Arrays of shape ``(samples, …)`` by input name.

    Raises:
        CalibrationError: If there are no samples, or they do not fit the inputs.
    """
    inputs = [_as_tensor_info(index, spec) for index, spec in enumerate(specs)]
    try:
        parts = [arrange(x, inputs) for x in _first(_bounded(data, limit), specs, limit)]
        arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
        fitting = [encode(array, tensor) for array, tensor in zip(arrays, inputs, strict=True)]
    except DataError as error:
        raise CalibrationError(f"The calibration data cannot be used. {error}") from error
    return {tensor.name: array for tensor, array in zip(inputs, fitting, strict=True)}


def _as_tensor_info(index: int, spec: Any) -> TensorInfo:
    """Return a spec in the words of the runtime, whose checks then serve here too."""
    shape = tuple(-1 if size is None else int(size) for size in spec.shape)
    return TensorInfo(index, spec.name, shape, (-1, *shape[1:]), spec.dtype.name)


def _bounded(data: Any, limit: int) -> Any:
    """Return data that ends, also where a ``tf.data.Dataset`` repeats for ever."""
    return data.take(limit) if hasattr(data, "as_numpy_iterator") else data


def _first(data: Any, specs: Sequence[Any], limit: int) -> list[Any]:
    """Return inputs of the first batches that make ``limit`` samples; whole arrays are thinned."""
    found: list[Any] = []
    have = 0
    shapes = {spec.name: tuple(spec.shape)[1:] for spec in specs}
    for batch in batches(data, shapes=shapes):
        kept = _thinned(batch, limit - have)
        found.append(kept)
        have += count(kept)
        if have >= limit:
            break
    return found


def _thinned(batch: Batch, limit: int) -> Any:
    """Return at most ``limit`` samples of a batch, spread evenly."""
    total = len(batch)
    picks = np.unique(np.linspace(0, total - 1, min(total, limit)).round().astype(int))
    if isinstance(batch.x, Mapping):
        return {name: array[picks] for name, array in batch.x.items()}
    if isinstance(batch.x, list):
        return [array[picks] for array in batch.x]
    return batch.x[picks]
