"""Activations that have no integers, taken out of the layers that they sit in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfedge.compress.quantization.rules import KERNELS, kind_of, layer_rounding
from tfedge.models.flavours import tf_keras
from tfedge.models.rewrite import replace_layers

_SEPARABLE = frozenset({"Conv1D", "DepthwiseConv1D", "SeparableConv1D", "SeparableConv2D"})


def split_activations(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model in which activations without an integer operator are layers of their own.

    The kernel before one is then quantized all the same.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt. The activation is named ``<name>_<activation>``; where ``<name>`` is
        an output of the model it keeps the name, and the kernel is in ``<name>_linear``.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> layers = [keras.layers.Dense(3, "selu", name="a"), keras.layers.Dense(2, name="b")]
        >>> model = keras.Model(inputs, layers[1](layers[0](inputs)))
        >>> [layer.name for layer in split_activations(model).layers][1:]
        ['a', 'a_selu', 'b']
    """
    ends = set(model.output_names)
    return replace_layers(
        model, lambda layer: None if layer.name in leave else _parts(layer, layer.name in ends)
    )


def _parts(layer: Any, is_end: bool) -> list[Any] | None:
    """Return a layer without its activation, and the activation, None for other layers."""
    kind = kind_of(layer)
    if kind not in KERNELS and kind not in _SEPARABLE:
        return None
    if layer_rounding(layer) is not None:
        return None
    name, function = layer.name, layer.activation
    label = getattr(function, "__name__", "activation")
    linear = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    linear._name = f"{name}_linear" if is_end else name
    linear.build(layer.input_shape)
    linear.set_weights(layer.get_weights())
    apart = name if is_end else f"{name}_{label}"
    return [linear, tf_keras().layers.Activation(function, name=apart)]
