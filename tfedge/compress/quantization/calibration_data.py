"""Calibration data as batches that a model takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfedge.core.data import Batch, regroup
from tfedge.core.errors import CalibrationError, DataError
from tfedge.core.sampling import sample

_BATCH = 64


def input_batches(model: Any, data: Any, samples: int) -> Iterator[list[Any]]:
    """Yield the inputs of a model in batches, as tensors in the model's order and dtypes.

    Args:
        model: A functional tf_keras model.
        data: Typical inputs, in any form that :func:`tfedge.core.data.batches` reads.
        samples: Largest number of samples in all.

    Raises:
        CalibrationError: If the data do not fit the inputs, or there are none.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import tf_keras
        >>> inputs = tf_keras().Input((4,))
        >>> model = tf_keras().Model(inputs, tf_keras().layers.ReLU()(inputs))
        >>> [batch[0].shape[0] for batch in input_batches(model, np.ones((100, 4)), 80)]
        [64, 16]
    """
    pairs = zip(model.input_names, model.inputs, strict=True)
    shapes = {name: tuple(tensor.shape)[1:] for name, tensor in pairs}
    parts = (Batch(x) for x in sample(data, samples, shapes=shapes))
    try:
        for batch in regroup(parts, _BATCH):
            yield _arranged(batch.x, model)
    except (DataError, ValueError, tf.errors.InvalidArgumentError) as error:
        raise CalibrationError(
            f"The calibration data do not fit {model.name!r}, whose inputs are {shapes}: {error}"
        ) from error


def _arranged(x: Any, model: Any) -> list[Any]:
    """Return the arrays in the order of the model's inputs, as tensors of their types."""
    names = list(model.input_names)
    if isinstance(x, dict):
        if set(x) != set(names):
            raise DataError(f"inputs are named {names}, the data bring {sorted(x)}.")
        x = [x[name] for name in names]
    arrays = x if isinstance(x, list) else [x]
    if len(arrays) != len(names):
        raise DataError(f"{len(names)} inputs are needed, the data bring {len(arrays)}.")
    for array, tensor in zip(arrays, model.inputs, strict=True):
        if not tensor.shape.is_compatible_with(array.shape):
            raise DataError(f"an array of shape {array.shape} was found.")
    return [
        tf.cast(array, tensor.dtype) for array, tensor in zip(arrays, model.inputs, strict=True)
    ]
