"""Users' data as the batches of a fixed size that a model is run on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfedge.core.data import Batch, batches, regroup
from tfedge.core.errors import DataError
from tfedge.core.sampling import picked, spread
from tfedge.models.edges import Tensor
from tfedge.models.graph import LayerGraph, read_graph


def first_samples(model: Any, data: Any, samples: int, batch_size: int) -> Iterator[Batch]:
    """Yield a limited number of samples in batches.

    Args:
        model: The model that they are for; its inputs tell a batch from a sample.
        data: Anything that `tfedge.core.data.batches` reads. Arrays with more samples are
            sampled evenly over their length; of a stream the first samples are taken.
        samples: Largest number of samples.
        batch_size: Samples in a batch; the last one may be smaller.

    Raises:
        DataError: If there are no samples.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> model = keras3().Sequential([keras3().Input((2,)), keras3().layers.ReLU()])
        >>> [len(batch) for batch in first_samples(model, np.ones((50, 2)), 10, 4)]
        [4, 4, 2]
    """
    inputs = read_graph(model).input_layers
    shapes = {name: tensor.shape[1:] for name, _, tensor in inputs}
    yield from regroup(_limited(data, samples, shapes), batch_size)


def by_input(graph: LayerGraph, x: Any) -> dict[Tensor, Any]:
    """Return a batch by input tensor of a layer graph, in the dtypes of the inputs.

    Args:
        graph: The layer graph of the model.
        x: An array, a list in the order of the inputs, or a dict by input name.

    Raises:
        DataError: If there are not as many arrays as inputs.
    """
    names = [name for name, _, _ in graph.input_layers]
    if isinstance(x, dict):
        given = [x[name] for name in names if name in x]
    else:
        given = x if isinstance(x, list) else [x]
    if len(given) != len(names):
        found = list(x) if isinstance(x, dict) else f"{len(given)} arrays"
        raise DataError(f"{graph.name!r} has the inputs {names}, and the data give {found}.")
    pairs = zip((tensor for _, _, tensor in graph.input_layers), given, strict=True)
    return {edge: tf.cast(tf.convert_to_tensor(one), edge.dtype) for edge, one in pairs}


def _limited(data: Any, samples: int, shapes: Any) -> Iterator[Batch]:
    """Yield batches as they come until there are enough samples."""
    bounded = data.take(samples) if hasattr(data, "as_numpy_iterator") else data
    left = samples
    for batch in batches(bounded, shapes=shapes):
        if len(batch) > left:
            chosen = spread(len(batch), left)
            batch = Batch(*(None if part is None else picked(part, chosen) for part in batch))
        yield batch
        left -= len(batch)
        if left <= 0:
            return
