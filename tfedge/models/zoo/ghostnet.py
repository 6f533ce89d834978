"""GhostNet: half of the features are cheap filters of the other half."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import (
    activate,
    classified,
    conv,
    depthwise,
    image_input,
    squeeze_excite,
)
from tfedge.models.zoo.widths import adapted_strides, rounded

# Kernel, expanded and output channels, squeeze and excitation, stride.
_BLOCKS = (
    (3, 16, 16, False, 1),
    (3, 48, 24, False, 2),
    (3, 72, 24, False, 1),
    (5, 72, 40, True, 2),
    (5, 120, 40, True, 1),
    (3, 240, 80, False, 2),
    (3, 200, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 480, 112, True, 1),
    (3, 672, 112, True, 1),
    (5, 672, 160, True, 2),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
)
_LAST, _FEATURES = 960, 1280


def GhostNet(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 4,
    dropout: float = 0.2,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return bottlenecks of ghost modules.

    Args:
        input_shape: Height, width and channels of an image. Strides of small images are 1 at first.
        classes: Number of outputs.
        width: What the channels of the paper are multiplied by.
        round_to: Channels are multiples of it; even, because modules make two halves.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled. Files of it are read with
        `tfedge.load`, which knows the hard sigmoid of its squeezing.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> GhostNet((28, 28, 1), width=0.5).get_layer("stem").filters
        8

    Reference:
        Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020, arXiv:1911.11907,
        table 1.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    even = round_to if round_to % 2 == 0 else 2 * round_to
    first, *strides = adapted_strides(inputs.shape[1:3], [2, *(block[4] for block in _BLOCKS)])
    x = conv(inputs, rounded(16 * width, even), 3, first, name="stem")
    for number, (block, stride) in enumerate(zip(_BLOCKS, strides, strict=True), 1):
        size, expanded, channels, squeezes, _ = block
        inside, filters = rounded(expanded * width, even), rounded(channels * width, even)
        squeezed = rounded(inside / 4, 4) if squeezes else 0
        x = _bottleneck(x, inside, filters, size, stride, squeezed, f"block{number}")
    x = conv(x, rounded(_LAST * width, even), name="last")
    layers = tf_keras().layers
    x = layers.Dense(_FEATURES, name="features")(layers.GlobalAveragePooling2D(name="pool")(x))
    x = activate(x, "relu", "features")
    return classified(inputs, x, classes, classifier_activation, dropout, name="GhostNet")


def _bottleneck(
    x: Any, inside: int, filters: int, size: int, stride: int, squeezed: int, name: str
) -> Any:
    """Return two ghost modules, what filters between them, and the sum with what passes by."""
    y = _ghost(x, inside, "relu", f"{name}_wide")
    if stride > 1:
        y = depthwise(y, size, stride, None, name=f"{name}_depthwise")
    if squeezed:
        y = squeeze_excite(y, squeezed, f"{name}_se")
    y = _ghost(y, filters, None, f"{name}_narrow")
    if stride > 1 or filters != x.shape[-1]:
        x = depthwise(x, size, stride, None, name=f"{name}_short_depthwise")
        x = conv(x, filters, activation=None, name=f"{name}_short")
    return tf_keras().layers.Add(name=f"{name}_add")([x, y])


def _ghost(x: Any, filters: int, activation: str | None, name: str) -> Any:
    """Return a convolution of half of the channels, and a cheap filter of each beside it."""
    x = conv(x, filters // 2, activation=activation, name=f"{name}_primary")
    y = depthwise(x, 3, 1, activation, name=f"{name}_cheap")
    return tf_keras().layers.Concatenate(name=f"{name}_concat")([x, y])
