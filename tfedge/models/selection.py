"""Choosing layers of a model by name, pattern or class."""

from __future__ import annotations

import difflib
import re
from typing import Any

from tfedge.core.errors import ArgumentError
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
    if choice is None:
        return set()
    entries = [choice] if isinstance(choice, (str, type)) else list(choice)
    chosen: set[str] = set()
    for entry in entries:
        found = {layer.name for layer in model.layers if _matches(layer, entry, argument)}
        if not found:
            raise ArgumentError(_nothing(model, entry, argument))
        chosen |= found
    return chosen


def _matches(layer: Any, entry: Any, argument: str) -> bool:
    """Return whether one entry means this layer."""
    if isinstance(entry, type):
        return any(base.__name__ == entry.__name__ for base in type(unwrapped(layer)).__mro__)
    if not isinstance(entry, str):
        raise ArgumentError(
            f"{argument} holds {entry!r}: layers are chosen by name, regular expression or class."
        )
    try:
        return layer.name == entry or re.fullmatch(entry, layer.name) is not None
    except re.error as error:
        raise ArgumentError(f"{argument}={entry!r} is no regular expression: {error}.") from error


def _nothing(model: Any, entry: Any, argument: str) -> str:
    """Return the message for an entry that matches nothing, with the nearest names."""
    names = [layer.name for layer in model.layers]
    if isinstance(entry, type):
        kinds = sorted({type(unwrapped(layer)).__name__ for layer in model.layers})
        return f"{argument}: no layer is a {entry.__name__}; the model has {', '.join(kinds)}."
    near = difflib.get_close_matches(entry, names, n=3, cutoff=0.4) or names[:5]
    return (
        f"{argument}={entry!r} matches no layer of {model.name!r} by name or as a regular "
        f"expression. Nearest names: {', '.join(map(repr, near))}."
    )
