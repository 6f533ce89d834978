"""Gates settled: layers of Keras stand where gates were."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.regularizers.gated_weights import L0Weights, TFKerasL0Weights
from tfedge.compress.pruning.regularizers.gates import L0Gate, TFKerasL0Gate
from tfedge.compress.pruning.regularizers.hard_concrete import settled
from tfedge.core.errors import ModelError
from tfedge.models.flavours import KERAS3, flavour_of, keras3, tf_keras
from tfedge.models.walk import any_layer

_WEIGHTS = (L0Weights, TFKerasL0Weights)
_GATES = (L0Gate, TFKerasL0Gate)


def settle_gates(model: Any) -> Any:
    """Return a model of plain Keras layers that computes what one with L0 gates does in inference.

    :class:`L0Weights` becomes the layer inside, with zeros where gates are closed; ``L0Gate``
    becomes a ``Rescaling`` with one factor for each channel. Remove closed channels first, with
    :func:`tfedge.remove_dead_channels`.

    Args:
        model: A functional or Sequential model of either Keras without nested models.

    Returns:
        A new model of the same Keras, not compiled.

    Raises:
        ModelError: If the model has no gates in its outermost layers, or is no Keras model.

    Example:
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), L0Weights(layers.Dense(2, name="d"))])
        >>> [type(layer).__name__ for layer in settle_gates(model).layers]
        ['Dense']
    """
    keras = keras3() if flavour_of(model) == KERAS3 else tf_keras()
    if not any_layer(model, lambda layer: isinstance(layer, (*_WEIGHTS, *_GATES))):
        raise ModelError(
            f"{model.name!r} has no L0 gates to settle. Put L0Gate layers after activations, or "
            f"L0Weights around layers, and train."
        )
    made: dict[str, Any] = {}

    def plain(layer: Any) -> Any:
        """Return the layer of the new model that stands for one of the old."""
        made[layer.name] = _plain(layer, keras)
        return made[layer.name]

    result = keras.models.clone_model(model, clone_function=plain)
    for layer in model.layers:
        if layer.weights and not isinstance(layer, _GATES):
            made[layer.name].set_weights(_values(layer))
    return result


def _plain(layer: Any, keras: Any) -> Any:
    """Return a new layer without gates."""
    if isinstance(layer, _GATES):
        factors = np.asarray(settled(layer.log_alpha)).tolist()
        return keras.layers.Rescaling(factors, name=layer.name)
    inner = layer.layer if isinstance(layer, _WEIGHTS) else layer
    return type(inner).from_config({**inner.get_config(), "name": layer.name})


def _values(layer: Any) -> list[np.ndarray]:
    """Return the weights of a layer, gates applied."""
    if not isinstance(layer, _WEIGHTS):
        return layer.get_weights()
    inner = layer.layer
    gated = np.asarray(layer.gated_kernel())
    return [gated if one is inner.kernel else np.asarray(one.numpy()) for one in inner.weights]
