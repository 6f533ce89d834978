"""L0 gates on single weights, as a wrapper of either Keras."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.pruning.regularizers.gates import _constant, uniform
from tfedge.compress.pruning.regularizers.hard_concrete import (
    ExpectedL0,
    initial_log_alpha,
    sampled,
    settled,
)
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras

_KERAS3: Any = keras3()
_TF_KERAS: Any = tf_keras()


class _GatedWeights:
    """What the wrappers of both Kerases do."""

    def __init__(
        self, layer: Any, strength: float = 1e-5, keep: float = 0.9, **settings: Any
    ) -> None:
        super().__init__(layer, **settings)  # type: ignore[call-arg]
        self.strength, self.keep = strength, keep
        self._start = initial_log_alpha(keep)

    def build(self, input_shape: Any) -> None:
        """Build the layer, and make one parameter for each weight of its kernel."""
        super().build(input_shape)  # type: ignore[misc]
        kernel = getattr(self.layer, "kernel", None)  # type: ignore[attr-defined]
        if kernel is None:
            raise ArgumentError(
                f"{self.layer.name!r} ({type(self.layer).__name__}) has no kernel whose weights "  # type: ignore[attr-defined]
                f"gates could close. Wrap a Dense or a convolution."
            )
        self.log_alpha = self.add_weight(  # type: ignore[attr-defined]
            shape=tuple(kernel.shape),
            initializer=_constant(self, self._start),
            regularizer=ExpectedL0(self.strength),
            name="log_alpha",
        )

    def gated_kernel(self, training: Any = None) -> Any:
        """Return the kernel times its gates: samples in training, settled otherwise."""
        log_alpha = tf.convert_to_tensor(self.log_alpha)
        gates = sampled(log_alpha, uniform(log_alpha)) if training else settled(log_alpha)
        return tf.convert_to_tensor(self.layer.kernel) * gates  # type: ignore[attr-defined]

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        base = super().get_config()  # type: ignore[misc]
        return {**base, "strength": self.strength, "keep": self.keep}


@_KERAS3.saving.register_keras_serializable("tfedge")
class L0Weights(_GatedWeights, _KERAS3.layers.Wrapper):
    """Puts a gate on each weight of a kernel that training opens or closes; for Keras 3.

    The penalty on the expected number of open gates is one of the model's losses.
    :func:`tfedge.settle_gates` makes plain layers of it, in which closed weights are 0. For
    tf_keras take :class:`TFKerasL0Weights`.

    Args:
        layer: The layer, with a weight ``kernel``.
        strength: Penalty for one open gate.
        keep: Gates start open with about this value, in (0, 1).
        **settings: What a Keras layer takes, such as ``name``.

    Raises:
        ArgumentError: If a setting is out of range, or the layer has no kernel.

    Example:
        >>> layers = _KERAS3.layers
        >>> stack = [layers.Input((4,)), L0Weights(layers.Dense(2), 1e-3)]
        >>> len(_KERAS3.Sequential(stack).losses)
        1

    Reference:
        Louizos et al., ICLR 2018, arXiv:1712.01312.
    """

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Call the layer with the gated kernel in place of its own."""
        inner, gated = self.layer, self.gated_kernel(training)
        trained, fixed = (
            [gated if one is inner.kernel else one for one in variables]
            for variables in (inner.trainable_variables, inner.non_trainable_variables)
        )
        return inner.stateless_call(trained, fixed, inputs)[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape that the layer returns."""
        return self.layer.compute_output_shape(input_shape)


@_TF_KERAS.saving.register_keras_serializable("tfedge", "L0Weights")
class TFKerasL0Weights(_GatedWeights, _TF_KERAS.layers.Wrapper):
    """:class:`L0Weights` for tf_keras.

    Args:
        layer: The layer, with a weight ``kernel``.
        strength: Penalty for one open gate.
        keep: Gates start open with about this value, in (0, 1).
        **settings: What a tf_keras layer takes.

    Raises:
        ArgumentError: If a setting is out of range, or the layer has no kernel.

    Example:
        >>> TFKerasL0Weights(_TF_KERAS.layers.Dense(2))(tf.ones((5, 3))).shape
        TensorShape([5, 2])
    """

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Call the layer with the gated kernel in place of its own."""
        variable = self.layer.kernel
        # Past __setattr__, which would take the variable out of the layer's weights.
        self.layer.__dict__["kernel"] = self.gated_kernel(training)
        try:
            return self.layer(inputs)
        finally:
            self.layer.__dict__["kernel"] = variable
