"""One Keras 3 layer becomes one tf_keras layer: same name, same settings, weights not yet set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.adoption import special
from tfedge.models.adoption.settings import settings_for
from tfedge.models.flavours import tf_keras
from tfedge.models.nodes import has_graph
from tfedge.models.registry import twin_of

Translator = Callable[[Any, Callable[[Any], Any]], Any]

_SPECIAL: dict[str, Translator] = {
    "Bidirectional": special.bidirectional,
    "CustomScaleLayer": special.from_application("inception_resnet_v2"),
    "Discretization": special.discretization,
    "Lambda": special.lambda_layer,
    "LayerScale": special.from_application("convnext"),
    "LeakyReLU": special.leaky_relu,
    "RMSNormalization": special.rms_normalization,
    "RNN": special.rnn,
    "SpectralNormalization": special.spectral,
    "StackedRNNCells": special.stacked_cells,
    "StochasticDepth": special.from_application("convnext"),
    "TimeDistributed": special.wrapper,
    **dict.fromkeys(("IntegerLookup", "StringLookup", "TextVectorization"), special.lookup),
    **dict.fromkeys(special.RECURRENT, special.recurrent),
}


def counterpart(layer: Any, copy_model: Callable[[Any], Any]) -> Any:
    """Return a new tf_keras layer like a Keras 3 layer, with fresh weights.

    Args:
        layer: A Keras 3 layer.
        copy_model: Adopts a model that sits inside a wrapper layer such as TimeDistributed.

    Raises:
        ModelError: If the layer is neither a Keras layer with a twin nor registered.
    """
    registered = twin_of(type(layer))
    if registered is not None:
        return _registered(layer, registered)
    if has_graph(layer):
        return copy_model(layer)
    if not type(layer).__module__.startswith("keras.src."):
        raise ModelError(_unknown(layer))
    maker = _SPECIAL.get(type(layer).__name__)
    if maker is not None:
        return maker(layer, lambda inner: counterpart(inner, copy_model))
    return _builtin(layer)


def _registered(layer: Any, twin: Any) -> Any:
    """Make the layer that the user registered."""
    if isinstance(twin, type):
        return twin(**settings_for(layer, twin))
    made = twin(layer)
    if not isinstance(made, tf_keras().layers.Layer):
        raise ModelError(
            f"The translator registered for {type(layer).__name__} returned {made!r} for the "
            f"layer {layer.name!r}. It must return a tf_keras layer."
        )
    return made


def _builtin(layer: Any) -> Any:
    """Make the layer of the same name; what has no weights may also run as it is."""
    target = getattr(tf_keras().layers, type(layer).__name__, None)
    if target is not None:
        try:
            return target(**settings_for(layer, target))
        except ModelError:
            if layer.weights:
                raise
    if layer.weights:
        raise ModelError(_unknown(layer))
    return special.as_keras3(layer)


def _unknown(layer: Any) -> str:
    """Return what to do about a layer without a twin."""
    kind = type(layer)
    if any(ancestor.__name__ == "Model" for ancestor in kind.__mro__):
        return (
            f"The nested model {layer.name!r} is subclassed or not built ({kind.__name__}): Keras "
            f"keeps no layer graph of it. Write it as a functional model, or build it."
        )
    return (
        f"The layer {layer.name!r} is a {kind.__module__}.{kind.__name__}, which has no twin in "
        f"tf_keras that is known here. Name one: tfedge.models.register_layer("
        f"{kind.__name__}, twin), where twin is a tf_keras layer class with the same config and "
        f"weights, or a function from the Keras 3 layer to a tf_keras layer."
    )
