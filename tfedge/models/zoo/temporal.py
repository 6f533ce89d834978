"""A temporal convolution network for series."""

from __future__ import annotations

from typing import Any

from tfedge.core.checks import whole_number
from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import activate, classified, normalized, series_input
from tfedge.models.zoo.widths import rounded


def TCN(
    input_shape: Any = (128, 6),
    classes: int = 6,
    width: float = 1.0,
    *,
    levels: int = 4,
    round_to: int = 8,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return residual blocks of causal convolutions, each of which looks twice as far back.

    With L levels an output sees 1 + 4 (2^L - 1) steps: 61 with four. The average over time sees
    all. Where the paper normalizes weights, features are normalized here, because that folds into
    the convolutions.

    Args:
        input_shape: Steps and channels of a series.
        classes: Number of outputs.
        width: What the 32 channels of the blocks are multiplied by.
        levels: Number of blocks.
        round_to: Channels are multiples of it.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> TCN((50, 3), levels=3, width=0.5).count_params()
        4534

    Reference:
        Bai et al., "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
        Sequence Modeling", 2018, arXiv:1803.01271, section 3.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = series_input(input_shape, width, **settings)
    whole_number("levels", levels)
    x, filters = inputs, rounded(32 * width, round_to)
    for level in range(levels):
        x = _block(x, filters, 2**level, f"block{level + 1}")
    return classified(inputs, x, classes, classifier_activation, dropout, name="TCN")


def _block(x: Any, filters: int, dilation: int, name: str) -> Any:
    """Return two causal convolutions and the sum with what passes by."""
    layers = tf_keras().layers
    y = x
    for number in (1, 2):
        part = f"{name}_conv{number}"
        settings = {"use_bias": False, "kernel_initializer": "he_normal", "name": part}
        y = layers.Conv1D(filters, 3, padding="causal", dilation_rate=dilation, **settings)(y)
        y = activate(normalized(y, part), "relu", part)
    if x.shape[-1] != filters:
        x = layers.Conv1D(filters, 1, name=f"{name}_short")(x)
    return activate(layers.Add(name=f"{name}_add")([x, y]), "relu", name)
