"""MobileNetV1, and its smallest form, which says whether a person is in a picture."""

from __future__ import annotations

from typing import Any

from tfedge.models.zoo.blocks import classified, conv, depthwise, image_input
from tfedge.models.zoo.widths import adapted_strides, rounded

_CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


def MobileNetV1(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return a chain of depthwise separable convolutions.

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
        >>> MobileNetV1((28, 28, 1), width=0.25).count_params()
        220970

    Reference:
        Howard et al., "MobileNets", 2017, arXiv:1704.04861, table 1.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    x = _features(inputs, width, round_to, "relu6", bias=False)
    return classified(inputs, x, classes, classifier_activation, dropout, name="MobileNetV1")


def PersonDetection(
    input_shape: Any = (96, 96, 3),
    classes: int = 2,
    width: float = 0.25,
    *,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return the network of MLPerf Tiny for visual wake words: MobileNetV1 of a quarter's width.

    Its convolutions have biases, as those of the reference do. A file holds them anyway, for the
    normalizations that fold into convolutions.

    Args:
        input_shape: Height, width and channels of an image. Strides of small images are 1 at first.
        classes: Number of outputs.
        width: What the channels of MobileNetV1 are multiplied by; they are multiples of 8.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> PersonDetection().count_params()
        221794

    Reference:
        Banbury et al., "MLPerf Tiny Benchmark", 2021, arXiv:2106.07597.
    """
    inputs = image_input(input_shape, width, classes=classes, dropout=dropout)
    x = _features(inputs, width, 8, "relu", bias=True)
    return classified(inputs, x, classes, classifier_activation, dropout, name="PersonDetection")


def _features(inputs: Any, width: float, round_to: int, activation: str, *, bias: bool) -> Any:
    """Return what the chain of convolutions makes of an image."""
    first, *strides = adapted_strides(inputs.shape[1:3], _STRIDES)
    kind: dict[str, Any] = {"activation": activation, "bias": bias}
    x = conv(inputs, rounded(32 * width, round_to), 3, first, name="stem", **kind)
    for number, (channels, stride) in enumerate(zip(_CHANNELS, strides, strict=True), 1):
        x = depthwise(x, 3, stride, name=f"block{number}_depthwise", **kind)
        x = conv(x, rounded(channels * width, round_to), name=f"block{number}_pointwise", **kind)
    return x
