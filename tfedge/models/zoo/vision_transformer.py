"""A tiny vision transformer."""

from __future__ import annotations

from typing import Any

from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import classified, image_input
from tfedge.models.zoo.widths import rounded

_HEAD = 16
_TOKENS_ON_A_SIDE = 8


def VisionTransformer(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    depth: int = 4,
    patch: int | None = None,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return patches of an image, blocks of attention over them, and their average.

    Where a patch lies is told by a depthwise convolution behind the first block, as in CPVT, which
    takes any size; where the paper has GELU there is ReLU, which costs an integer device nothing.

    Args:
        input_shape: Height, width and channels of an image.
        classes: Number of outputs.
        width: What the 64 features of a patch are multiplied by; they are multiples of 16, the
            size of a head.
        depth: Number of blocks.
        patch: Side of a patch; by default an eighth of the image's shorter side.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> VisionTransformer((28, 28, 1), depth=2).get_layer("patches").output_shape
        (None, 9, 9, 64)

    Reference:
        Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, arXiv:2010.11929; positions
        and average: Chu et al., "Conditional Positional Encodings", 2021, arXiv:2102.10882.
    """
    inputs = image_input(input_shape, width, classes=classes, dropout=dropout)
    whole_number("depth", depth)
    layers, size = tf_keras().layers, rounded(64 * width, _HEAD)
    x = layers.Conv2D(size, *_patches(inputs, patch), name="patches")(inputs)
    rows, columns = x.shape[1:3]
    x = layers.Reshape((rows * columns, size), name="tokens")(x)
    for number in range(1, depth + 1):
        x = _block(x, size, f"block{number}")
        if number == 1:
            x = _placed(x, rows, columns)
    x = layers.LayerNormalization(epsilon=1e-6, name="last_norm")(x)
    return classified(inputs, x, classes, classifier_activation, dropout, name="VisionTransformer")


def _patches(inputs: Any, patch: int | None) -> tuple[int, int]:
    """Return side and stride of the patches."""
    shorter = min(inputs.shape[1:3])
    if patch is None:
        patch = max(1, shorter // _TOKENS_ON_A_SIDE)
    whole_number("patch", patch)
    if patch > shorter:
        raise ArgumentError(
            f"patch={patch} is larger than the image, {inputs.shape[1]}×{inputs.shape[2]}: no "
            f"patch would fit. Choose at most {shorter}."
        )
    return patch, patch


def _placed(x: Any, rows: int, columns: int) -> Any:
    """Return tokens that know their neighbours, and so their place."""
    layers, size = tf_keras().layers, x.shape[-1]
    y = layers.Reshape((rows, columns, size), name="map")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="positions")(y)
    y = layers.Reshape((rows * columns, size), name="positions_tokens")(y)
    return layers.Add(name="positions_add")([x, y])


def _block(x: Any, size: int, name: str) -> Any:
    """Return attention and two dense layers, each behind a normalization and beside a sum."""
    layers = tf_keras().layers
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    y = layers.MultiHeadAttention(size // _HEAD, _HEAD, name=f"{name}_attention")(y, y)
    x = layers.Add(name=f"{name}_add1")([x, y])
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    y = layers.Dense(4 * size, activation="relu", name=f"{name}_wide")(y)
    y = layers.Dense(size, name=f"{name}_narrow")(y)
    return layers.Add(name=f"{name}_add2")([x, y])
