"""What a model would cost without some units, by arithmetic on shapes: nothing is built."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.planning.attention import attention_products
from tfedge.compress.pruning.channels.weights import is_kernel, variable_of
from tfedge.models.graph import LayerGraph
from tfedge.models.macs import macs_of

FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class WeightShape:
    """One weight that loses slices.

    Attributes:
        layer: Flat name of its layer.
        path: Attribute path in the layer.
        shape: Its shape with all units.
        kernel: Whether it is a kernel, so that multiply-accumulates go with its size.
        losses: ``(axis, group, k)``: each unit of the group that goes takes k indices.
    """

    layer: str
    path: str
    shape: tuple[int, ...]
    kernel: bool
    losses: tuple[tuple[int, str, int], ...]

    def size(self, gone: Mapping[str, int], axes: Iterable[int] | None = None) -> int:
        """Return the product of the sides, or of some, when so many units of each group go."""
        sides = list(self.shape)
        for axis, group, k in self.losses:
            sides[axis] -= k * gone.get(group, 0)
        return math.prod(sides if axes is None else (sides[axis] for axis in axes))


class CostModel:
    """Parameters and multiply-accumulates of a model as functions of how many units go.

    The multiply-accumulates of a layer go with the number of values in its kernels; those of
    MultiHeadAttention are told apart into projections and products between positions. Layers that
    multiply activations only (Attention, Dot) are counted as if they stayed as they are.

    Args:
        graph: The layer graph of the model.
        groups: The groups that may lose units.

    Example:
        >>> import numpy as np
        >>> from tfedge.compress.pruning.channels.group import Member
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.graph import read_graph
        >>> layers = keras3().layers
        >>> stack = [layers.Input((5,)), layers.Dense(4, name="a"), layers.Dense(2, name="b")]
        >>> model = keras3().Sequential(stack)
        >>> units = np.arange(4)[:, None]
        >>> made = Member("a", "kernel", 1, units, "out"), Member("a", "bias", 0, units, "follows")
        >>> group = ChannelGroup("a", 4, (*made, Member("b", "kernel", 0, units, "in")))
        >>> cost = CostModel(read_graph(model), [group])
        >>> cost.macs_left({"a": 1}), cost.parameters_left({"a": 1})
        (21.0, 26)
    """

    def __init__(self, graph: LayerGraph, groups: Iterable[ChannelGroup]) -> None:
        self._graph, self._layers = graph, graph.layers()
        self._weights = _weights(self._layers, groups := list(groups))
        self.sizes: dict[str, int] = {group.name: group.size for group in groups}

    @functools.cached_property
    def parameters(self) -> int:
        """Number of values in all weights."""
        return sum(_count(w) for layer in self._layers.values() for w in _weights_of(layer))

    @functools.cached_property
    def macs(self) -> dict[str, int]:
        """Multiply-accumulates by layer, for one sample; ModelError if a dimension is open."""
        macs: Counter[str] = Counter()
        for step in self._graph.steps:
            macs[step.name] += macs_of(step)
        return dict(macs)

    @functools.cached_property
    def _products(self) -> list[tuple[WeightShape, tuple[int, ...], float]]:
        """Weights, their sides that count, and how often each value of these is multiplied."""
        attention = attention_products(self._graph)
        products = []
        for weight in self._weights:
            if weight.layer in attention:
                found = attention[weight.layer].get(weight.path, ())
                products += [(weight, axes, float(times)) for axes, times in found]
            elif weight.kernel and self.macs[weight.layer]:
                times = self.macs[weight.layer] / _kernel_values(self._layers[weight.layer])
                products.append((weight, tuple(range(len(weight.shape))), times))
        return products

    def channels_left(self, gone: Mapping[str, int]) -> float:
        """Return the number of units that are left."""
        return sum(self.sizes.values()) - sum(gone.values())

    def parameters_left(self, gone: Mapping[str, int]) -> float:
        """Return the number of values in the weights that are left."""
        return self.parameters - sum(math.prod(w.shape) - w.size(gone) for w in self._weights)

    def bytes_left(self, gone: Mapping[str, int]) -> float:
        """Return the bytes of the weights that are left, as float32."""
        return FLOAT_BYTES * self.parameters_left(gone)

    def macs_left(self, gone: Mapping[str, int]) -> float:
        """Return the multiply-accumulates that are left."""
        return sum(self.macs_by_layer(gone).values())

    def macs_by_layer(self, gone: Mapping[str, int]) -> dict[str, float]:
        """Return the multiply-accumulates that are left in each layer."""
        left: dict[str, float] = dict(self.macs)
        for weight, axes, factor in self._products:
            left[weight.layer] -= factor * (weight.size({}, axes) - weight.size(gone, axes))
        return left

    def parameters_by_layer(self, gone: Mapping[str, int]) -> dict[str, float]:
        """Return the values that are left in the weights that lose slices, by layer."""
        left: Counter[str] = Counter()
        for weight in self._weights:
            left[weight.layer] += weight.size(gone)
        return dict(left)


def _weights(layers: Mapping[str, Any], groups: list[ChannelGroup]) -> list[WeightShape]:
    """Return the weights that lose slices, each once."""
    losses: dict[tuple[str, str], list[tuple[int, str, int]]] = defaultdict(list)
    found: dict[tuple[str, str], tuple[tuple[int, ...], bool]] = {}
    for group in groups:
        for member in group.members:
            key = member.layer, member.weight
            variable = variable_of(layers, member)
            found[key] = tuple(map(int, variable.shape)), is_kernel(member, variable)
            losses[key].append((member.axis, group.name, member.positions.shape[1]))
    return [
        WeightShape(*key, shape, kernel, tuple(losses[key]))
        for key, (shape, kernel) in found.items()
    ]


def _weights_of(layer: Any) -> list[Any]:
    """Return the weights of a layer; operations have none."""
    return list(getattr(layer, "weights", []))


def _kernel_values(layer: Any) -> int:
    """Return the number of values in the weights with several axes that are no biases."""
    kernels = [
        w
        for w in _weights_of(layer)
        if len(w.shape) > 1 and "bias" not in w.name.rpartition("/")[2]
    ]
    return sum(map(_count, kernels))


def _count(weight: Any) -> int:
    """Return the number of values of a weight."""
    return math.prod(int(side) for side in weight.shape)
