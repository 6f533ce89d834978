"""EfficientNet-Lite0: EfficientNet without what integers do badly."""

from __future__ import annotations

from typing import Any

from tfedge.models.zoo.blocks import classified, conv, image_input
from tfedge.models.zoo.inverted import inverted_stages

_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_STEM, _LAST = 32, 1280


def EfficientNetLite0(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.2,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return EfficientNet-B0 with ReLU6 for swish and without squeeze and excitation.

    The stem has 32 channels and the last convolution 1,280 whatever the width, as in the published
    networks.

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
        >>> EfficientNetLite0((32, 32, 3), width=0.25).output_shape
        (None, 10)

    Reference:
        Tan and Le, "EfficientNet", ICML 2019, arXiv:1905.11946, table 1; Liu, "Higher accuracy on
        vision models with EfficientNet-Lite", TensorFlow Blog, 2020.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    x = inverted_stages(inputs, _STAGES, _STEM, width, round_to)
    x = conv(x, _LAST, activation="relu6", name="last")
    return classified(inputs, x, classes, classifier_activation, dropout, name="EfficientNetLite0")
