"""Layers that scale and shift each channel, as the convolution that an int8 file holds.

As ``MUL`` and ``ADD`` they would be two operators, with constants of 8 bits for all channels and a
rounded tensor between them. A depthwise 1×1 convolution has a scale for each channel, a bias of
32 bits, and takes a ReLU along. Its kernel of ones is exact in int8, and a normalization behind
it folds into it as into any convolution, so it still trains.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from tfedge.compress.quantization.plan import Plan
from tfedge.compress.quantization.rules import kind_of
from tfedge.models.flavours import tf_keras
from tfedge.models.rewrite import replace_layers

SCALINGS = frozenset({"Normalization", "Rescaling"})


def lower_affine(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model whose scalings of images are depthwise convolutions.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt, with the same outputs: before a BatchNormalization that no convolution
        takes in comes ``<name>_affine``; Rescaling and Normalization become convolutions of
        their name.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.BatchNormalization(name="bn")(inputs)
        >>> model = keras.Model(inputs, keras.layers.ReLU(name="relu")(x))
        >>> [layer.name for layer in lower_affine(model).layers][1:]
        ['bn_affine', 'bn', 'relu']
    """
    plan = Plan(model, dict.fromkeys(leave, "left"))
    alone = set(plan.reasons) - set(leave)
    return replace_layers(model, lambda layer: _parts(layer) if layer.name in alone else None)


def scale_and_shift(layer: Any, channels: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return by what a Rescaling or Normalization multiplies each channel, and what it adds.

    Returns:
        Two float32 vectors; None if it treats places differently, not channels.

    Example:
        >>> scale_and_shift(tf_keras().layers.Rescaling(0.5, -1.0), 2)
        (array([0.5, 0.5], dtype=float32), array([-1., -1.], dtype=float32))
    """
    if kind_of(layer) == "Rescaling":
        parts = [np.asarray(layer.scale), np.asarray(layer.offset)]
    else:
        mean = np.asarray(layer.mean)
        deviation = np.maximum(np.sqrt(np.asarray(layer.variance)), tf_keras().backend.epsilon())
        parts = [deviation, mean] if layer.invert else [1 / deviation, -mean / deviation]
    if any(part.size != 1 and part.shape != (*[1] * (part.ndim - 1), channels) for part in parts):
        return None
    scale, shift = (np.broadcast_to(part.ravel(), channels).astype("float32") for part in parts)
    return scale, shift


def _parts(layer: Any) -> list[Any] | None:
    """Return the layers that stand for a layer, None to leave it."""
    kind = kind_of(layer)
    if kind not in SCALINGS and kind != "BatchNormalization":
        return None
    shape = layer.input_shape if _has_one_shape(layer) else None
    if shape is None or len(shape) != 4 or shape[-1] is None:
        return None
    if kind == "BatchNormalization":
        ones = np.ones(shape[-1], "float32")
        last = list(np.atleast_1d(layer.axis)) in ([-1], [3])
        return [depthwise_of(f"{layer.name}_affine", ones), layer] if last else None
    found = scale_and_shift(layer, shape[-1])
    return None if found is None else [depthwise_of(layer.name, *found)]


def _has_one_shape(layer: Any) -> bool:
    """Return whether all calls of a layer take the same shape."""
    return len({tuple(layer.get_input_shape_at(i)) for i in range(len(layer.inbound_nodes))}) == 1


def depthwise_of(name: str, scale: np.ndarray, shift: np.ndarray | None = None) -> Any:
    """Return a depthwise 1×1 convolution that is not trained.

    Args:
        name: Name of the layer.
        scale: By what each channel is multiplied.
        shift: What is added to each, None for nothing.

    Example:
        >>> depthwise_of("half", np.float32([0.5, 0.5])).count_params()
        2
    """
    layer = tf_keras().layers.DepthwiseConv2D(1, use_bias=shift is not None, name=name)
    layer.build((None, None, None, len(scale)))
    layer.set_weights([scale[None, None, :, None], *([] if shift is None else [shift])])
    layer.trainable = False
    return layer
