"""Averages over the whole plane, as the operator that has a range of its own.

``AVERAGE_POOL_2D`` keeps the steps of its input, which are as large as the largest value needs. An
average over many places is far smaller, and few steps are left for it. ``MEAN`` computes the same
with steps that fit the averages.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfedge.compress.quantization.rules import kind_of
from tfedge.models.flavours import tf_keras
from tfedge.models.rewrite import replace_layers


def average_whole_planes(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model in which average pooling of the whole plane is a global one.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt, with the same names and outputs.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4, 4, 3))
        >>> model = keras.Model(inputs, keras.layers.AveragePooling2D(4, name="pool")(inputs))
        >>> lowered = average_whole_planes(model).layers[1]
        >>> type(lowered).__name__, lowered.name, lowered.output_shape
        ('GlobalAveragePooling2D', 'pool', (None, 1, 1, 3))
    """
    return replace_layers(model, lambda layer: None if layer.name in leave else _global(layer))


def _global(layer: Any) -> list[Any] | None:
    """Return the global pooling that computes the same, None for other layers."""
    if kind_of(layer) != "AveragePooling2D" or layer.data_format != "channels_last":
        return None
    shapes = {tuple(layer.get_input_shape_at(i))[1:3] for i in range(len(layer.inbound_nodes))}
    if shapes != {tuple(layer.pool_size)}:
        return None
    if layer.padding == "same" and tuple(layer.output_shape)[1:3] != (1, 1):
        return None
    return [tf_keras().layers.GlobalAveragePooling2D(keepdims=True, name=layer.name)]
