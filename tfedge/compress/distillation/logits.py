"""Logits of a classifier, whatever its last layer gives out."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.core.errors import ModelError
from tfedge.models.training.logits import logits_of
from tfedge.models.wrappers import unwrapped

_PASSES_ON = ("Dropout", "Flatten", "Reshape")
_SMALLEST = 1e-7

LOGITS, SOFTMAX, SIGMOID = "logits", "softmax", "sigmoid"


def output_kind(tensor: Any, name: str) -> str:
    """Return what an output of a model holds: ``"logits"``, ``"softmax"`` or ``"sigmoid"``.

    The layer that makes the output decides: a ``Softmax`` layer, or an activation named softmax
    or sigmoid. Dropout, Flatten and Reshape are looked through.

    Args:
        tensor: A symbolic output of a functional tf_keras model.
        name: Name of the model, for the error.

    Raises:
        ModelError: If several classes come out of a sigmoid: those are labels that do not
            exclude each other, and there is no distribution over them to soften.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> x = keras.layers.Dense(3)(keras.Input((4,)))
        >>> output_kind(x, "a"), output_kind(keras.layers.Softmax()(x), "b")
        ('logits', 'softmax')
    """
    kind = _activation_of(tensor)
    if kind == SIGMOID and tensor.shape[-1] != 1:
        raise ModelError(
            f"{name!r} ends in a sigmoid over {tensor.shape[-1]} outputs: labels that do not "
            f"exclude each other have no soft targets. Distil its logits (no activation), or "
            f"end it in a softmax."
        )
    return kind


def to_logits(outputs: Any, kind: str) -> Any:
    """Return logits whose softmax are the probabilities that a model gives.

    Where Keras still knows what the probabilities were computed from, that is returned. Others are
    turned back by their logarithm: softmax is unchanged by a constant, so ``softmax(log(p) / tau)``
    is the softened distribution. One output becomes two classes.

    Args:
        outputs: Shape ``(..., classes)``, floating point.
        kind: What :func:`output_kind` returned.

    Returns:
        Logits, float32, same shape; ``(..., 2)`` for one output.

    Example:
        >>> [[round(float(x), 2) for x in row] for row in to_logits([[0.5, 0.25]], "softmax")]
        [[-0.69, -1.39]]
        >>> to_logits([[3.0]], "logits").numpy().tolist()
        [[0.0, 3.0]]
    """
    known = logits_of(outputs) if kind != LOGITS else None
    if known is not None:
        outputs, kind = known, LOGITS
    values = tf.cast(outputs, tf.float32)
    if kind != LOGITS:
        values = tf.clip_by_value(values, _SMALLEST, 1.0 - (_SMALLEST if kind == SIGMOID else 0.0))
    if kind == SOFTMAX:
        return tf.math.log(values)
    if kind == SIGMOID:
        values = tf.math.log(values) - tf.math.log1p(-values)
    single = values.shape[-1] == 1
    return tf.concat([tf.zeros_like(values), values], axis=-1) if single else values


def _activation_of(tensor: Any) -> str:
    """Return which activation made a symbolic tensor, ``"logits"`` for none that matters."""
    wrapper = tensor._keras_history.layer
    layer = unwrapped(wrapper)
    kind = type(layer).__name__
    if kind == "Softmax":
        return SOFTMAX
    if kind in _PASSES_ON:
        return _activation_of(wrapper.inbound_nodes[0].keras_inputs[0])
    activation = getattr(layer, "activation", None)
    activation = getattr(activation, "activation", activation)
    if kind == "Activation" and getattr(activation, "__name__", "") == "linear":
        return _activation_of(wrapper.inbound_nodes[0].keras_inputs[0])
    name = getattr(activation, "__name__", "")
    return name if name in (SOFTMAX, SIGMOID) else LOGITS
