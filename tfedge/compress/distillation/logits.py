"""Logits behind the outputs of a model, whatever its last layer gives out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfedge.models.training.logits import logits_of
from tfedge.models.wrappers import unwrapped

_PASSES_ON = ("Dropout", "Flatten", "Reshape")
_SMALLEST = 1e-7

LOGITS, SOFTMAX, SIGMOID = "logits", "softmax", "sigmoid"


def activation_of(tensor: Any) -> str:
    """Return what an output of a model holds: ``"logits"``, ``"softmax"`` or ``"sigmoid"``.

    The layer that makes the output decides: a ``Softmax`` layer, or an activation named softmax
    or sigmoid. Dropout, Flatten and Reshape are looked through. Everything else is
    ``"logits"``, also the values of a regression: the model does not tell.

    Args:
        tensor: A symbolic output of a functional tf_keras model.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> x = keras.layers.Dense(3)(keras.Input((4,)))
        >>> activation_of(x), activation_of(keras.layers.Softmax()(x))
        ('logits', 'softmax')
    """
    *_, last = behind(tensor)
    layer = unwrapped(last._keras_history.layer)
    name = SOFTMAX if type(layer).__name__ == "Softmax" else _name_of_activation(layer)
    name = getattr(layer, "holds", name)
    return name if name in (SOFTMAX, SIGMOID) else LOGITS


def behind(tensor: Any) -> Iterator[Any]:
    """Yield a symbolic output, and what it was made of as long as the layers pass it on.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> logits = layers.Dense(4, name="head")(layers.Input((4,)))
        >>> [x.shape.as_list() for x in behind(layers.Reshape((2, 2))(logits))]
        [[None, 2, 2], [None, 4]]
    """
    yield tensor
    while _passes_on(tensor):
        layer, node, _ = tensor._keras_history
        tensor = layer.inbound_nodes[node].keras_inputs[0]
        yield tensor


def to_logits(outputs: Any, kind: str) -> Any:
    """Return logits whose softmax are the probabilities that a model gives.

    As :func:`to_scores`, of classes that exclude each other: one output becomes two classes.

    Args:
        outputs: Shape ``(..., classes)``, floating point.
        kind: What :func:`activation_of` returned.

    Returns:
        Logits, float32, same shape; ``(..., 2)`` for one output.

    Example:
        >>> [[round(float(x), 2) for x in row] for row in to_logits([[0.5, 0.25]], "softmax")]
        [[-0.69, -1.39]]
        >>> to_logits([[3.0]], "logits").numpy().tolist()
        [[0.0, 3.0]]
    """
    values = to_scores(outputs, kind)
    single = values.shape[-1] == 1 and kind != SOFTMAX
    return tf.concat([tf.zeros_like(values), values], axis=-1) if single else values


def to_scores(outputs: Any, kind: str) -> Any:
    """Return what a softmax or sigmoid was, or may have been, computed from.

    Where Keras still knows what the probabilities were computed from, that is returned. Others
    are turned back: a sigmoid by its inverse, a softmax by the logarithm, since it is unchanged
    by a constant and ``softmax(log(p) / tau)`` is the softened distribution.

    Args:
        outputs: Shape ``(..., classes)`` or ``(..., labels)``, floating point.
        kind: What :func:`activation_of` returned.

    Returns:
        Float32, same shape.

    Example:
        >>> [round(float(x), 2) for x in to_scores([0.5, 0.75], "sigmoid")]
        [0.0, 1.1]
    """
    known = logits_of(outputs) if kind != LOGITS else None
    if known is not None:
        outputs, kind = known, LOGITS
    values = tf.cast(outputs, tf.float32)
    if kind == SOFTMAX:
        return tf.math.log(tf.clip_by_value(values, _SMALLEST, 1.0))
    if kind == SIGMOID:
        values = tf.clip_by_value(values, _SMALLEST, 1.0 - _SMALLEST)
        return tf.math.log(values) - tf.math.log1p(-values)
    return values


def _passes_on(tensor: Any) -> bool:
    """Return whether the layer of a symbolic tensor leaves the values as they are."""
    layer = unwrapped(tensor._keras_history.layer)
    if type(layer).__name__ == "Activation":
        return _name_of_activation(layer) == "linear"
    return type(layer).__name__ in _PASSES_ON


def _name_of_activation(layer: Any) -> str:
    """Return the name of a layer's activation, also of one that is fake-quantized."""
    activation = getattr(layer, "activation", None)
    activation = getattr(activation, "activation", activation)
    return getattr(activation, "__name__", "")
