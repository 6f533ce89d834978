"""What flows through a model: its calls run one by one, so that every tensor can be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.samples import by_input, first_samples
from tfedge.models.edges import Tensor, map_tensors, tensors_in
from tfedge.models.graph import Cast, LayerGraph, Step, read_graph
from tfedge.models.nodes import takes_training

Call = Callable[[Step, tuple, dict], Any]


def run(graph: LayerGraph, x: Any, call: Call) -> None:
    """Run one batch through a model, call by call; what is not needed any more is let go.

    Args:
        graph: The layer graph, nested models flattened.
        x: A batch: an array, a list in the order of the inputs, or a dict by input name.
        call: Makes each call: gets the step and its arguments with real tensors, and returns
            the outputs. :func:`inference` is the plain one.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> model = keras3().Sequential([keras3().Input((2,)), keras3().layers.ReLU(name="relu")])
        >>> def seen(step, args, kwargs):
        ...     print(step.name, args[0].shape)
        ...     return inference(step, args, kwargs)
        >>> run(read_graph(model), np.ones((3, 2), "float32"), seen)
        relu (3, 2)
    """
    values = by_input(graph, x)
    uses = Counter(tensor for step in graph.steps for tensor in _arguments(step))
    for step in graph.steps:
        args, kwargs = (map_tensors(part, values.get) for part in (step.args, step.kwargs))
        made = tf.nest.flatten(call(step, args, kwargs))
        values.update(zip(step.outputs, made, strict=True))
        for tensor in _arguments(step):
            uses[tensor] -= 1
            if not uses[tensor]:
                values.pop(tensor, None)


def inference(step: Step, args: tuple, kwargs: dict) -> Any:
    """Make one call as in inference."""
    if isinstance(step.layer, Cast):
        return tf.cast(args[0], step.layer.dtype)
    if takes_training(step.layer):
        kwargs = {**kwargs, "training": False}
    return step.layer(*args, **kwargs)


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


def _arguments(step: Step) -> list[Tensor]:
    """Return the tensors that a call takes."""
    return tensors_in((step.args, step.kwargs))
