"""A small GRU for series."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import activate, classified, normalized, series_input
from tfedge.models.zoo.widths import rounded

_STEPS = 32


def SmallGRU(
    input_shape: Any = (128, 6),
    classes: int = 6,
    width: float = 1.0,
    *,
    round_to: int = 8,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
) -> Any:
    """Return a convolution that shortens the series to 32 steps or fewer, and a GRU over these.

    A file of integers holds every step of the GRU by itself, some 15 operators for each. So the
    convolution has the stride that the length asks for.

    Args:
        input_shape: Steps and channels of a series.
        classes: Number of outputs.
        width: What the 32 channels and the 32 units are multiplied by.
        round_to: Channels and units are multiples of it.
        dropout: Fraction of the features that is dropped before the last layer.
        classifier_activation: Activation of the last layer; None for logits.

    Returns:
        A tf_keras model with random weights, not compiled.

    Raises:
        ArgumentError: If a setting is wrong; says the least size.

    Example:
        >>> SmallGRU((50, 3)).get_layer("stem").output_shape
        (None, 25, 32)

    Reference:
        Arik et al., "Convolutional Recurrent Neural Networks for Small-Footprint Keyword
        Spotting", Interspeech 2017, arXiv:1703.05390; GRU: Cho et al., EMNLP 2014,
        arXiv:1406.1078.
    """
    settings = {"classes": classes, "round_to": round_to, "dropout": dropout}
    inputs = series_input(input_shape, width, **settings)
    layers, units = tf_keras().layers, rounded(32 * width, round_to)
    stride = -(-inputs.shape[1] // _STEPS)
    own = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.Conv1D(units, 5, stride, name="stem", **own)(inputs)
    x = activate(normalized(x, "stem"), "relu", "stem")
    x = layers.GRU(units, name="gru")(x)
    return classified(inputs, x, classes, classifier_activation, dropout, name="SmallGRU")
