"""Lengths and directions of vectors, with gradients that are finite at nothing."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_NOTHING = 1e-20


def flat(features: Any) -> Any:
    """Return features as one vector per sample.

    Example:
        >>> flat(tf.ones((2, 3, 4))).shape.as_list()
        [2, 12]
    """
    size = features.shape[1:].num_elements()
    return tf.reshape(features, [tf.shape(features)[0], -1 if size is None else size])


def length(vectors: Any) -> Any:
    """Return the length over the last axis; its gradient at nothing is 0.

    Example:
        >>> length(tf.constant([[3.0, 4.0], [0.0, 0.0]])).numpy().tolist()
        [5.0, 0.0]
    """
    squares = tf.reduce_sum(tf.square(vectors), axis=-1)
    alive = squares > _NOTHING
    return tf.where(alive, tf.sqrt(tf.where(alive, squares, 1.0)), 0.0)


def unit(vectors: Any) -> Any:
    """Return vectors of length 1 over the last axis; nothing stays, with gradient 0.

    Example:
        >>> unit(tf.constant([[0.0, 4.0], [0.0, 0.0]])).numpy().tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    squares = tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True)
    alive = squares > _NOTHING
    return tf.where(alive, vectors, 0.0) * tf.math.rsqrt(tf.where(alive, squares, 1.0))


def others(count: Any) -> Any:
    """Return 1 for each pair of different samples, 0 on the diagonal.

    Example:
        >>> others(2).numpy().tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    return 1.0 - tf.eye(count)
