"""Which layers form a stage of a network, and how its work goes with the widths of the stages."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.planning.candidates import candidates, made_by
from tfedge.compress.pruning.channels.planning.cost import CostModel
from tfedge.compress.pruning.channels.planning.limits import Limits
from tfedge.core.errors import ModelError
from tfedge.models.graph import LayerGraph, read_graph

MOST = 4
_Stages = list[list[ChannelGroup]]


_Terms = tuple[tuple[int, int, float], ...]


def layers_and_costs(model: Any) -> tuple[tuple[tuple[str, ...], ...], _Terms, _Terms] | None:
    """Return the layers of each stage, and what a model costs as polynomials of widths.

    Channels of one resolution form a stage; where there is but one resolution, channels of one
    width. If there are more than four, those with the least work are joined to their neighbours.

    Args:
        model: A functional or Sequential model.

    Returns:
        Names of layers by stage, multiply-accumulates and parameters, each as ``(i, j, count)``
        as `ChannelStages` has them. None for a model without resolutions, of which channels cannot
        go, or with fewer than two stages.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers, conv = keras3().layers, keras3().layers.Conv2D
        >>> stack = [conv(4, 1, name="a"), layers.MaxPooling2D(), conv(2, 1, name="b")]
        >>> head = [layers.GlobalAveragePooling2D(), layers.Dense(2, name="head")]
        >>> model = keras3().Sequential([layers.Input((4, 4, 3)), *stack, *head])
        >>> layers, macs, parameters = layers_and_costs(model)
        >>> layers, macs
        ((('a',), ('b',)), ((0, -1, 192.0), (1, -1, 4.0), (0, 1, 32.0)))
        >>> parameters
        ((-1, -1, 2.0), (0, -1, 16.0), (1, -1, 6.0), (0, 1, 8.0))
    """
    try:
        graph = read_graph(model)
        found = candidates(
            read_channels(model), graph.layers(), limits=Limits(), exclude=(), owner=graph.name
        )
        cost = CostModel(graph, found.groups)
        stages = _joined(_stages(graph, found.groups), cost)
        if len(stages) < 2:
            return None
        names = tuple(tuple(dict.fromkeys(map(_owner, groups))) for groups in stages)
        macs = _polynomial(stages, cost.macs_left)
        return names, macs, _polynomial(stages, cost.parameters_left)
    except ModelError:
        return None


def _stages(graph: LayerGraph, groups: Sequence[ChannelGroup]) -> _Stages:
    """Return the groups of each resolution, finest first, or of each width if there is but one."""
    shapes = {step.name: step.outputs[0].shape for step in graph.steps}
    places = {name: math.prod(side or 1 for side in shape[1:-1]) for name, shape in shapes.items()}
    if all(count == 1 for count in places.values()):
        return []
    stages: dict[int, list[ChannelGroup]] = defaultdict(list)
    for group in groups:
        stages[-places[_owner(group)]].append(group)
    if len(stages) == 1:
        [alike] = stages.values()
        stages = defaultdict(list)
        for group in alike:
            stages[group.size].append(group)
    return [stages[key] for key in sorted(stages)]


def _joined(stages: _Stages, cost: CostModel) -> _Stages:
    """Return at most four stages: the neighbours with the least work become one."""

    def work(place: int) -> float:
        """Return the work of two neighbours."""
        groups = stages[place] + stages[place + 1]
        return sum(cost.macs.get(name, 0) for name in {n for one in groups for n in made_by(one)})

    while len(stages) > MOST:
        place = min(range(len(stages) - 1), key=work)
        stages = [*stages[:place], stages[place] + stages[place + 1], *stages[place + 2 :]]
    return stages


def _polynomial(stages: _Stages, cost: Callable[[Any], float]) -> _Terms:
    """Return a cost as a polynomial of the shares that stay, term by term.

    Each kernel has at most two sides that lose channels, so that values at 0, 1/2 and 1 settle
    all of it.
    """
    count = range(len(stages))

    def left(shares: dict[int, float]) -> float:
        """Return what is left with some shares of stages, and nothing of the others."""
        numbered = [(place, group) for place in count for group in stages[place]]
        gone = {one.name: (1 - shares.get(place, 0.0)) * one.size for place, one in numbered}
        return cost(gone)

    rest = left({})
    one = [left({i: 1.0}) - rest for i in count]
    half = [left({i: 0.5}) - rest for i in count]
    square = [2 * one[i] - 4 * half[i] for i in count]
    terms = [(-1, -1, rest), *((i, -1, one[i] - square[i]) for i in count)]
    terms += [(i, i, square[i]) for i in count]
    for i, j in itertools.combinations(count, 2):
        terms.append((i, j, left({i: 1.0, j: 1.0}) - rest - one[i] - one[j]))
    return tuple((i, j, float(value)) for i, j, value in terms if abs(value) > 1e-6)


def _owner(group: ChannelGroup) -> str:
    """Return the layer that a group is named by."""
    return group.name.partition("#")[0]
