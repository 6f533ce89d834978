"""Calibration data: whatever users have, checked, as a few hundred samples by input name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfedge.core.errors import CalibrationError, DataError
from tfedge.core.sampling import sample
from tfedge.runtime.feeds import arrange, encode
from tfedge.runtime.graph import TensorInfo


def representative_samples(data: Any, specs: Sequence[Any], limit: int) -> dict[str, np.ndarray]:
    """Return at most ``limit`` samples, each array in the dtype that the model takes.

    Args:
        data: Anything that `tfedge.core.data.batches` reads; labels are left aside.
        specs: One ``tf.TensorSpec`` per input, with a batch axis.
        limit: Largest number of samples.

    Returns:
        Arrays of shape ``(samples, …)`` by input name.

    Raises:
        CalibrationError: If there are no samples, or they do not fit the inputs.
    """
    inputs = [as_tensor_info(index, spec) for index, spec in enumerate(specs)]
    try:
        shapes = {spec.name: tuple(spec.shape)[1:] for spec in specs}
        parts = [arrange(x, inputs) for x in sample(data, limit, shapes=shapes)]
        arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
        fitting = [encode(array, tensor) for array, tensor in zip(arrays, inputs, strict=True)]
    except DataError as error:
        raise CalibrationError(f"The calibration data cannot be used. {error}") from error
    return {tensor.name: array for tensor, array in zip(inputs, fitting, strict=True)}


def as_tensor_info(index: int, spec: Any) -> TensorInfo:
    """Return a spec in the words of the runtime, whose checks then serve here too."""
    shape = tuple(-1 if size is None else int(size) for size in spec.shape)
    return TensorInfo(index, spec.name, shape, (-1, *shape[1:]), spec.dtype.name)
