"""Choosing layers of a model by name, pattern or class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.nearest import nearest
from tfedge.models.wrappers import unwrapped


def select(model: Any, choice: Any, argument: str) -> set[str]:
    """Return the names of the layers that a choice means.

    Args:
        model: A functional tf_keras model.
        choice: A layer name, a regular expression that matches a whole name, a layer class of
            either Keras (children included), or several of these. None means no layer.
        argument: Name of the user's argument, for the error.

    Raises:
        ArgumentError: If an entry is of another kind or matches no layer.

    Example:
        >>> from tfedge.models.flavours import keras3, tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,), name="in")
        >>> model = keras.Model(inputs, keras.layers.Dense(1, name="head")(inputs))
        >>> select(model, keras3().layers.Dense, "exclude"), select(model, "he.*", "exclude")
        ({'head'}, {'head'})
    """
    layers = {layer.name: layer for layer in model.layers}
    return select_among(layers, choice, argument, owner=model.name)


def select_among(layers: Mapping[str, Any], choice: Any, argument: str, owner: str) -> set[str]:
    """Return the names of the layers that a choice means, among layers by name.

    Args:
        layers: The layers, such as those of a flattened graph.
        choice: As :func:`select` takes it.
        argument: Name of the user's argument, for the error.
        owner: Name of the model, for the error.

    Raises:
        ArgumentError: If an entry is of another kind or matches no layer.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = {"base/relu": keras3().layers.ReLU(), "head": keras3().layers.Dense(1)}
        >>> select_among(layers, "base/.*", "exclude", owner="net")
        {'base/relu'}
    """
    if choice is None:
        return set()
    several = isinstance(choice, Iterable) and not isinstance(choice, (str, type))
    entries = list(choice) if several else [choice]
    chosen: set[str] = set()
    for entry in entries:
        found = {name for name, layer in layers.items() if _matches(name, layer, entry, argument)}
        if not found:
            raise ArgumentError(_nothing(layers, entry, argument, owner))
        chosen |= found
    return chosen


def _matches(name: str, layer: Any, entry: Any, argument: str) -> bool:
    """Return whether one entry means this layer."""
    if isinstance(entry, type):
        return any(base.__name__ == entry.__name__ for base in type(unwrapped(layer)).__mro__)
    if not isinstance(entry, str):
        raise ArgumentError(
            f"{argument} holds {entry!r}: layers are chosen by name, regular expression or class."
        )
    try:
        return name == entry or re.fullmatch(entry, name) is not None
    except re.error as error:
        raise ArgumentError(f"{argument}={entry!r} is no regular expression: {error}.") from error


def _nothing(layers: Mapping[str, Any], entry: Any, argument: str, owner: str) -> str:
    """Return the message for an entry that matches nothing, with the nearest names."""
    if isinstance(entry, type):
        kinds = sorted({type(unwrapped(layer)).__name__ for layer in layers.values()})
        return f"{argument}: no layer is a {entry.__name__}; the model has {', '.join(kinds)}."
    return (
        f"{argument}={entry!r} matches no layer of {owner!r} by name or as a regular "
        f"expression. Nearest names: {nearest(entry, layers)}."
    )
