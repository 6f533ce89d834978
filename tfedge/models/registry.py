"""Which tf_keras layer stands for a layer class of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras

_TWINS: dict[type, Any] = {}


def register_layer(keras3_class: type, twin: type | Callable[[Any], Any]) -> None:
    """Name the tf_keras twin of a custom Keras 3 layer, so that :func:`adopt` can copy it.

    Weights are copied by position: the twin must create the same shapes in the same order. A twin
    class that is not registered with tf_keras is registered as serializable, under ``tfedge>``,
    so that models with it can be wrapped, saved and loaded.

    Args:
        keras3_class: The Keras 3 layer class. Subclasses are registered on their own.
        twin: The tf_keras class, made with ``twin.from_config(layer.get_config())`` (dtype and
            built-in initializers, regularizers, constraints and activations are translated),
            or a function that takes the Keras 3 layer and returns a tf_keras layer.

    Raises:
        ArgumentError: If ``keras3_class`` is no class or ``twin`` cannot be called.

    Example:
        >>> from tfedge.models.flavours import keras3, tf_keras
        >>> class Doubled(keras3().layers.Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> register_layer(Doubled, lambda layer: tf_keras().layers.Rescaling(2.0))
    """
    if not isinstance(keras3_class, type):
        raise ArgumentError(f"keras3_class={keras3_class!r} must be a class, not an object of it.")
    if not callable(twin):
        raise ArgumentError(f"twin={twin!r} must be a tf_keras layer class or a function.")
    _TWINS[keras3_class] = twin
    if isinstance(twin, type):
        _make_serializable(twin)


def _make_serializable(twin: type) -> None:
    """Let tf_keras find a class by its name."""
    saving = tf_keras().saving
    if saving.get_registered_name(twin) == twin.__name__:
        saving.register_keras_serializable("tfedge")(twin)


def twin_of(keras3_class: type) -> Any:
    """Return what was registered for a class, or None."""
    return _TWINS.get(keras3_class)
