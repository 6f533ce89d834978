"""A model, rebuilt from the layers that an int8 file holds."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfedge.compress.quantization.lowering.activations import split_activations
from tfedge.compress.quantization.lowering.affine import lower_affine
from tfedge.compress.quantization.lowering.planar import lift_to_plane
from tfedge.compress.quantization.lowering.pooling import average_whole_planes
from tfedge.compress.quantization.lowering.scaled_sums import split_scaled_sums
from tfedge.compress.quantization.lowering.separable import split_separable

_STEPS = (
    split_activations,
    lift_to_plane,
    split_separable,
    split_scaled_sums,
    lower_affine,
    average_whole_planes,
)


def lowered(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model that computes the same, each layer one operator where LiteRT has one.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt, with the same inputs and outputs.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
        >>> model = keras.Model(inputs, keras.layers.SeparableConv2D(4, 3, name="conv")(x))
        >>> [type(layer).__name__ for layer in lowered(model).layers][1:]
        ['DepthwiseConv2D', 'DepthwiseConv2D', 'Conv2D']
    """
    for lower in _STEPS:
        model = lower(model, leave)
    return model
