"""The table: how LiteRT computes each layer in integers, and so how it is fake-quantized."""

from __future__ import annotations

from typing import Any

from tfedge.models.training.rounded_activations import Rounding, rounding_of

KERNELS: dict[str, tuple[str, tuple[int, ...]]] = {
    "Conv2D": ("kernel", (3,)),
    "DepthwiseConv2D": ("depthwise_kernel", (2, 3)),
    "Conv2DTranspose": ("kernel", ()),
    "Dense": ("kernel", ()),
    "Embedding": ("embeddings", ()),
    "LayerScale": ("gamma", ()),
    "PReLU": ("alpha", ()),
}
"""Layer class to its kernel, and the last axes of it that have a range for each entry.

The converter takes no such ranges for transposed convolutions, and tflite-runtime 2.14 does not
load them for Dense.
"""

CONSTANTS = frozenset({"PReLU"})
"""Those whose kernel the converter takes as a constant only."""

_MERGES = ("Add", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
_MEANS = ("GlobalAveragePooling1D", "GlobalAveragePooling2D")
RANGED = frozenset([*_MERGES, *_MEANS, "LayerScale", "LeakyReLU", "PReLU"])
"""Layers that are one int8 operator with a range of its own for the output."""

_SPATIAL = (
    *("AveragePooling", "Cropping", "GlobalMaxPooling", "MaxPooling"),
    *("SpatialDropout", "UpSampling", "ZeroPadding"),
)
_NOISES = ("AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "StochasticDepth")
_MOVES = ("ActivityRegularization", "Flatten", "Permute", "RepeatVector", "Reshape")
FOLLOWS = frozenset([*(f"{kind}{n}D" for kind in _SPATIAL for n in (1, 2)), *_NOISES, *_MOVES])
"""Layers whose output has the range of their input, in int8 operators by necessity."""

_CONVOLUTIONS = ("Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "Dense")
FUSES_RELU = frozenset(["Add", "Multiply", "Subtract", *_CONVOLUTIONS, "BatchNormalization"])
"""Layers whose int8 operator also does a ReLU that follows."""

FOLDS_NORMALIZATION = ("Conv2D", "DepthwiseConv2D")
"""Layers that take in a normalization: their kernel has a range for each channel."""

ACTIVATIONS = frozenset(["Activation", "ELU", "ReLU", "Softmax"])
_HOMES = ("tf_keras.", "keras.src.engine", "tfedge.")
_PLAIN_RELU = {"negative_slope": 0.0, "threshold": 0.0}


def kind_of(layer: Any) -> str:
    """Return the class name of a layer of Keras, empty for one of somebody's own.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> kind_of(tf_keras().layers.ReLU())
        'ReLU'
    """
    known = type(layer).__module__.startswith(_HOMES)
    return type(layer).__name__ if known else ""


def layer_rounding(layer: Any) -> Rounding | None:
    """Return how LiteRT computes the activation of a layer, or a layer that is one.

    Returns:
        None if it has no integers for it.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> layer_rounding(layers.ReLU(6.0)).fused, layer_rounding(layers.ReLU(threshold=1.0))
        (True, None)
    """
    kind = kind_of(layer)
    if kind == "ReLU":
        plain = all(getattr(layer, key) == value for key, value in _PLAIN_RELU.items())
        return Rounding(fused=layer.max_value in (None, 6)) if plain else None
    if kind == "Softmax":
        return rounding_of(_named("softmax")) if layer.axis == -1 else None
    if kind == "ELU":
        return rounding_of(_named("elu")) if layer.alpha == 1 else None
    return rounding_of(getattr(layer, "activation", None))


def is_fused_relu(layer: Any) -> bool:
    """Return whether a layer is a ReLU that the operator before it can do.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> is_fused_relu(tf_keras().layers.Activation("relu"))
        True
    """
    rounding = layer_rounding(layer)
    return kind_of(layer) in ("Activation", "ReLU") and rounding is not None and rounding.fused


def _named(name: str) -> Any:
    """Return a tf_keras activation by name."""
    from tfedge.models.flavours import tf_keras

    return tf_keras().activations.get(name)
