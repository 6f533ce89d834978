"""Samples with labels, from which an importance is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfedge.core.data import Batch
from tfedge.core.errors import DataError
from tfedge.models.samples import first_samples


def labelled(model: Any, data: Any, samples: int, batch_size: int) -> Iterator[Batch]:
    """Yield the batches of :func:`first_samples`, each with its labels.

    Raises:
        DataError: If the data bring no labels.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> model = keras3().Sequential([keras3().Input((2,)), keras3().layers.ReLU()])
        >>> [batch] = labelled(model, (np.ones((3, 2)), np.arange(3)), 10, 4)
        >>> batch.y
        array([0, 1, 2])
    """
    for batch in first_samples(model, data, samples, batch_size):
        if batch.y is None:
            raise DataError(
                "This importance is drawn from the loss, and the data bring no labels: pass "
                "data=(x, y), or a data set of (x, y). An autoencoder takes (x, x)."
            )
        yield batch
