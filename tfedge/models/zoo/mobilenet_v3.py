"""MobileNetV3, the small one."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import activate, classified, conv, image_input, inverted_residual
from tfedge.models.zoo.widths import adapted_strides, rounded

# Expanded and output channels, kernel, squeeze and excitation, activation, stride.
_BLOCKS = (
    (16, 16, 3, True, "relu", 2),
    (72, 24, 3, False, "relu", 2),
    (88, 24, 3, False, "relu", 1),
    (96, 40, 5, True, "hard_swish", 2),
    (240, 40, 5, True, "hard_swish", 1),
    (240, 40, 5, True, "hard_swish", 1),
    (120, 48, 5, True, "hard_swish", 1),
    (144, 48, 5, True, "hard_swish", 1),
    (288, 96, 5, True, "hard_swish", 2),
    (576, 96, 5, True, "hard_swish", 1),
    (576, 96, 5, True, "hard_swish", 1),
)


def MobileNetV3Small(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.2,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return inverted residuals with squeeze and excitation and hard swish.

    Both become integer operators: ``HARD_SWISH``, and two operators for the hard sigmoid. These
    two are functions of tfedge; load a saved model with :func:`tfedge.load`.

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
        >>> MobileNetV3Small((28, 28, 1), width=0.5).get_layer("stem").filters
        8

    Reference:
        Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244, table 2.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    first, *strides = adapted_strides(inputs.shape[1:3], [2, *(block[5] for block in _BLOCKS)])
    x = conv(inputs, rounded(16 * width, round_to), 3, first, "hard_swish", name="stem")
    before = 16
    for number, (block, stride) in enumerate(zip(_BLOCKS, strides, strict=True), 1):
        expanded, channels, size, squeezes, activation, _ = block
        inside = rounded(x.shape[-1] * expanded / before, round_to)
        squeezed = rounded(inside / 4, round_to) if squeezes else 0
        shape = (inside, rounded(channels * width, round_to), size, stride, activation)
        x = inverted_residual(x, *shape, squeezed=squeezed, name=f"block{number}")
        before = channels
    x = conv(x, rounded(6 * x.shape[-1], round_to), activation="hard_swish", name="last")
    x = _widened(x, rounded(1024 * max(1.0, width), round_to))
    return classified(inputs, x, classes, classifier_activation, dropout, name="MobileNetV3Small")


def _widened(x: Any, channels: int) -> Any:
    """Return the averages of a map, mapped to more features."""
    layers = tf_keras().layers
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return activate(layers.Dense(channels, name="features")(x), "hard_swish", "features")
