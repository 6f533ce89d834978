"""The hard concrete distribution: gates in [0, 1] that are exactly 0 or 1 with some probability.

The number of open gates, an L0 norm, has no gradient. Its expectation under this distribution has
one, and samples can be differentiated by the parameter ``log_alpha`` of each gate.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from tfedge.compress.pruning.regularizers.both import Regularizer, registered
from tfedge.core.checks import within
from tfedge.core.errors import ArgumentError

TEMPERATURE, LOW, HIGH = 2 / 3, -0.1, 1.1


def sampled(log_alpha: Any, uniform: Any) -> Any:
    """Return gates for training.

    ``s = sigmoid((log(u) - log(1 - u) + log_alpha) / beta)``, stretched to ``(-0.1, 1.1)`` and
    clipped to ``[0, 1]``.

    Args:
        log_alpha: Parameters, float, any shape.
        uniform: Uniform random numbers in (0, 1), same shape.

    Returns:
        Gates, same shape.

    Example:
        >>> float(sampled(tf.constant(0.0), tf.constant(0.5)))
        0.5

    Reference:
        Louizos et al., ICLR 2018, arXiv:1712.01312, equations 10 and 11.
    """
    noise = tf.math.log(uniform) - tf.math.log(1 - uniform)
    return _stretched(tf.sigmoid((noise + log_alpha) / TEMPERATURE))


def settled(log_alpha: Any) -> Any:
    """Return gates for inference: ``clip(1.2 * sigmoid(log_alpha) - 0.1, 0, 1)``.

    Args:
        log_alpha: Parameters, float, any shape.

    Returns:
        Gates, same shape.

    Example:
        >>> settled(tf.constant([-3.0, 0.0, 3.0])).numpy().tolist()
        [0.0, 0.5, 1.0]

    Reference:
        Louizos et al., ICLR 2018, arXiv:1712.01312, equation 13.
    """
    return _stretched(tf.sigmoid(tf.convert_to_tensor(log_alpha)))


def open_probability(log_alpha: Any) -> Any:
    """Return the probability that gates are not 0: ``sigmoid(log_alpha - beta * log(0.1 / 1.1))``.

    Args:
        log_alpha: Parameters, float, any shape.

    Returns:
        Probabilities, same shape.

    Example:
        >>> round(float(open_probability(tf.constant(0.0))), 4)
        0.8318

    Reference:
        Louizos et al., ICLR 2018, arXiv:1712.01312, equation 12.
    """
    shift = TEMPERATURE * math.log(-LOW / HIGH)
    return tf.sigmoid(tf.convert_to_tensor(log_alpha) - shift)


def initial_log_alpha(keep: float) -> float:
    """Return the parameter at which ``sigmoid(log_alpha)`` is ``keep``.

    Args:
        keep: In (0, 1).

    Raises:
        ArgumentError: If ``keep`` is not in (0, 1).

    Example:
        >>> initial_log_alpha(0.5)
        0.0
    """
    within("keep", keep, 0.0, 1.0)
    if keep in (0, 1):
        raise ArgumentError(
            f"keep={keep!r} must lie between 0 and 1: gates have to be able to move."
        )
    return math.log(keep) - math.log(1 - keep)


@registered
class ExpectedL0(Regularizer):
    """Penalizes the expected number of open gates: ``strength * sum(P(gate != 0))``.

    A regularizer of the parameters of gates; :class:`L0Gate` and :class:`L0Weights` use it.

    Args:
        strength: Penalty for one open gate, at least 0.

    Raises:
        ArgumentError: If ``strength`` is negative.

    Example:
        >>> round(float(ExpectedL0(0.5)(tf.zeros(2))), 4)
        0.8318

    Reference:
        Louizos et al., ICLR 2018, arXiv:1712.01312, equation 12.
    """

    def __init__(self, strength: float = 1e-3) -> None:
        if not strength >= 0:
            raise ArgumentError(f"strength={strength!r} must be at least 0.")
        self.strength = strength

    def __call__(self, log_alpha: Any) -> Any:
        """Return the penalty, a scalar."""
        return self.strength * tf.reduce_sum(open_probability(log_alpha))

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {"strength": self.strength}


def _stretched(gates: Any) -> Any:
    """Return gates stretched beyond [0, 1] and clipped to it."""
    return tf.clip_by_value(gates * (HIGH - LOW) + LOW, 0.0, 1.0)
