"""Which weight of one layer belongs to which weight of its copy.

Names differ between the two Kerases, order and shapes agree. Layers inside a wrapper are paired
one by one, because a wrapper lists its weights in another order in each Keras.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.models.graph import read_graph
from tfedge.models.nodes import has_graph

_INNER = (("forward_layer", "backward_layer"), ("layer",), ("cell",))


def weight_pairs(layer: Any, copy: Any) -> list[tuple[Any, Any]]:
    """Return ``(weight of layer, weight of copy)`` for every weight.

    Args:
        layer: A built layer or functional model of either Keras.
        copy: Its counterpart, of either Keras.

    Raises:
        ModelError: If the two do not have the same weights; names the layer and the shapes.
    """
    if has_graph(layer) and has_graph(copy):
        return list(_pairs_of_models(layer, copy))
    if type(layer) is type(copy):
        return _by_position(layer, copy, list(layer.weights), list(copy.weights))
    for attributes in _INNER:
        inside = [(getattr(layer, a, None), getattr(copy, a, None)) for a in attributes]
        if all(hasattr(one, "weights") for pair in inside for one in pair):
            inner = [pair for one in inside for pair in weight_pairs(*one)]
            own = (_others(one.weights, inner, side) for side, one in enumerate((layer, copy)))
            return inner + _by_position(layer, copy, *own)
    return _by_position(layer, copy, list(layer.weights), list(copy.weights))


def copy_weights(pairs: list[tuple[Any, Any]]) -> None:
    """Assign the value of each first weight to its partner."""
    for source, target in pairs:
        target.assign(np.asarray(source.numpy()))


def finalize(layer: Any, like: Any = None) -> None:
    """Let a Normalization layer compute its constants from its weights again.

    Keras computes with constants that it took from the weights at some time; weights that were
    assigned since do not count. A copy is therefore made of the constants.

    Args:
        layer: The layer whose weights were written.
        like: The layer that it was copied from.
    """
    inner: Any
    for inner, source in ((layer, like), (_inside(layer), _inside(like))):
        if type(inner).__name__ == "Normalization" and inner.weights:
            if source is not None:
                inner.adapt_mean.assign(np.reshape(source.mean, inner.adapt_mean.shape))
                inner.adapt_variance.assign(np.reshape(source.variance, inner.adapt_mean.shape))
            inner.finalize_state()


def _inside(layer: Any) -> Any:
    """Return the layer inside a wrapper, None for a plain layer."""
    return getattr(layer, "layer", None)


def _pairs_of_models(model: Any, copy: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of all layers of a model inside a wrapper."""
    graph, twin = read_graph(model), read_graph(copy)
    twins = twin.layers()
    for name, layer in graph.layers().items():
        if name not in twins:
            raise ModelError(f"The layer {name!r} of {graph.name!r} is missing in {twin.name!r}.")
        if getattr(layer, "weights", None):
            yield from weight_pairs(layer, twins[name])


def _others(weights: list, inner: list[tuple[Any, Any]], side: int) -> list:
    """Return the weights that do not belong to the layers inside a wrapper."""
    known = {id(pair[side]) for pair in inner}
    return [weight for weight in weights if id(weight) not in known]


def _by_position(layer: Any, copy: Any, ours: list, theirs: list) -> list[tuple[Any, Any]]:
    """Pair weights by position after comparing shapes."""
    shapes = [[tuple(weight.shape) for weight in one] for one in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise ModelError(
            f"The weights of the layer {layer.name!r} ({type(layer).__name__}) have shapes "
            f"{shapes[0]}, those of {copy.name!r} ({type(copy).__name__}) have {shapes[1]}. "
            f"Weights go from one to the other by position, so the shapes must be the same."
        )
    return list(zip(ours, theirs, strict=True))
