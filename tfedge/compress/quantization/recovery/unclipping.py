"""ReLU6 as ReLU, where it hardly ever clips: then what goes through it can be scaled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

from tfedge.compress.quantization.rules import kind_of
from tfedge.models.flavours import tf_keras
from tfedge.models.graph import read_graph
from tfedge.models.rewrite import replace_layers
from tfedge.models.running import inference, run
from tfedge.models.training.stand_in import stand_in

_MOST_CLIPPED = 1e-3
"""Largest share of the energy of a tensor that clipping may take: 30 dB."""


def without_clipping(model: Any, batches: Sequence[Any], leave: Collection[str] = ()) -> Any:
    """Return a model with ReLU in place of each ReLU6 that hardly clips anything.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        batches: Inputs, each a list of tensors in the order of the model.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt, or ``model`` itself if no ReLU6 goes.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, keras.layers.ReLU(6.0, name="act")(inputs))
        >>> for x in (5.0, 9.0):
        ...     print(without_clipping(model, [[tf.fill((1, 2), x)]]).get_layer("act").max_value)
        None
        6.0

    Reference:
        Nagel et al., ICCV 2019, arXiv:1906.04721, section 5.1.1 (which replaces every ReLU6).
    """
    clipping = {layer.name for layer in model.layers if _clips(layer) and layer.name not in leave}
    if not clipping:
        return model
    energy = dict.fromkeys(clipping, 0.0)
    excess = dict.fromkeys(clipping, 0.0)

    def seen(step: Any, args: tuple, kwargs: dict) -> Any:
        """Note what a ReLU6 clips."""
        if step.name in clipping:
            with stand_in(step.layer, _opened(step.layer)):
                values = tf.cast(inference(step, args, kwargs), tf.float32)
            energy[step.name] += float(tf.reduce_sum(tf.minimum(values, 6.0) ** 2))
            excess[step.name] += float(tf.reduce_sum(tf.nn.relu(values - 6.0) ** 2))
        return inference(step, args, kwargs)

    graph = read_graph(model)
    for inputs in batches:
        run(graph, inputs, seen)
    going = {name for name in clipping if excess[name] <= _MOST_CLIPPED * energy[name]}
    return replace_layers(model, lambda layer: [_relu(layer)] if layer.name in going else None)


def _clips(layer: Any) -> bool:
    """Return whether a layer ends in a ReLU6."""
    if kind_of(layer) == "ReLU":
        return layer.max_value == 6 and not layer.negative_slope and not layer.threshold
    return getattr(getattr(layer, "activation", None), "__name__", "") == "relu6"


def _opened(layer: Any) -> dict[str, Any]:
    """Return what makes a ReLU of a ReLU6 while it is called."""
    return {"max_value": None} if kind_of(layer) == "ReLU" else {"activation": tf.nn.relu}


def _relu(layer: Any) -> Any:
    """Return a copy of a layer that ends in a ReLU instead."""
    if kind_of(layer) == "ReLU":
        return tf_keras().layers.ReLU(name=layer.name)
    made = type(layer).from_config({**layer.get_config(), "activation": "relu"})
    made.build(layer.input_shape)
    made.set_weights(layer.get_weights())
    return made
