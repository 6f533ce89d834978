"""DS-CNN, the network of MLPerf Tiny for spoken keywords."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import classified, conv, depthwise, image_input
from tfedge.models.zoo.widths import adapted_strides, rounded


def DSCNN(
    input_shape: Any = (49, 10, 1),
    classes: int = 12,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.4,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return a convolution over time and frequency, and four depthwise separable ones.

    Args:
        input_shape: Frames, coefficients of a frame, and channels: for a second of speech 49 × 10
            × 1.
        classes: Number of outputs.
        width: What the 64 channels of the paper are multiplied by.
        round_to: Channels are multiples of it.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> DSCNN().count_params()
        24908

    Reference:
        Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017, arXiv:1711.07128;
        in the form of Banbury et al., "MLPerf Tiny Benchmark", 2021, arXiv:2106.07597.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = image_input(input_shape, width, **settings)
    channels = rounded(64 * width, round_to)
    [stride] = adapted_strides(inputs.shape[1:3], (2,))
    x = conv(inputs, channels, (10, 4), stride, bias=True, name="stem")
    x = tf_keras().layers.Dropout(0.2, name="stem_dropout")(x)
    for number in range(1, 5):
        x = depthwise(x, bias=True, name=f"block{number}_depthwise")
        x = conv(x, channels, bias=True, name=f"block{number}_pointwise")
    return classified(inputs, x, classes, classifier_activation, dropout, name="DSCNN")
