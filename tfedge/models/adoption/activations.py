"""Activations of Keras 3 as functions that tf_keras can save, load and clone by name.

Where tf_keras has the same function under a name, that name is used. The others are registered
here. Two traps: ``hard_sigmoid`` is another function in each Keras (slope 1/6 and 1/5), and
tfmot clones by config, so that a plain function would be lost.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.flavours import keras3, tf_keras

_SAME = frozenset(
    [
        "elu",
        "exponential",
        "gelu",
        "leaky_relu",
        "linear",
        "log_softmax",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "softmax",
        "softplus",
        "softsign",
        "tanh",
    ]
)
_RENAMED = {"silu": "swish", "swish": "swish", "hard_swish": "hard_silu"}
_FROM_KERAS3 = frozenset(
    [
        "celu",
        "glu",
        "hard_shrink",
        "hard_tanh",
        "log_sigmoid",
        "soft_shrink",
        "sparse_plus",
        "sparse_sigmoid",
        "sparsemax",
        "squareplus",
        "tanh_shrink",
        "threshold",
    ]
)


@tf_keras().saving.register_keras_serializable("tfedge", "hard_sigmoid_sixth")
def hard_sigmoid_sixth(x: Any) -> Any:
    """Return ``relu6(x + 3) / 6``, the hard sigmoid of Keras 3 and of MobileNetV3.

    Example:
        >>> import tensorflow as tf
        >>> hard_sigmoid_sixth(tf.constant([-3.0, 0.0, 3.0])).numpy().tolist()
        [0.0, 0.5, 1.0]

    Reference:
        Howard et al., ICCV 2019, arXiv:1905.02244, section 5.2.
    """
    return tf_keras().activations.relu(x + 3.0, max_value=6.0) * (1.0 / 6.0)


@tf_keras().saving.register_keras_serializable("tfedge", "hard_silu")
def hard_silu(x: Any) -> Any:
    """Return ``x * relu6(x + 3) / 6``, also known as hard swish.

    Example:
        >>> import tensorflow as tf
        >>> hard_silu(tf.constant([-4.5, 0.0, 3.0])).numpy().tolist()
        [-0.0, 0.0, 3.0]

    Reference:
        Howard et al., ICCV 2019, arXiv:1905.02244, section 5.2.
    """
    return x * hard_sigmoid_sixth(x)


def translate_activation(activation: Any, owner: str) -> Any:
    """Return the tf_keras activation for one of Keras 3: a name, or a registered function.

    Args:
        activation: What a Keras 3 layer holds: a function, or None.
        owner: Name of the layer, for the error message.

    Raises:
        ModelError: If the activation is an object with a state of its own.

    Example:
        >>> translate_activation(keras3().activations.silu, "dense")
        'swish'
    """
    if activation is None:
        return None
    if not callable(activation):
        raise ModelError(f"The layer {owner!r} has the activation {activation!r}, no function.")
    name = getattr(activation, "__name__", "")
    if getattr(keras3().activations, name, None) is not activation:
        return _own(activation)
    if name in _SAME:
        return name
    name = _RENAMED.get(name, name)
    if name == "hard_sigmoid":
        return hard_sigmoid_sixth
    if name == "hard_silu":
        return hard_silu
    if name in _FROM_KERAS3:
        return _from_keras3(name)
    return name if hasattr(tf_keras().activations, name) else _own(activation)


def portable_activation(function: Any) -> Callable[[Any], Any] | None:
    """Return a registered stand-in for an activation that tf_keras could not find by name.

    Args:
        function: What a tf_keras layer holds as its activation.

    Returns:
        None where none is needed.
    """
    if not hasattr(function, "__name__"):
        return None
    activations = tf_keras().activations
    if function.__name__ != "<lambda>":
        try:
            if activations.get(activations.serialize(function)) is function:
                return None
        except (ValueError, TypeError):
            return _own(function)
    return _own(function)


@functools.cache
def _from_keras3(name: str) -> Callable[[Any], Any]:
    """Return a registered function that runs the Keras 3 activation ``name``."""

    def activation(x: Any) -> Any:
        return getattr(keras3().activations, name)(x)

    return _registered(activation, f"keras3_{name}")


@functools.cache
def _own(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a registered function that runs one of the user's, under a name of its own."""

    def activation(x: Any) -> Any:
        return function(x)

    module = getattr(function, "__module__", "user")
    label = getattr(function, "__qualname__", type(function).__name__)
    return _registered(activation, f"{module}.{label}.{_own.cache_info().currsize}")


def _registered(function: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    """Give a function a name and register it with tf_keras."""
    function.__name__ = function.__qualname__ = "".join(c if c.isalnum() else "_" for c in name)
    return tf_keras().saving.register_keras_serializable("tfedge", name)(function)


@functools.cache
def register_all() -> None:
    """Register every activation that a saved adopted model may name."""
    for name in sorted(_FROM_KERAS3):
        if hasattr(keras3().activations, name):
            _from_keras3(name)
