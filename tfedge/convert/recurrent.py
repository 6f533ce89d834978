"""Recurrent layers in the form that the converter can turn into operators.

Measured on TensorFlow 2.21: a plain LSTM is fused into one operator in every mode. Any other
recurrent layer becomes a WHILE loop, on which INT8 calibration kills the process; unrolled over
its timesteps it quantizes well, at the price of a larger file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfedge.core.errors import ConversionError
from tfedge.models.flavours import tf_keras
from tfedge.models.walk import any_layer

_RECURRENT = ("RNN", "Bidirectional")


def has_recurrent(model: Any) -> bool:
    """Return whether a model of either flavour holds a recurrent layer, nested ones included."""
    return any_layer(model, _is_recurrent)


def fuses(model: Any) -> bool:
    """Return whether every recurrent layer of a tf_keras model becomes one operator."""
    masked = any(map(_makes_mask, model.layers))
    return not masked and all(_fuses(layer) for layer in model.layers if _is_recurrent(layer))


def unrolled(model: Any, inputs: Sequence[Any]) -> Any:
    """Return a copy of a tf_keras model without loops.

    Args:
        model: A functional model; not changed.
        inputs: Specs of its inputs, with the number of timesteps settled.

    Raises:
        ConversionError: If a layer cannot be unrolled; names it.
    """

    def copied(layer: Any) -> Any:
        """Return a copy of a layer, unrolled if it loops."""
        return _unrolled(layer, model.name) if _is_recurrent(layer) else _same(layer)

    keras = tf_keras()
    tensors = [keras.Input(spec.shape[1:], dtype=spec.dtype, name=spec.name) for spec in inputs]
    copy = keras.models.clone_model(model, input_tensors=tensors, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy


def _is_recurrent(layer: Any) -> bool:
    """Return whether a layer loops over timesteps."""
    return any(kind.__name__ in _RECURRENT for kind in type(layer).__mro__)


def _makes_mask(layer: Any) -> bool:
    """Return whether a layer is a source of masks."""
    return type(layer).__name__ == "Masking" or bool(getattr(layer, "mask_zero", False))


def _fuses(layer: Any) -> bool:
    """Return whether the converter makes one operator of a layer."""
    return (
        type(layer).__name__ == "LSTM"
        and layer.activation.__name__ == "tanh"
        and layer.recurrent_activation.__name__ == "sigmoid"
        and layer.use_bias
        and not (layer.go_backwards or layer.stateful or layer.recurrent_dropout)
    )


def _same(layer: Any) -> Any:
    """Return a copy of a layer."""
    return type(layer).from_config(layer.get_config())


def _unrolled(layer: Any, model_name: str) -> Any:
    """Return an unrolled copy of a recurrent layer."""
    _check_can_unroll(layer, model_name)
    config = layer.get_config()
    for settings in (config, config.get("layer"), config.get("backward_layer")):
        if settings and "unroll" in settings.get("config", settings):
            settings.get("config", settings)["unroll"] = True
    return type(layer).from_config(config)


def _check_can_unroll(layer: Any, model_name: str) -> None:
    """Raise for a layer that Keras cannot unroll."""
    if "Conv" in type(getattr(layer, "layer", layer)).__name__:
        raise ConversionError(
            f"{model_name!r} cannot become an INT8 file: layer {layer.name!r} "
            f"({type(layer).__name__}) would stay a loop, on which INT8 calibration crashes, and "
            "Keras cannot unroll convolutional recurrent layers. Convert with "
            "quantize='dynamic' or 'float32'."
        )
