"""How channels pass through layer classes of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ArgumentError

SAME = "same"

_RULES: dict[type, tuple[Any, dict[str, int]]] = {}


def register_channels(
    layer_class: type, rule: str | Callable = SAME, *, follows: dict[str, int] | None = None
) -> None:
    """Say how channels pass through a layer class, so that channels can be removed around it.

    Without this, channels that go into a layer that tfedge does not know stay as they are. The
    layer is made anew from its config; weights that lose channels are cut along the given axis.

    Args:
        layer_class: A Keras 3 or tf_keras layer class. Subclasses are covered too.
        rule: ``"same"`` for a layer whose output channels depend each on the input channel of
            the same place alone (noise, clipping, scaling). Otherwise a function that is called
            with one ``Call`` (``tfedge.compress.pruning.channels.dependency.call``) and returns
            the ids of the output.
        follows: Weights with one value for each channel: attribute path to axis.

    Raises:
        ArgumentError: If ``layer_class`` is no class, or ``rule`` is neither ``"same"`` nor a
            function.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> class Gain(keras3().layers.Layer):
        ...     def build(self, shape):
        ...         self.gain = self.add_weight(shape=(shape[-1],), name="gain")
        ...     def call(self, inputs):
        ...         return inputs * self.gain
        >>> register_channels(Gain, "same", follows={"gain": 0})
    """
    if not isinstance(layer_class, type):
        raise ArgumentError(f"layer_class={layer_class!r} must be a class, not an object of it.")
    if rule != SAME and not callable(rule):
        raise ArgumentError(f"rule={rule!r} must be 'same' or a function of one call.")
    _RULES[layer_class] = (rule, dict(follows or {}))


def registered_channels(layer: Any) -> tuple[Any, dict[str, int]] | None:
    """Return the rule of a layer's class or nearest registered ancestor, and what follows.

    Example:
        >>> registered_channels("no layer") is None
        True
    """
    return next((_RULES[kind] for kind in type(layer).__mro__ if kind in _RULES), None)
