"""Adapters: linear maps from the channels of a student to those of its teacher."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.core.sampling import spread
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_ROWS = 16_384


def adapter(known: Any, made: Any) -> Any:
    """Return the layer that maps the student's channels to the teacher's, if one is needed.

    Args:
        known: A tensor of the teacher, shape ``(samples, ..., channels)``.
        made: The tensor of the student beside it.

    Returns:
        A built ``Dense`` layer, None for equally many channels.

    Example:
        >>> adapter(keras.Input((4, 8)), keras.Input((4, 2))).kernel.shape.as_list()
        [2, 8]
    """
    if known.shape[-1] == made.shape[-1]:
        return None
    layer = keras.layers.Dense(known.shape[-1], dtype="float32", name="adapter")
    layer.build(made.shape)
    return layer


def fitted(known: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of the linear map nearest to the teacher, by least squares.

    Args:
        known: Features of the teacher, shape ``(samples, ..., channels)``.
        made: Features of the student on the same samples.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(50, 3, 2))
        >>> kernel, bias = fitted(x @ np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]) + 4.0, x)
        >>> kernel.round(3).tolist(), bias.round(3).tolist()
        ([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]], [4.0, 4.0, 4.0])
    """
    target, source = (
        np.asarray(part, np.float64).reshape(-1, part.shape[-1]) for part in (known, made)
    )
    chosen = spread(len(target), min(_ROWS, len(target)))
    rows = np.hstack([source[chosen], np.ones((len(chosen), 1))])
    found = np.linalg.lstsq(rows, target[chosen], rcond=1e-6)[0].astype("float32")
    return found[:-1], found[-1]
