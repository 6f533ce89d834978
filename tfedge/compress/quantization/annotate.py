"""Which layers tfmot's default 8-bit scheme can quantize, and why it cannot the others."""

from __future__ import annotations

import importlib
from typing import Any

from tfedge.compress.quantization.scheme import ELEMENTWISE, knows_activation
from tfedge.models.flavours import tfmot

_HOME = "tensorflow_model_optimization.python.core.quantization.keras"
_FOLDS_NORMALIZATION = ("Conv2D", "DepthwiseConv2D", "Dense")
_FUSED = frozenset({"linear", "relu", "swish", "gelu", "softmax", "sigmoid", "tanh"})


def reasons_for_float(model: Any) -> dict[str, str]:
    """Return why each layer that cannot be quantized stays in float, by layer name.

    Args:
        model: A plain functional tf_keras model.

    Returns:
        Layer name to reason, in the order of the layers. Layers that are missing can be
        quantized. A BatchNormalization can be if a linear convolution or Dense directly
        before it takes it in.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> x = keras.layers.LayerNormalization(name="norm")(inputs)
        >>> model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
        >>> reasons_for_float(model)
        {'norm': 'tfmot does not quantize LayerNormalization'}
    """
    registry = _registry()
    found = {layer.name: _reason(layer, model, registry) for layer in model.layers}
    for layer in model.layers:
        if _kind(layer) == "BatchNormalization":
            found[layer.name] = _reason_not_folded(layer, model, found)
    return {name: reason for name, reason in found.items() if reason}


def _registry() -> Any:
    """Return what tfmot knows of layers."""
    tfmot()
    module = importlib.import_module(f"{_HOME}.default_8bit.default_8bit_quantize_registry")
    return module.Default8BitQuantizeRegistry()


def _kind(layer: Any) -> str:
    """Return the class name of a layer."""
    return type(layer).__name__


def _reason(layer: Any, model: Any, registry: Any) -> str:
    """Return why a layer on its own cannot be quantized, empty if it can."""
    kind = _kind(layer)
    if kind in ("InputLayer", "BatchNormalization"):
        return ""
    if kind not in ELEMENTWISE and not registry.supports(layer):
        return f"tfmot does not quantize {kind}"
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", type(activation).__name__)
    known = knows_activation(layer) if kind == "Activation" else name in _FUSED
    if activation is not None and not known:
        return f"tfmot does not quantize the activation {name}"
    return _reason_of_inputs(layer, model)


def _reason_of_inputs(layer: Any, model: Any) -> str:
    """Return why fake quantization does not take the inputs of a layer, empty if it does."""
    for node in _in_model(layer.inbound_nodes, model):
        for tensor in node.keras_inputs:
            if getattr(tensor, "_keras_mask", None) is not None:
                return "a mask reaches it, and tfmot's wrapper passes masks on to no layer"
            if tensor.dtype.name != "float32":
                return f"fake quantization needs float32 inputs, not {tensor.dtype.name}"
    return ""


def _reason_not_folded(layer: Any, model: Any, found: dict[str, str]) -> str:
    """Return why a BatchNormalization cannot be taken in by the layer before it."""
    nodes = _in_model(layer.inbound_nodes, model)
    if len(nodes) != 1:
        return "it is shared, so no single convolution can take it in"
    before = nodes[0].inbound_layers
    if isinstance(before, list) or _kind(before) not in _FOLDS_NORMALIZATION:
        return "no convolution or Dense is directly before it"
    if found.get(before.name):
        return f"{before.name} before it stays in float"
    if getattr(before.activation, "__name__", "") != "linear":
        return f"{before.name} before it has an activation"
    if len(_in_model(before.inbound_nodes, model)) != 1 or len(_consumers(before, model)) != 1:
        return f"{before.name} before it is used elsewhere too"
    return ""


def _in_model(nodes: list[Any], model: Any) -> list[Any]:
    """Return the nodes that belong to the model; a layer may also be part of others."""
    inside = {id(node) for level in model._nodes_by_depth.values() for node in level}
    return [node for node in nodes if id(node) in inside]


def _consumers(layer: Any, model: Any) -> list[Any]:
    """Return what uses the output of a layer: nodes of the model, and the model's outputs."""
    ends = [x for x in model.outputs if x._keras_history.layer is layer]
    return _in_model(layer.outbound_nodes, model) + ends
