"""Through all layers of a model of either flavour, nested models included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.models.flavours import is_model


def any_layer(model: Any, holds: Callable[[Any], bool]) -> bool:
    """Return whether something holds for a layer, in nested models too.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> inner = keras.Sequential([keras.layers.Dense(2, name="head")])
        >>> any_layer(keras.Sequential([inner]), lambda layer: layer.name == "head")
        True
    """
    return any(
        any_layer(layer, holds) if is_model(layer) else holds(layer) for layer in model.layers
    )
