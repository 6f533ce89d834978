"""ResNet8, the network of MLPerf Tiny for pictures."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import activate, classified, conv, image_input
from tfedge.models.zoo.widths import adapted_strides, rounded


def ResNet8(
    input_shape: Any = (32, 32, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return three residual blocks of two convolutions.

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
        >>> ResNet8().count_params()
        78666

    Reference:
        Banbury et al., "MLPerf Tiny Benchmark", 2021, arXiv:2106.07597, after He et al., "Deep
        Residual Learning", CVPR 2016, arXiv:1512.03385.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    strides = adapted_strides(inputs.shape[1:3], (1, 2, 2))
    x = conv(inputs, rounded(16 * width, round_to), 3, bias=True, name="stem")
    for number, (channels, stride) in enumerate(zip((16, 32, 64), strides, strict=True), 1):
        x = _block(x, rounded(channels * width, round_to), stride, f"block{number}")
    return classified(inputs, x, classes, classifier_activation, dropout, name="ResNet8")


def _block(x: Any, filters: int, stride: int, name: str) -> Any:
    """Return two convolutions and the sum with what passes by."""
    layers = tf_keras().layers
    y = conv(x, filters, 3, stride, bias=True, name=f"{name}_conv1")
    y = conv(y, filters, 3, activation=None, bias=True, name=f"{name}_conv2")
    if stride > 1 or filters != x.shape[-1]:
        short = {"kernel_initializer": "he_normal", "name": f"{name}_short"}
        x = layers.Conv2D(filters, 1, stride, padding="same", **short)(x)
    return activate(layers.Add(name=f"{name}_add")([x, y]), "relu", name)
