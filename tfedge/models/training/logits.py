"""Logits that probabilities were made of, carried along with them as Keras does.

Probabilities in int8 are multiples of 1/256. The smallest are 0, and a loss that takes their
logarithm has neither a finite value nor a gradient. Keras keeps the input of a softmax or sigmoid
with its output, and its cross-entropies use that; so do quantized layers.
"""

from __future__ import annotations

from typing import Any

_NOTE = "_keras_logits"


def logits_of(outputs: Any) -> Any:
    """Return what a softmax or sigmoid was computed from, None for other tensors.

    Example:
        >>> import tensorflow as tf
        >>> from tfedge.models.flavours import tf_keras
        >>> float(logits_of(tf_keras().activations.sigmoid(tf.constant(3.0))))
        3.0
    """
    return getattr(outputs, _NOTE, None)


def with_logits(outputs: Any, logits: Any) -> Any:
    """Return the same tensor, which says from now on what it was computed from.

    Example:
        >>> import tensorflow as tf
        >>> float(logits_of(with_logits(tf.constant(0.95), tf.constant(3.0))))
        3.0
    """
    setattr(outputs, _NOTE, logits)
    return outputs
