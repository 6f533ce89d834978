"""Release: trained weights go back into the user's own model, whatever Keras it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.core.rooms import callable_room
from tfedge.models.clone import is_wrapped
from tfedge.models.graph import LayerGraph, read_graph
from tfedge.models.weights import finalize, weight_pairs


def release(trained: Any, into: Any) -> Any:
    """Write the weights of an adopted and trained model back into the model that it came from.

    Layers are matched by name, through the same name map as in :func:`adopt`, and weights by
    position. Everything is checked before anything is written.

    Args:
        trained: A model that :func:`adopt` returned, trained since; without wrappers.
        into: The user's model, Keras 3 or tf_keras, nested or not.

    Returns:
        ``into``, with the trained weights. Compilation and optimizer state stay as they were.

    Raises:
        ModelError: If ``trained`` still wears training-time wrappers, or its layers or shapes
            are not those of ``into``. Nothing is written then.

    Example:
        >>> from tfedge.models.adopt import adopt
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> trained = adopt(model)
        >>> trained.set_weights([weight + 1.0 for weight in trained.get_weights()])
        >>> release(trained, into=model).get_weights()[1].tolist()
        [1.0, 1.0]
    """
    source, target = read_graph(trained), read_graph(into)
    _refuse_wrappers(source)
    ours, theirs = _weighted(target), _weighted(source)
    _refuse_other_layers(set(ours), set(theirs), source, target)
    pairs = [pair for name, layer in ours.items() for pair in _pairs(name, layer, theirs[name])]
    values = [np.asarray(weight.numpy()) for _, weight in pairs]
    for (weight, _), value in zip(pairs, values, strict=True):
        weight.assign(value)
    for layer in ours.values():
        finalize(layer)
    return into


def _weighted(graph: LayerGraph) -> dict[str, Any]:
    """Return the layers that have weights, by flat name."""
    return {name: one for name, one in graph.layers().items() if getattr(one, "weights", None)}


def _pairs(name: str, layer: Any, trained: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of one layer, or say that it was made smaller."""
    try:
        return weight_pairs(layer, trained)
    except ModelError as error:
        raise ModelError(
            f"{error} The trained layer {name!r} is not the one that was adopted: where channels "
            f"were removed the weights fit the smaller model only. Keep using that model."
        ) from error


def _refuse_wrappers(graph: LayerGraph) -> None:
    """Raise if a layer still wears one of tfmot's wrappers."""
    for name, layer in graph.layers().items():
        if is_wrapped(layer):
            raise ModelError(
                f"The trained model {graph.name!r} still has training-time wrappers: {name!r} is "
                f"a {type(layer).__name__}, whose weights have no place in the user's model. Take "
                f"them off with tfedge.strip first; fake quantization stays and is for export."
            )


def _refuse_other_layers(ours: set, theirs: set, source: LayerGraph, target: LayerGraph) -> None:
    """Raise unless both models have the same layers with weights."""
    missing, extra = sorted(ours - theirs), sorted(theirs - ours)
    if missing or extra:
        raise ModelError(
            f"{source.name!r} and {target.name!r} do not have the same layers: missing in the "
            f"trained model {missing[:5]}, not in the user's {extra[:5]}. Release works between "
            f"a model and its own adopted copy only."
        )


# The room holds a function and a file of this name; either way, calling it releases.
callable_room(__name__, release)
