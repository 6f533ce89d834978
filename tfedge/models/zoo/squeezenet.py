"""SqueezeNet: few parameters, by 1×1 convolutions that squeeze before 3×3 ones."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import image_input
from tfedge.models.zoo.widths import adapted_strides, rounded

_FIRES = (
    ((16, 64), (16, 64)),
    ((32, 128), (32, 128)),
    ((48, 192), (48, 192), (64, 256), (64, 256)),
)


def SqueezeNet(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.5,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return fire modules without normalizations, version 1.1.

    The scores are averages of a map for each class. The ReLU that is published before the average
    is left out: scores that are never negative die in training, and tell a student little. Padding
    is ``"same"`` throughout, so that small images fit.

    Args:
        input_shape: Height, width and channels of an image. Strides of small images are 1 at first.
        classes: Number of outputs.
        width: What the channels of the paper are multiplied by.
        round_to: Channels are multiples of it.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> SqueezeNet((28, 28, 1), width=0.5).output_shape
        (None, 10)

    Reference:
        Iandola et al., "SqueezeNet", 2016, arXiv:1602.07360; version 1.1 of its published code.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    layers = tf_keras().layers
    inputs = image_input(input_shape, width, **settings)
    first, *strides = adapted_strides(inputs.shape[1:3], (2, 2, 2, 2))
    x = _conv(inputs, rounded(64 * width, round_to), 3, "stem", first)
    number = 1
    for fires, stride in zip(_FIRES, strides, strict=True):
        if stride > 1:
            x = layers.MaxPooling2D(3, stride, padding="same", name=f"pool{number}")(x)
        for channels in fires:
            number += 1
            squeezed, expanded = (rounded(one * width, round_to) for one in channels)
            x = _fire(x, squeezed, expanded, f"fire{number}")
    x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
    x = layers.Conv2D(classes, 1, name="classes")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Activation(classifier_activation or "linear", name="scores")(x)
    return tf_keras().Model(inputs, outputs, name="SqueezeNet")


def _fire(x: Any, squeezed: int, expanded: int, name: str) -> Any:
    """Return a module that squeezes, and expands by two kinds of kernels."""
    x = _conv(x, squeezed, 1, f"{name}_squeeze")
    sides = [_conv(x, expanded, size, f"{name}_expand{size}") for size in (1, 3)]
    return tf_keras().layers.Concatenate(name=f"{name}_concat")(sides)


def _conv(x: Any, filters: int, size: int, name: str, stride: int = 1) -> Any:
    """Return a convolution with a ReLU, without normalization."""
    settings = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    return tf_keras().layers.Conv2D(filters, size, stride, name=name, **settings)(x)
