"""MobileNetV2."""

from __future__ import annotations

from typing import Any

from tfedge.models.zoo.blocks import classified, conv, image_input
from tfedge.models.zoo.inverted import inverted_stages
from tfedge.models.zoo.widths import rounded

_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 32, 3, 2, 3),
    (6, 64, 4, 2, 3),
    (6, 96, 3, 1, 3),
    (6, 160, 3, 2, 3),
    (6, 320, 1, 1, 3),
)


def MobileNetV2(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.2,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return inverted residuals with linear bottlenecks.

    The last convolution has 1,280 channels in networks of width 1 and less, as in the paper.

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
        >>> MobileNetV2((28, 28, 1), width=0.35).get_layer("stem").strides
        (1, 1)

    Reference:
        Sandler et al., "MobileNetV2", CVPR 2018, arXiv:1801.04381, table 2.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    x = inverted_stages(inputs, _STAGES, rounded(32 * width, round_to), width, round_to)
    last = rounded(1280 * max(1.0, width), round_to)
    x = conv(x, last, activation="relu6", name="last")
    return classified(inputs, x, classes, classifier_activation, dropout, name="MobileNetV2")
