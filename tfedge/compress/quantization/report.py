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
        keeps_clusters: Name of each layer whose kernel keeps few distinct values, to their
            number, in each row that has values of its own.
    """

    quantized: tuple[str, ...]
    float_layers: dict[str, str]
    keeps_zeros: tuple[str, ...]
    keeps_clusters: dict[str, int] = dataclasses.field(default_factory=dict)


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
          quantized       ['d']
          float_layers    {'memory': 'LSTM'}
          keeps_zeros     []
          keeps_clusters  {}
    """
    if not (flavour_of(model) and is_quantized(model)):
        raise ModelError(f"{model.name!r} is not quantized: call tfedge.quantize first.")
    whole = [layer for layer in model.layers if is_quantizing(layer) and hasattr(layer, "layer")]
    inputs = {layer.name for layer in model._input_layers}
    floats = [
        layer for layer in model.layers if not is_quantizing(layer) and layer.name not in inputs
    ]
    schemes = {layer.name: scheme for layer in whole for scheme in getattr(layer, "kernels", ())}
    return Quantization(
        quantized=tuple(layer.name for layer in whole),
        float_layers={layer.name: type(unwrapped(layer)).__name__ for layer in floats},
        keeps_zeros=tuple(name for name, scheme in schemes.items() if scheme.keep_zeros),
        keeps_clusters={
            name: scheme.clusters + scheme.keep_zeros
            for name, scheme in schemes.items()
            if scheme.clusters is not None
        },
    )
