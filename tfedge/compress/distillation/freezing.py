"""Layers of a student that are left as they are."""

from __future__ import annotations

from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.models.selection import select_among
from tfedge.models.wrappers import unwrapped


def frozen(student: Any, choice: Any) -> None:
    """Make layers of a student untrainable.

    A frozen batch normalization uses its moving statistics, as everywhere in Keras.

    Args:
        student: A functional tf_keras model; its layers may be wrapped.
        choice: A layer name, a regular expression that matches a whole name, a layer class, or
            several of these; None for no layer.

    Raises:
        ArgumentError: If an entry matches no layer, or nothing is left to train.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> x = keras.layers.Dense(2, name="stem")(inputs)
        >>> model = keras.Model(inputs, keras.layers.Dense(3)(x))
        >>> frozen(model, "stem")
        >>> len(model.trainable_weights)
        2
    """
    layers = {unwrapped(layer).name: layer for layer in student.layers}
    for name in select_among(layers, choice, "freeze", student.name):
        layers[name].trainable = False
    if choice is not None and not student.trainable_weights:
        raise ArgumentError(
            f"freeze={choice!r} leaves no weight of {student.name!r} to train. Freeze fewer layers."
        )
