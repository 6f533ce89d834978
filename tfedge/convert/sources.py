"""What is traced in place of a model: the model itself, or a copy that converts better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfedge.convert import recurrent
from tfedge.convert.modes import Mode
from tfedge.core.errors import ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import KERAS3, flavour_of, is_model, tf_keras
from tfedge.models.training.exportable import check_exportable
from tfedge.models.walk import any_layer
from tfedge.models.wrappers import unwrapped

_NOT_FLOAT32 = ("float16", "bfloat16", "float64")


@dataclass(frozen=True)
class Source:
    """A model to trace.

    Args:
        model: A Keras model of either flavour, or a loaded SavedModel.
        composite: Whether its composite functions must survive, so that LSTM is fused.
    """

    model: Any
    composite: bool = False


def sources(model: Any, mode: Mode, inputs: Sequence[tf.TensorSpec]) -> Iterator[Source]:
    """Yield what to trace for a model, the smallest file first.

    Copies are made only where the model itself would not convert, or less well: recurrent
    layers, half precision (kernels compute in float32 or integers), and in integer files the
    LayerNormalization of Keras 3, whose ``NEG`` stays in float.

    Args:
        model: The user's model; not changed.
        mode: What it will be converted to.
        inputs: Its inputs, with every axis but a free batch fixed.

    Raises:
        ConversionError: If a recurrent layer cannot be converted.
        ModelError: If a model in integer training has ranges that nothing has set, or has lost
            zeros or clusters that it was to keep.
    """
    if is_model(model):
        check_exportable(model)
    if is_model(model) and _computes_in(model, _NOT_FLOAT32):
        model = _in_float32(model)
    if is_model(model) and recurrent.has_recurrent(model):
        copy = adopt(model)
        if not mode.calibrated or recurrent.fuses(copy):
            yield Source(copy, composite=True)
        if mode.calibrated:
            yield Source(recurrent.unrolled(copy, inputs))
    elif is_model(model) and mode.calibrated and _normalizes_layers_in_keras3(model):
        yield Source(_adopted_or_itself(model))
    else:
        yield Source(model)


def _computes_in(model: Any, dtypes: tuple[str, ...]) -> bool:
    """Return whether a layer computes in one of these types, nested and wrapped ones included."""
    return any_layer(model, lambda layer: unwrapped(layer).compute_dtype in dtypes)


def _in_float32(model: Any) -> Any:
    """Return a tf_keras copy that computes in float32."""
    copy = adopt(model)
    plain = tf_keras().models.clone_model(copy, clone_function=_layer_in_float32)
    plain.set_weights(copy.get_weights())
    return plain


def _layer_in_float32(layer: Any) -> Any:
    """Return a copy of a layer, and of the layers in it, that computes in float32."""
    return type(layer).from_config(_config_in_float32(layer.get_config()))


def _config_in_float32(config: Any) -> Any:
    """Return a config in which every dtype policy of a layer is float32."""
    if isinstance(config, list):
        return [_config_in_float32(item) for item in config]
    if not isinstance(config, dict):
        return config
    kept = {key: _config_in_float32(value) for key, value in config.items()}
    name = kept.get("dtype")
    if isinstance(name, dict):
        name = name["config"]["name"]
    if isinstance(name, str) and name.removeprefix("mixed_") in _NOT_FLOAT32:
        kept["dtype"] = "float32"
    return kept


def _normalizes_layers_in_keras3(model: Any) -> bool:
    """Return whether a Keras 3 model holds a LayerNormalization."""
    return flavour_of(model) == KERAS3 and any_layer(
        model, lambda layer: type(layer).__name__ == "LayerNormalization"
    )


def _adopted_or_itself(model: Any) -> Any:
    """Return a tf_keras copy, or the model where a layer has no tf_keras twin."""
    try:
        return adopt(model)
    except ModelError:
        return model
