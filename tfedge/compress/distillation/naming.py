"""Outputs by name, and what users give by output: labels and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.models.wrappers import unwrapped


def output_names(model: Any) -> list[str]:
    """Return the names of the outputs, in the order of ``tf.nest.flatten``.

    The keys, if the outputs are a dict; else the names of the layers that make them, without
    training-time wrappers around.

    Args:
        model: A functional tf_keras model.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> x = keras.Input((4,))
        >>> output_names(keras.Model(x, {"b": keras.layers.Dense(1)(x), "a": x}))
        ['a', 'b']
        >>> output_names(keras.Model(x, keras.layers.Dense(1, name="head")(x)))
        ['head']
    """
    if isinstance(model.output, Mapping):
        return sorted(model.output)
    layers = [unwrapped(tensor._keras_history.layer) for tensor in model.outputs]
    return [layer.name for layer in layers]


def by_output(what: str, given: Any, names: list[str]) -> list[Any]:
    """Return what was given for each output: None where nothing was.

    Args:
        what: What it is, for the error.
        given: None; one thing, for a model of one output; a list or dict by output.
        names: The names of the outputs, in order.

    Raises:
        ArgumentError: If it is not clear what belongs to which output.

    Example:
        >>> by_output("y", {"b": 1}, ["a", "b"]), by_output("y", 1, ["a"])
        ([None, 1], [1])
    """
    if given is None:
        return [None] * len(names)
    if isinstance(given, Mapping):
        return [given.get(name, given.get(f"quant_{name}")) for name in names]
    if isinstance(given, (list, tuple)) and len(given) == len(names):
        return list(given)
    if len(names) == 1 and not isinstance(given, (list, tuple)):
        return [given]
    raise ArgumentError(
        f"{what} does not fit the {len(names)} outputs {names}: give one for each, as a list in "
        f"this order or a dict by name."
    )
