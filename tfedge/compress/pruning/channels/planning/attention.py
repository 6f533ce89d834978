"""How the multiply-accumulates of attention go with the sides of its kernels."""

from __future__ import annotations

import math
from collections import Counter

from tfedge.models.edges import tensors_in
from tfedge.models.graph import LayerGraph
from tfedge.models.layers import class_names

Products = dict[str, list[tuple[tuple[int, ...], int]]]

_ALL, _HEADS = (0, 1, 2), (1, 2)


def attention_products(graph: LayerGraph) -> dict[str, Products]:
    """Return for each MultiHeadAttention how often what of its kernels is multiplied.

    Every query position goes through the query and output kernels, every value position through
    those of keys and values. Scores and mixture multiply heads and dimensions for each pair.

    Args:
        graph: A layer graph.

    Returns:
        By layer and weight: ``(axes of the kernel, times)``; the products of the sides times
        these numbers sum up to the multiply-accumulates of the layer.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.graph import read_graph
        >>> layers = keras3().layers
        >>> x = layers.Input((5, 8))
        >>> y = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
        >>> found = attention_products(read_graph(keras3().Model(x, y)))
        >>> found["attention"]["_query_dense.kernel"]
        [((0, 1, 2), 5), ((1, 2), 25)]
    """
    found: dict[str, dict[str, Counter]] = {}
    for step in graph.steps:
        if "MultiHeadAttention" not in class_names(step.layer):
            continue
        inputs = [tensor.shape for tensor in tensors_in((step.args, step.kwargs))]
        query, value = math.prod(inputs[0][1:-1]), math.prod(inputs[1][1:-1])
        own = found.setdefault(step.name, {})
        for dense, times in (("query", query), ("output", query), ("key", value)):
            own.setdefault(f"_{dense}_dense.kernel", Counter())[_ALL] += times
        own.setdefault("_value_dense.kernel", Counter())[_ALL] += value
        for dense in ("query", "value"):
            own[f"_{dense}_dense.kernel"][_HEADS] += query * value
    return {
        name: {path: list(times.items()) for path, times in own.items()}
        for name, own in found.items()
    }
