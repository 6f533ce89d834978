"""A network that was searched for microcontrollers."""

from __future__ import annotations

from typing import Any

from tfedge.models.zoo.blocks import classified, image_input
from tfedge.models.zoo.inverted import inverted_stages
from tfedge.models.zoo.widths import rounded

_STAGES = (
    (1, 8, 1, 1, 3),
    (4, 16, 1, 2, 3),
    (3, 16, 1, 1, 3),
    (3, 24, 1, 2, 7),
    (5, 24, 1, 1, 3),
    (5, 40, 1, 2, 3),
    (4, 40, 1, 1, 7),
    (4, 48, 1, 1, 5),
    (3, 48, 1, 1, 3),
    (4, 48, 1, 1, 3),
    (5, 96, 1, 2, 7),
    (4, 96, 1, 1, 5),
    (4, 96, 1, 1, 5),
    (6, 160, 1, 1, 3),
)


def MCUNet(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return inverted residuals whose kernels and expansions a search chose for little memory.

    It is the network that was found for images of 96×96 at 5 pictures a second on a
    microcontroller with 320 kB (``mcunet-5fps``, also called ``mcunet-in1``).

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
        >>> MCUNet().count_params()
        488858

    Reference:
        Lin et al., "MCUNet: Tiny Deep Learning on IoT Devices", NeurIPS 2020, arXiv:2007.10319.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    x = inverted_stages(inputs, _STAGES, rounded(16 * width, round_to), width, round_to)
    return classified(inputs, x, classes, classifier_activation, dropout, name="MCUNet")
