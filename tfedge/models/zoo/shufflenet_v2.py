"""ShuffleNetV2: half of the channels pass by, and both halves are mixed."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import classified, conv, depthwise, image_input
from tfedge.models.zoo.widths import adapted_strides, rounded

_WIDTHS = {0.5: (48, 1024), 1.0: (116, 1024), 1.5: (176, 1024), 2.0: (244, 2048)}
_UNITS = (4, 8, 4)
_STRIDES = (2, 2, 2, 2, 2)


def ShuffleNetV2(
    input_shape: Any = (96, 96, 3),
    classes: int = 10,
    width: float = 1.0,
    *,
    round_to: int = 4,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return units that split, filter and shuffle their channels.

    The shuffle is a reshape, a transposition and a reshape, the split two slices: all of them move
    integers. Widths 0.5, 1, 1.5 and 2 are those of the paper; others multiply that of 1.

    Args:
        input_shape: Height, width and channels of an image. Strides of small images are 1 at first.
        classes: Number of outputs.
        width: What the channels of the paper are multiplied by.
        round_to: Channels of widths that the paper does not have are multiples of it; even.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> ShuffleNetV2((28, 28, 1), width=0.5).get_layer("stage2_unit1_right_in").filters
        24

    Reference:
        Ma et al., "ShuffleNet V2", ECCV 2018, arXiv:1807.11164, table 5.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    even = round_to if round_to % 2 == 0 else 2 * round_to
    channels, last = _WIDTHS.get(width, (rounded(116 * width, even), 1024))
    strides = adapted_strides(inputs.shape[1:3], _STRIDES)
    x = conv(inputs, 24, 3, strides[0], name="stem")
    if strides[1] > 1:
        x = tf_keras().layers.MaxPooling2D(3, strides[1], padding="same", name="stem_pool")(x)
    for stage, (units, stride) in enumerate(zip(_UNITS, strides[2:], strict=True), 2):
        filters = channels * 2 ** (stage - 2)
        x = _down(x, filters, stride, f"stage{stage}_unit1")
        for unit in range(2, units + 1):
            x = _unit(x, filters, f"stage{stage}_unit{unit}")
    x = conv(x, last, name="last")
    return classified(inputs, x, classes, classifier_activation, dropout, name="ShuffleNetV2")


def _unit(x: Any, filters: int, name: str) -> Any:
    """Return a unit through which one half of the channels passes as it is."""
    half = filters // 2
    left, right = x[..., :half], x[..., half:]
    return _shuffled(left, _right(right, half, 1, name), name)


def _down(x: Any, filters: int, stride: int, name: str) -> Any:
    """Return a unit that changes the number of channels, and the resolution if it has a stride."""
    left = depthwise(x, 3, stride, None, name=f"{name}_left_depthwise")
    left = conv(left, filters // 2, name=f"{name}_left_out")
    return _shuffled(left, _right(x, filters // 2, stride, name), name)


def _right(x: Any, filters: int, stride: int, name: str) -> Any:
    """Return the branch of three convolutions."""
    x = conv(x, filters, name=f"{name}_right_in")
    x = depthwise(x, 3, stride, None, name=f"{name}_right_depthwise")
    return conv(x, filters, name=f"{name}_right_out")


def _shuffled(left: Any, right: Any, name: str) -> Any:
    """Return the channels of two tensors in turns."""
    layers = tf_keras().layers
    x = layers.Concatenate(name=f"{name}_concat")([left, right])
    height, width, channels = x.shape[1:]
    x = layers.Reshape((height * width, 2, channels // 2), name=f"{name}_halves")(x)
    x = layers.Permute((1, 3, 2), name=f"{name}_turns")(x)
    return layers.Reshape((height, width, channels), name=f"{name}_shuffled")(x)
