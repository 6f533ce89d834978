"""Labels as class numbers, however they are given."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.core.errors import ArgumentError


def check_labels(x: Any, y: Any, loss: Any) -> None:
    """Refuse data without labels where a loss of labels is compiled, before Keras does in a graph.

    Args:
        x: As ``fit`` takes it. What cannot be looked into (generators, sequences) passes.
        y: As ``fit`` takes it.
        loss: What was compiled: a loss, several, or nothing.

    Raises:
        ArgumentError: If there is a loss and there are no labels.

    Example:
        >>> check_labels(tf.ones((2, 3)), None, None)
    """
    if not loss or y is not None:
        return
    spec = getattr(x, "element_spec", None)
    bare = len(spec) < 2 if isinstance(spec, tuple) else spec is not None
    if bare or tf.is_tensor(x) or hasattr(x, "__array__") or isinstance(x, (dict, list)):
        raise ArgumentError(
            "There are no labels in the data, and compile was given a loss, which compares with "
            "labels. Give y (a data set yields (x, y)), or let the teacher teach alone: "
            "alpha=0 and compile without a loss."
        )


def class_numbers(labels: Any, axes: int) -> Any:
    """Return the class number of each example.

    Args:
        labels: Class numbers, shape ``(samples, ...)`` of ``axes`` axes or the same with a last
            axis of 1; or one-hot, mixed or smoothed labels, with a last axis of classes.
        axes: How many axes tell examples apart.

    Returns:
        int32, ``axes`` axes.

    Raises:
        ArgumentError: If the labels have another number of axes.

    Example:
        >>> [class_numbers(y, 1).numpy().tolist() for y in ([2, 0], [[2], [0]], [[0, 1], [1, 0]])]
        [[2, 0], [2, 0], [1, 0]]
    """
    labels = tf.convert_to_tensor(labels)
    found = len(labels.shape)
    if found == axes + 1 and labels.shape[-1] == 1:
        labels = tf.squeeze(labels, axis=-1)
    elif found == axes + 1:
        return tf.argmax(labels, axis=-1, output_type=tf.int32)
    elif found != axes:
        raise ArgumentError(
            f"Labels of shape {tuple(labels.shape)} do not fit: a class number for each example "
            f"has {axes} axes, one-hot labels one more."
        )
    return tf.cast(tf.round(labels) if labels.dtype.is_floating else labels, tf.int32)
