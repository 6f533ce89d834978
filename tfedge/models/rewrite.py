"""Rebuild a model with some layers replaced by chains of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.graph import map_tensors, read_graph


def replace_layers(model: Any, chain_for: Callable[[Any], list[Any] | None]) -> Any:
    """Return a model in which layers of one input are replaced by chains of layers.

    Args:
        model: A functional tf_keras model that belongs to the caller: its other layers are
            used in the new model too, with their weights.
        chain_for: Called with each layer; returns the layers to call one after the other in
            its place, or None to leave it. The first, which gets all arguments, may be a function
            that calls layers. It may be called with layers used more than once:
            each use then goes through the same chain.

    Returns:
        A new functional model, or ``model`` itself if nothing was replaced.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(2, activation="relu")(inputs))
        >>> def split(layer):
        ...     return [keras.layers.Dense(2), keras.layers.ReLU()]
        >>> [type(layer).__name__ for layer in replace_layers(model, split).layers]
        ['InputLayer', 'Dense', 'ReLU']
    """
    graph = read_graph(model)
    chains = {name: chain_for(layer) for name, layer in graph.layers().items()}
    if not any(chains.values()):
        return model
    pairs = zip((tensor for _, _, tensor in graph.input_layers), model.inputs, strict=True)
    edges: dict[Any, Any] = dict(pairs)
    for step in graph.steps:
        args, kwargs = (map_tensors(part, edges.get) for part in (step.args, step.kwargs))
        made = _called(chains[step.name] or [step.layer], args, kwargs)
        flat = made if isinstance(made, (list, tuple)) else [made]
        edges.update(zip(step.outputs, flat, strict=True))
    inputs, outputs = (map_tensors(part, edges.get) for part in (graph.inputs, graph.outputs))
    return tf_keras().Model(inputs, outputs, name=model.name)


def _called(layers: list[Any], args: Any, kwargs: Any) -> Any:
    """Return the output of a chain, whose first layer gets all arguments."""
    outputs = layers[0](*args, **kwargs)
    for layer in layers[1:]:
        outputs = layer(outputs)
    return outputs
