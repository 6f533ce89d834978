"""A penalty that makes whole channels of a kernel small."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.pruning.regularizers.both import Regularizer, registered
from tfedge.core.errors import ArgumentError


@registered
class GroupLasso(Regularizer):
    """Penalizes the norm of each channel of a kernel: ``strength * sqrt(n) * sum(||w_c||)``.

    ``n`` is the number of weights of one channel. Gradients of the norm do not fade near zero,
    so channels get small as a whole; they get exactly zero with
    :class:`tfedge.callbacks.ChannelShrinkage`, which also knows which channels are tied.

    Args:
        strength: Factor of the penalty, at least 0.
        axis: Axis of the channels: -1 for those that a kernel makes, -2 for those that it takes.

    Raises:
        ArgumentError: If ``strength`` is negative.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> penalty = GroupLasso(0.1)
        >>> dense = keras3().layers.Dense(8, kernel_regularizer=penalty)
        >>> round(float(penalty(tf.constant([[3.0, 0.0], [4.0, 0.0]]))), 4)
        0.7071

    Reference:
        Yuan and Lin, 2006; for channels: Wen et al., "Learning Structured Sparsity", NeurIPS
        2016, arXiv:1608.03665, equation 4.
    """

    def __init__(self, strength: float = 1e-4, axis: int = -1) -> None:
        if not strength >= 0:
            raise ArgumentError(f"strength={strength!r} must be at least 0.")
        self.strength, self.axis = strength, axis

    def __call__(self, weight: Any) -> Any:
        """Return the penalty of a kernel, a scalar."""
        weight = tf.convert_to_tensor(weight)
        rank = weight.shape.rank
        others = [axis for axis in range(rank) if axis != self.axis % rank]
        squares = tf.reduce_sum(tf.square(weight), others)
        size = weight.shape.num_elements() / squares.shape[0]
        tiny = tf.constant(1e-12, weight.dtype)  # keeps the gradient finite at zero
        return self.strength * size**0.5 * tf.reduce_sum(tf.sqrt(tf.maximum(squares, tiny)))

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {"strength": self.strength, "axis": self.axis}
