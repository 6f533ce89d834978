"""Activations as their int8 operators compute them: what is rounded inside, what comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfedge.models.training.fake_quant import fake_quantized

_UNIT = (0.0, 255 / 256)


@dataclasses.dataclass(frozen=True)
class Rounding:
    """What LiteRT does to the values of an activation.

    Args:
        fused: Whether it is done by the operator before it, without a step in between.
        fixed: The range of the output that the int8 kernel insists on, None where it is free.
        inside: The activation with its inner values rounded, None where it is one operator.
    """

    fused: bool = False
    fixed: tuple[float, float] | None = None
    inside: Callable[[Any], Any] | None = None


def _swish(values: Any) -> Any:
    """Return ``x * sigmoid(x)``, two operators in a file."""
    return values * fake_quantized(tf.sigmoid(values), *_UNIT)


def _hard_sigmoid(values: Any) -> Any:
    """Return ``relu6(x + 3) / 6``, two operators in a file."""
    return fake_quantized(tf.nn.relu6(values + 3.0), 0.0, 6.0) * (1.0 / 6.0)


_ROUNDINGS = {
    "linear": Rounding(fused=True),
    "relu": Rounding(fused=True),
    "relu6": Rounding(fused=True),
    "softmax": Rounding(fixed=_UNIT),
    "sigmoid": Rounding(fixed=_UNIT),
    "tanh": Rounding(fixed=(-1.0, 127 / 128)),
    "hard_sigmoid_sixth": Rounding(fixed=(0.0, 1.0), inside=_hard_sigmoid),
    "swish": Rounding(inside=_swish),
    "silu": Rounding(inside=_swish),
    "hard_silu": Rounding(),
    "gelu": Rounding(),
    "elu": Rounding(),
    "leaky_relu": Rounding(),
    "exponential": Rounding(),
}


def rounding_of(activation: Any) -> Rounding | None:
    """Return how LiteRT computes an activation in integers, None if it cannot.

    Args:
        activation: A function, or None for none.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> rounding_of(tf_keras().activations.relu).fused
        True
        >>> rounding_of(tf_keras().activations.softplus) is None
        True
    """
    if activation is None:
        return _ROUNDINGS["linear"]
    return _ROUNDINGS.get(getattr(activation, "__name__", ""))


def rounded_activation(activation: Any) -> Any:
    """Return an activation with its inner values rounded as in a file.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> rounded = rounded_activation(tf_keras().activations.swish)
        >>> float(rounded(tf.constant(2.0)))
        1.7578125
    """
    rounding = rounding_of(activation)
    return activation if rounding is None or rounding.inside is None else rounding.inside
