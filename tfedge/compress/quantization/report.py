"""What of a model is quantized."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.core.records import Record
from tfedge.models.flavours import flavour_of
from tfedge.models.wrappers import is_quantized, is_quantizing, unwrapped


@dataclasses.dataclass(frozen=True, repr=False)
class Quantization(Record):
    """Which layers of a QAT model are quantized.

    Attributes:
        quantized: Names of the layers that compute as their int8 operators will.
        float_layers: Name to class of the layers that stay in float. The converter quantizes
            them from calibration data, where TensorFlow Lite can, or leaves them in float.
        keeps_zeros: Names of the layers whose zeros stay zeros in training.
    """

    quantized: tuple[str, ...]
    float_layers: dict[str, str]
    keeps_zeros: tuple[str, ...]


def quantization_of(model: Any) -> Quantization:
    """Return which layers of a QAT model are quantized, and which stay in float.

    Args:
        model: A model from :func:`tfedge.quantize`, or of tfmot's own making.

    Raises:
        ModelError: If ``model`` is no Keras model, or not quantized.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> steps = [layers.Input((4, 2)), layers.LSTM(3, name="memory"), layers.Dense(2, name="d")]
        >>> quantization_of(tfedge.quantize(keras3().Sequential(steps)))
        Quantization
          quantized     ['d']
          float_layers  {'memory': 'LSTM'}
          keeps_zeros   []
    """
    if not (flavour_of(model) and is_quantized(model)):
        raise ModelError(f"{model.name!r} is not quantized: call tfedge.quantize first.")
    whole = [layer for layer in model.layers if _is_quantized_whole(layer)]
    inputs = {layer.name for layer in model._input_layers}
    floats = [layer for layer in model.layers if layer not in whole and layer.name not in inputs]
    return Quantization(
        quantized=tuple(layer.name for layer in whole if hasattr(layer, "layer")),
        float_layers={layer.name: type(unwrapped(layer)).__name__ for layer in floats},
        keeps_zeros=tuple(layer.name for layer in whole if _config(layer).startswith("KeepZeros")),
    )


def _is_quantized_whole(layer: Any) -> bool:
    """Return whether a layer is quantized, and not its output alone."""
    return is_quantizing(layer) and _config(layer) != "OutputOnlyConfig"


def _config(layer: Any) -> str:
    """Return the class name of what says how a layer is quantized."""
    return type(getattr(layer, "quantize_config", None)).__name__
