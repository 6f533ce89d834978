"""How large the values are that flow into each layer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.models.graph import Step, read_graph
from tfedge.models.running import inference, run
from tfedge.models.samples import first_samples


def mean_magnitudes(
    model: Any, data: Any, *, samples: int = 256, batch_size: int = 32
) -> dict[str, np.ndarray]:
    """Return the mean magnitude of what each layer takes in, by channel.

    Args:
        model: A functional or Sequential model of either Keras.
        data: Samples, in any form that `tfedge.core.data.batches` reads; labels are not used.
        samples: Number of samples to use.
        batch_size: Samples in one run.

    Returns:
        By flat layer name: float64, shape (last axis of the layer's first input,). Averaged over
        samples, positions, and calls of a shared layer. Inputs that are no numbers are left out.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> model = keras3().Sequential([keras3().Input((2,)), keras3().layers.ReLU(name="relu")])
        >>> mean_magnitudes(model, np.array([[1.0, -2.0], [3.0, 0.0]]))
        {'relu': array([2., 1.])}

    Reference:
        Molchanov et al., ICLR 2017, arXiv:1611.06440, section 2.2 ("Activation").
    """
    graph = read_graph(model)
    sums: dict[str, np.ndarray] = {}
    counts: Counter[str] = Counter()

    def seen(step: Step, args: tuple, kwargs: dict) -> Any:
        """Add up what goes into a layer."""
        taken = tf.nest.flatten((args, kwargs))
        if taken and getattr(taken[0], "dtype", tf.string).is_floating and len(taken[0].shape) > 1:
            channels = taken[0].shape[-1]
            values = tf.reshape(tf.abs(tf.cast(taken[0], tf.float64)), (-1, channels))
            sums[step.name] = sums.get(step.name, 0) + tf.reduce_sum(values, axis=0).numpy()
            counts[step.name] += int(values.shape[0])
        return inference(step, args, kwargs)

    for batch in first_samples(model, data, samples, batch_size):
        run(graph, batch.x, seen)
    return {name: total / counts[name] for name, total in sums.items()}
