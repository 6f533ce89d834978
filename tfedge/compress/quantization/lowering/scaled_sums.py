"""Sums with one part scaled, as the two operators that an int8 file holds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from tfedge.compress.quantization.lowering.affine import depthwise_of
from tfedge.compress.quantization.rules import kind_of
from tfedge.models.flavours import tf_keras
from tfedge.models.rewrite import replace_layers


def split_scaled_sums(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model in which scaled sums are a depthwise convolution and an ``Add``.

    ``a + scale * b`` is what InceptionResNetV2's residuals are. As one layer it has no range for
    the scaled part.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt. The convolution is named ``<name>_scale``, the sum keeps the name.

    Example:
        >>> keras = tf_keras()
        >>> from tf_keras.src.applications.inception_resnet_v2 import CustomScaleLayer
        >>> a, b = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
        >>> model = keras.Model([a, b], CustomScaleLayer(0.2, name="sum")([a, b]))
        >>> [layer.name for layer in split_scaled_sums(model).layers][2:]
        ['sum_scale', 'sum']
    """
    return replace_layers(model, lambda layer: None if layer.name in leave else _parts(layer))


def _parts(layer: Any) -> list[Callable] | None:
    """Return what stands for a scaled sum, None for other layers."""
    if kind_of(layer) != "CustomScaleLayer" or len(layer.inbound_nodes) != 1:
        return None
    shape = layer.input_shape[1]
    if len(shape) != 4 or shape[-1] is None:
        return None
    scaled = depthwise_of(f"{layer.name}_scale", np.full(shape[-1], layer.scale, "float32"))
    total = tf_keras().layers.Add(name=layer.name)
    return [lambda inputs: total([inputs[0], scaled(inputs[1])])]
