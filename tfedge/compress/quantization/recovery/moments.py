"""Means and variances of what linear layers make, before normalization and activation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfedge.models.graph import read_graph
from tfedge.models.running import Flow, inference
from tfedge.models.training.stand_in import stand_in
from tfedge.models.wrappers import unwrapped


class Moments(NamedTuple):
    """Mean and variance of each output channel, float64 of shape ``(channels,)``."""

    mean: np.ndarray
    variance: np.ndarray


def in_order(
    model: Any,
    batches: Sequence[Any],
    names: Collection[str],
    seen: Callable[[str, Moments], None],
) -> None:
    """Run all batches through a model, layer by layer.

    What ``seen`` changes about a layer counts for that layer and all behind it.

    Args:
        model: A functional tf_keras model, with or without fake quantization.
        batches: Inputs, each a list of tensors in the order of the model.
        names: Names of linear layers, each called once.
        seen: Is called at each of them, before it runs, with its name and the moments of what
            it is about to make, over all batches; normalization and activation left out.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> inputs = tf_keras().Input((1,))
        >>> head = tf_keras().layers.Dense(1, "relu", kernel_initializer="ones", name="head")
        >>> model = tf_keras().Model(inputs, head(inputs))
        >>> batches = [[tf.constant([[-3.0], [1.0]])], [tf.constant([[2.0]])]]
        >>> in_order(model, batches, ["head"], lambda name, one: print(name, one.mean))
        head [0.]
    """
    graph = read_graph(model)
    flows = [Flow(graph, inputs) for inputs in batches]
    for step in graph.steps:
        if step.name in names:
            seen(step.name, _moments(step.layer, (flow.arguments(step)[0] for flow in flows)))
        for flow in flows:
            flow.made(step, inference(step, *flow.arguments(step)))


def _moments(layer: Any, calls: Any) -> Moments:
    """Return the moments of what a layer makes of several batches."""
    count, sums, squares = 0, np.zeros(1), np.zeros(1)
    for args in calls:
        made = _linear(layer, args)
        axes = list(range(len(made.shape) - 1))
        mean, variance = (np.asarray(one, np.float64) for one in tf.nn.moments(made, axes))
        values = int(tf.size(made)) // len(mean)
        count += values
        sums = sums + values * mean
        squares = squares + values * (variance + mean**2)
    mean = sums / count
    return Moments(mean, np.maximum(squares / count - mean**2, 0))


def _linear(layer: Any, args: tuple) -> Any:
    """Return what a layer makes with its rounded kernel, without its activation."""
    values = {
        scheme.path: scheme.apply(kernel, False, state)
        for kernel, scheme, state in getattr(layer, "_weight_vars", ())
    }
    inner = unwrapped(layer)
    with stand_in(inner, {**values, "activation": tf.identity}):
        return tf.cast(inner(*args), tf.float32)
