"""Which layers are training-time wrappers, told by class name so that tfmot need not load."""

from __future__ import annotations

from typing import Any

from tfedge.models.walk import any_layer

_HOME = "tfedge."


def is_pruning(layer: Any) -> bool:
    """Return whether a layer is tfmot's pruning wrapper.

    Example:
        >>> is_pruning("dense")
        False
    """
    return _descends(layer, "PruneLowMagnitude")


def is_clustering(layer: Any) -> bool:
    """Return whether a layer is a clustering wrapper, tfedge's or tfmot's.

    Example:
        >>> is_clustering("dense")
        False
    """
    return is_shared(layer) or _descends(layer, "ClusterWeights")


def is_shared(layer: Any) -> bool:
    """Return whether a layer is tfedge's own clustering wrapper.

    Example:
        >>> is_shared("dense")
        False
    """
    return _descends(layer, "Clustered", _HOME)


def is_quantizing(layer: Any) -> bool:
    """Return whether a layer puts fake quantization around a layer or a tensor, or is tfmot's.

    Example:
        >>> is_quantizing("dense")
        False
    """
    names = ("QuantizeWrapper", "QuantizeLayer")
    own = _descends(layer, "Quantized", _HOME) or _descends(layer, "QuantizeLayer", _HOME)
    return own or any(_descends(layer, name) for name in names)


def is_quantized(model: Any) -> bool:
    """Return whether a model, or one nested in it, holds fake quantization.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> is_quantized(tf_keras().Sequential())
        False
    """
    return any_layer(model, is_quantizing)


def is_pruned(model: Any) -> bool:
    """Return whether a model, or one nested in it, holds pruning wrappers.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> is_pruned(tf_keras().Sequential())
        False
    """
    return any_layer(model, is_pruning)


def is_clustered(model: Any) -> bool:
    """Return whether a model, or one nested in it, holds clustering wrappers.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> is_clustered(tf_keras().Sequential())
        False
    """
    return any_layer(model, is_clustering)


def unwrapped(layer: Any) -> Any:
    """Return the layer inside a training-time wrapper, or the layer itself.

    Example:
        >>> unwrapped("dense")
        'dense'
    """
    wrapped = is_pruning(layer) or is_clustering(layer) or is_quantizing(layer)
    return layer.layer if wrapped and hasattr(layer, "layer") else layer


def _descends(layer: Any, name: str, home: str = "tensorflow_model_optimization.") -> bool:
    """Return whether a class of this name, by default from tfmot, is among the ancestors."""
    return any(
        base.__name__ == name and base.__module__.startswith(home) for base in type(layer).__mro__
    )
