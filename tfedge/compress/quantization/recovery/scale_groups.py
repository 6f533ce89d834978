"""Tensors whose channels can be scaled without changing what a model computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from tfedge.compress.quantization.recovery.linear_layers import Linear, linear_layers
from tfedge.compress.quantization.rules import FOLLOWS, kind_of
from tfedge.models.edges import tensors_in
from tfedge.models.graph import LayerGraph, read_graph

_KEEPS_CHANNELS = (FOLLOWS | {"GlobalAveragePooling1D", "GlobalAveragePooling2D"}) - {"Permute"}
_SCALES_ALONG = frozenset({"linear", "relu", "leaky_relu"})


@dataclasses.dataclass(frozen=True, eq=False)
class ScaleGroup:
    """Tensors of which a channel is scaled in all or in none.

    Attributes:
        channels: Number of channels; where a tensor was flattened they repeat.
        producers: Layers that make the tensors: their output channels are divided by a scale.
        consumers: Layers that take them in: their input channels are multiplied by it.
    """

    channels: int
    producers: tuple[Linear, ...]
    consumers: tuple[Linear, ...]


def scale_groups(model: Any, leave: Collection[str] = ()) -> list[ScaleGroup]:
    """Return the groups of a model, in the order of their first producers.

    Between producers and consumers lies only what scales along with its input: ReLU, pooling,
    padding, flattening, dropout. Tensors that anything else sees, such as a sum, a product, a
    ReLU6 or the user of the model, belong to no group.

    Args:
        model: A functional tf_keras model of layers that an int8 file holds.
        leave: Names of layers that stay as they are.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> inputs = tf_keras().Input((8, 8, 3))
        >>> x = layers.ReLU()(layers.Conv2D(4, 3, name="a")(inputs))
        >>> x = layers.Flatten()(layers.DepthwiseConv2D(3, name="b")(x))
        >>> model = tf_keras().Model(inputs, layers.Dense(2, name="c")(x))
        >>> [(one.producers[0].name, one.consumers[0].name) for one in scale_groups(model)]
        [('a', 'b'), ('b', 'c')]
    """
    graph = read_graph(model)
    linears = {one.name: one for one in linear_layers(model, leave) if one.name not in leave}
    return _Groups(graph, linears).found()


class _Groups:
    """Joins tensors that scale together (union-find), and notes those that cannot."""

    def __init__(self, graph: LayerGraph, linears: dict[str, Linear]) -> None:
        """Walk through the calls."""
        self._linears = linears
        self._norms = {one.norm.name: one for one in linears.values() if one.norm is not None}
        self._parent: dict[Any, Any] = {}
        self._fixed: set[Any] = set(tensors_in((graph.inputs, graph.outputs)))
        self._made: list[tuple[Any, Linear]] = []
        self._used: list[tuple[Any, Linear]] = []
        self._edges: set[Any] = set()
        for step in graph.steps:
            self._visit(step, tensors_in((step.args, step.kwargs)))

    def found(self) -> list[ScaleGroup]:
        """Return the groups that have producers and consumers."""
        members: dict[Any, tuple[list, list, list]] = {}
        for place, pairs in enumerate((self._made, self._used)):
            for edge, linear in pairs:
                members.setdefault(self._root(edge), ([], [], []))[place].append(linear)
        for edge in self._edges:
            if (root := self._root(edge)) in members:
                members[root][2].append(edge)
        fixed = {self._root(edge) for edge in self._fixed}
        return [
            ScaleGroup(channels, tuple(producers), tuple(consumers))
            for root, (producers, consumers, edges) in members.items()
            if root not in fixed and producers and consumers
            for channels in _channels(producers, edges)
        ]

    def _visit(self, step: Any, inputs: list[Any]) -> None:
        """Note what one call does to its tensors."""
        self._edges.update(inputs, step.outputs)
        linear = self._linears.get(step.name)
        if linear is not None:
            self._used += [(edge, linear) for edge in inputs]
            if linear.norm is None and _scales_along(step.layer):
                self._made.append((step.outputs[0], linear))
            else:
                self._fixed.update(step.outputs)
        elif step.name in self._norms:
            self._made.append((step.outputs[0], self._norms[step.name]))
        elif len(inputs) == len(step.outputs) == 1 and _scales_along(step.layer):
            self._parent[self._root(inputs[0])] = self._root(step.outputs[0])
        else:
            self._fixed.update(inputs, step.outputs)

    def _root(self, edge: Any) -> Any:
        """Return what stands for the group of a tensor."""
        while edge in self._parent and self._parent[edge] is not edge:
            edge = self._parent[edge]
        return edge


def _channels(producers: list[Linear], edges: list[Any]) -> list[int]:
    """Return the number of channels, in a list; empty if the tensors do not have it."""
    numbers = {int(one.layer.output_shape[-1]) for one in producers}
    widths = [edge.shape[-1] for edge in edges]
    fits = len(numbers) == 1 and all(width and width % min(numbers) == 0 for width in widths)
    return list(numbers) if fits else []


def _scales_along(layer: Any) -> bool:
    """Return whether the output of a layer is scaled when its input is, channel by channel."""
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        return False
    kind = kind_of(layer)
    if kind == "ReLU":
        return layer.max_value is None and float(layer.threshold) == 0
    if kind in _KEEPS_CHANNELS or kind == "LeakyReLU":
        return True
    function = getattr(layer, "activation", None)
    return function is not None and getattr(function, "__name__", "") in _SCALES_ALONG
