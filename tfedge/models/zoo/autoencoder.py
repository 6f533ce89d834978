"""The autoencoder of MLPerf Tiny for sounds of machines."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.blocks import activate, normalized
from tfedge.models.zoo.widths import check_settings, checked_shape, rounded

_BEFORE, _AFTER = 4, 4


def AnomalyAutoencoder(
    input_shape: Any = (640,), width: float = 1.0, *, code: int = 8, round_to: int = 8
) -> Any:
    """Return dense layers that squeeze features through a code and make them again.

    What it was trained on comes out as it went in. A large squared error is an anomaly.

    Args:
        input_shape: Number of features, for five frames of 128 bands ``(640,)``.
        width: What the 128 units of the hidden layers are multiplied by.
        code: Units of the narrowest layer.
        round_to: Units of the hidden layers are multiples of it.

    Returns:
        A tf_keras model with random weights, not compiled; train it with ``loss="mse"``.

    Raises:
        ArgumentError: If a setting is wrong.

    Example:
        >>> AnomalyAutoencoder().count_params()
        269992

    Reference:
        Koizumi et al., "DCASE2020 Challenge Task2", 2020, arXiv:2006.05822; Banbury et al.,
        "MLPerf Tiny Benchmark", 2021, arXiv:2106.07597.
    """
    check_settings(width, classes=code, round_to=round_to)
    layers = tf_keras().layers
    inputs = layers.Input(checked_shape(input_shape, ("features",)), name="features")
    hidden = rounded(128 * width, round_to)
    x = inputs
    for number, units in enumerate([hidden] * _BEFORE + [code] + [hidden] * _AFTER, 1):
        name = f"dense{number}"
        dense = layers.Dense(units, kernel_initializer="he_normal", name=name)
        x = activate(normalized(dense(x), name), "relu", name)
    outputs = layers.Dense(inputs.shape[-1], name="reconstruction")(x)
    return tf_keras().Model(inputs, outputs, name="AnomalyAutoencoder")
