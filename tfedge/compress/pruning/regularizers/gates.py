"""L0 gates on channels, as a layer of either Keras."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.pruning.regularizers.hard_concrete import (
    ExpectedL0,
    initial_log_alpha,
    sampled,
    settled,
)
from tfedge.models.channels import register_channels
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.registry import register_layer

_KERAS3: Any = keras3()
_TF_KERAS: Any = tf_keras()


class _Gate:
    """What the layers of both Kerases do."""

    def __init__(self, strength: float = 1e-3, keep: float = 0.9, **settings: Any) -> None:
        super().__init__(**settings)
        self.strength, self.keep = strength, keep
        self._start = initial_log_alpha(keep)

    def build(self, input_shape: Any) -> None:
        """Make one parameter for each channel."""
        self.log_alpha = self.add_weight(  # type: ignore[attr-defined]
            shape=(int(input_shape[-1]),),
            initializer=_constant(self, self._start),
            regularizer=ExpectedL0(self.strength),
            name="log_alpha",
        )
        super().build(input_shape)  # type: ignore[misc]

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Multiply each channel by its gate: a sample in training, settled otherwise."""
        log_alpha = tf.convert_to_tensor(self.log_alpha)
        gates = sampled(log_alpha, uniform(log_alpha)) if training else settled(log_alpha)
        return inputs * tf.cast(gates, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        base = super().get_config()  # type: ignore[misc]
        return {**base, "strength": self.strength, "keep": self.keep}


@_KERAS3.saving.register_keras_serializable("tfedge")
class L0Gate(_Gate, _KERAS3.layers.Layer):
    """Multiplies each channel by a gate that training opens or closes; a layer of Keras 3.

    Put it after the activation of the layer whose channels are to go. The penalty on the expected
    number of open gates is one of the model's losses. Closed gates are exactly 0 in inference:
    :func:`tfedge.remove_dead_channels` removes what they close. For tf_keras take
    :class:`TFKerasL0Gate`.

    Args:
        strength: Penalty for one open gate.
        keep: Gates start open with about this value, in (0, 1).
        **settings: What a Keras layer takes, such as ``name``.

    Raises:
        ArgumentError: If a setting is out of range.

    Example:
        >>> layers = _KERAS3.layers
        >>> stack = [layers.Input((4,)), layers.Dense(8, activation="relu"), L0Gate(1e-2)]
        >>> model = _KERAS3.Sequential([*stack, layers.Dense(2)])
        >>> len(model.losses)
        1

    Reference:
        Louizos et al., "Learning Sparse Neural Networks through L0 Regularization", ICLR 2018,
        arXiv:1712.01312.
    """


@_TF_KERAS.saving.register_keras_serializable("tfedge", "L0Gate")
class TFKerasL0Gate(_Gate, _TF_KERAS.layers.Layer):
    """:class:`L0Gate` as a layer of tf_keras.

    Args:
        strength: Penalty for one open gate.
        keep: Gates start open with about this value, in (0, 1).
        **settings: What a tf_keras layer takes.

    Raises:
        ArgumentError: If a setting is out of range.

    Example:
        >>> TFKerasL0Gate(1e-2)(tf.ones((2, 3))).shape
        TensorShape([2, 3])
    """


def uniform(like: Any) -> Any:
    """Return uniform random numbers in (0, 1), both ends left out.

    Example:
        >>> uniform(tf.zeros((2, 3))).shape
        TensorShape([2, 3])
    """
    return tf.random.uniform(tf.shape(like), 1e-6, 1 - 1e-6, like.dtype)


def _constant(layer: Any, value: float) -> Any:
    """Return the initializer of the layer's own Keras."""
    keras = _KERAS3 if isinstance(layer, _KERAS3.layers.Layer) else _TF_KERAS
    return keras.initializers.Constant(value)


register_layer(L0Gate, TFKerasL0Gate)
for _kind in (L0Gate, TFKerasL0Gate):
    register_channels(_kind, "same", follows={"log_alpha": 0})
