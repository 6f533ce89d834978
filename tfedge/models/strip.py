"""Take the training-time wrappers off a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.models.adopt import adopt
from tfedge.models.flavours import is_model, tf_keras
from tfedge.models.walk import any_layer
from tfedge.models.wrappers import is_clustering, is_pruning, is_quantized, is_shared, unwrapped


def strip(model: Any) -> Any:
    """Return a plain tf_keras model: what the wrapped model computes, without its wrappers.

    Pruning wrappers leave their masked kernels, clustering wrappers their clustered ones. The
    fake quantization of a QAT model stays: it is what is exported. Of a ``Distiller`` the
    student is taken.

    Args:
        model: A Keras model of either flavour, wrapped or not, or the path of one.

    Returns:
        A new functional tf_keras model; the one passed in is not changed.

    Raises:
        ModelError: If ``model`` cannot be adopted.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="head")])
        >>> sparse = tfedge.prune(model, tfedge.ConstantSparsity(0.5, begin_step=0))
        >>> [type(layer).__name__ for layer in strip(sparse).layers]
        ['InputLayer', 'Dense']
    """
    student = getattr(model, "student", None)
    copy = adopt(student if is_model(student) else model)
    if is_quantized(copy) or not has_wrappers(copy):
        return copy
    plain = tf_keras().models.clone_model(copy, clone_function=_bare)
    for layer in copy.layers:
        plain.get_layer(unwrapped(layer).name).set_weights(_bare_weights(layer))
    return plain


def has_wrappers(model: Any) -> bool:
    """Return whether a model, or one nested in it, has wrappers that :func:`strip` takes off.

    Example:
        >>> has_wrappers(tf_keras().Sequential())
        False
    """
    return any_layer(model, lambda layer: is_pruning(layer) or is_clustering(layer))


def _bare(layer: Any) -> Any:
    """Return a new layer like the one inside the wrapper."""
    inner = unwrapped(layer)
    return type(inner).from_config(inner.get_config())


def _bare_weights(layer: Any) -> list[np.ndarray]:
    """Return the weights that the bare layer has to have, as arrays."""
    if is_shared(layer):
        return layer.shared_weights()
    if is_clustering(layer):
        layer.update_clustered_weights_associations()
        return _clustered(layer)
    inner = unwrapped(layer)
    weights = inner.get_weights()
    if not is_pruning(layer):
        return weights
    masks = {weight.ref(): mask.numpy() for weight, mask, _ in layer.pruning_vars}
    return [
        value * masks[weight.ref()] if weight.ref() in masks else value
        for weight, value in zip(inner.weights, weights, strict=True)
    ]


def _clustered(layer: Any) -> list[np.ndarray]:
    """Return the weights inside tfmot's clustering wrapper, the clustered kernels in place.

    The wrapper puts the clustered kernel where the layer had a variable, so the layer no
    longer lists it among its weights; tfmot notes at which position it belongs.
    """
    weights = layer.layer.get_weights()
    for position, name in sorted(layer.position_original_weights.items()):
        weights.insert(position, np.asarray(layer.get_weight_from_layer(name)))
    return weights
