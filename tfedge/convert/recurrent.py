"""Recurrent layers in the form that the converter can turn into operators.

Measured on TensorFlow 2.21: a plain LSTM is fused into one operator in every mode. Any other
recurrent layer becomes a WHILE loop, on which INT8 calibration kills the process; unrolled over
its timesteps it quantizes well, at the price of a larger file.
"""

from __future__ import annotations

from typing import Any

from tfedge.convert.modes import Mode
from tfedge.core.errors import ConversionError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import is_model, tf_keras

_RECURRENT = ("RNN", "Bidirectional")


def has_recurrent(model: Any) -> bool:
    """Return whether a model of either flavour holds a recurrent layer, nested ones included."""
    if not is_model(model):
        return False
    return any(
        (is_model(layer) and has_recurrent(layer)) or _is_recurrent(layer) for layer in model.layers
    )


def prepare(model: Any, mode: Mode) -> Any:
    """Return a tf_keras copy of a recurrent model that converts in this mode.

    Args:
        model: A model with recurrent layers; not changed.
        mode: What it will be converted to.

    Raises:
        ConversionError: If a layer can neither be fused nor unrolled; names it.
    """
    copy = adopt(model)
    if not mode.calibrated:
        return copy
    masked = any(
        getattr(layer, "supports_masking", False) and _makes_mask(layer) for layer in copy.layers
    )
    unrolled = tf_keras().models.clone_model(
        copy, clone_function=lambda layer: _unrolled(layer, masked, model.name)
    )
    unrolled.set_weights(copy.get_weights())
    return unrolled


def _is_recurrent(layer: Any) -> bool:
    """Return whether a layer loops over timesteps."""
    return any(kind.__name__ in _RECURRENT for kind in type(layer).__mro__)


def _makes_mask(layer: Any) -> bool:
    """Return whether a layer is a source of masks."""
    return type(layer).__name__ == "Masking" or bool(getattr(layer, "mask_zero", False))


def _unrolled(layer: Any, masked: bool, model_name: str) -> Any:
    """Return a copy of a layer, unrolled when it would become a loop."""
    config = layer.get_config()
    if _is_recurrent(layer) and not (_fuses(layer) and not masked):
        inner = getattr(layer, "layer", layer)
        _check_can_unroll(inner, layer, model_name)
        if inner is layer:
            config["unroll"] = True
        else:
            config["layer"]["config"]["unroll"] = True
            if config.get("backward_layer"):
                config["backward_layer"]["config"]["unroll"] = True
    return type(layer).from_config(config)


def _fuses(layer: Any) -> bool:
    """Return whether the converter makes one operator of a layer."""
    return (
        type(layer).__name__ == "LSTM"
        and tf_keras().activations.serialize(layer.activation) == "tanh"
        and tf_keras().activations.serialize(layer.recurrent_activation) == "sigmoid"
        and not (layer.go_backwards or layer.stateful or layer.recurrent_dropout)
        and layer.use_bias
    )


def _check_can_unroll(inner: Any, layer: Any, model_name: str) -> None:
    """Raise for a layer that Keras cannot unroll."""
    reason = None
    if "ConvLSTM" in type(inner).__name__ or "ConvRNN" in type(inner).__name__:
        reason = "Keras cannot unroll convolutional recurrent layers"
    elif layer.input_shape[1] is None:
        reason = "its number of timesteps is open, so it cannot be unrolled"
    if reason:
        raise ConversionError(
            f"{model_name!r} cannot become an INT8 file: layer {layer.name!r} "
            f"({type(layer).__name__}) would stay a loop, on which INT8 calibration crashes, and "
            f"{reason}. Convert with quantize='dynamic' or 'float32', or fix the number of "
            "timesteps in the model's Input."
        )
