"""From what a user asks to the units that go."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.group import ChannelGraph
from tfedge.compress.pruning.channels.importance.score import ChannelImportance, channel_scores
from tfedge.compress.pruning.channels.planning.candidates import Candidates, candidates, ratios_of
from tfedge.compress.pruning.channels.planning.cost import CostModel
from tfedge.compress.pruning.channels.planning.limits import Limits
from tfedge.compress.pruning.channels.planning.ranking import Move, ranked
from tfedge.compress.pruning.channels.planning.search import Drop, gone_after, moves_to
from tfedge.compress.pruning.channels.planning.targets import Target
from tfedge.compress.pruning.channels.planning.unreachable import nothing_to_remove, unreachable
from tfedge.models.graph import LayerGraph


@dataclasses.dataclass(frozen=True)
class Choice:
    """How units are chosen; the target says how many.

    Attributes:
        importance: What makes a unit matter.
        scope: What is compared with what.
        limits: Permitted widths.
        exclude: Layers that keep their channels.
        data: Samples, for importance that needs them.
        loss: Loss, for importance that needs it.
    """

    importance: ChannelImportance
    scope: str
    limits: Limits
    exclude: Any = ()
    data: Any = None
    loss: Any = None


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The moves that a model permits, in order, with what they cost.

    Attributes:
        graph: Its layer graph.
        candidates: Which groups may lose units.
        moves: The moves.
        cost: Costs as functions of how many units go.
    """

    graph: LayerGraph
    candidates: Candidates
    moves: list[Move]
    cost: CostModel

    def towards(self, target: Target, factor: float = 1.0) -> list[Move]:
        """Return the moves that reach a target; ``factor`` corrects a cost that is off.

        Raises:
            ArgumentError: If it cannot be reached; says what can, and which layers bind.
        """
        cost = target.cost(self.cost)
        goal = target.goal(cost({})) * factor
        moves = moves_to(self.moves, cost, goal)
        if moves is None:
            raise unreachable(target, goal, cost(gone_after(self.moves)), self)
        return moves


def ranking(
    model: Any,
    graph: LayerGraph,
    channels: ChannelGraph,
    choice: Choice,
    first: Mapping[str, Sequence[int]] | None = None,
) -> Ranking:
    """Return in which order units of a model would go.

    Args:
        model: The model.
        graph: Its layer graph.
        channels: Its channel groups.
        choice: How units are chosen.
        first: Units by group that go before all others.

    Raises:
        ModelError: If no channel can go at all; lists the reasons.
        ArgumentError: If something asked for does not fit the model.
        DataError: If the samples do not fit it.
    """
    layers = graph.layers()
    found = candidates(
        channels, layers, limits=choice.limits, exclude=choice.exclude, owner=graph.name
    )
    scores = channel_scores(
        model, found.groups, choice.importance, data=choice.data, loss=choice.loss
    )
    found = _measured(found, scores, choice.importance.kind)
    if not found.groups:
        raise nothing_to_remove(graph.name, found.kept)
    for name, units in (first or {}).items():
        scores[name][units] = -np.inf
    moves = ranked(found.groups, scores, choice.scope, choice.limits, layers)
    return Ranking(graph, found, moves, CostModel(graph, found.groups))


def drop_by_layer(order: Ranking, ratios: Mapping[Any, float], limits: Limits) -> Drop:
    """Return the units that go when ratios are given for some layers.

    Args:
        order: The moves; units of each group go in their order.
        ratios: Ratio by layer name, regular expression or class.
        limits: Permitted widths.

    Returns:
        Units by group; each group loses as close to its ratio as its permitted widths allow.

    Raises:
        ArgumentError: If an entry means no group that may lose units; says why.
    """
    groups = order.candidates.groups
    layers = order.graph.layers()
    for entry, ratio in ratios.items():
        if not ratios_of(groups, layers, {entry: ratio}, order.graph.name):
            raise nothing_to_remove(order.graph.name, order.candidates.kept, entry)
    wanted = ratios_of(groups, layers, ratios, order.graph.name)
    counts = {one.name: wanted[one.name] * one.size for one in groups if one.name in wanted}
    return drop_by_group(order, counts, limits)


def drop_by_group(order: Ranking, counts: Mapping[str, float], limits: Limits) -> Drop:
    """Return the units that go when it is known how many of each group do.

    Args:
        order: The moves; units of each group go in their order.
        counts: How many units go, by group.
        limits: Permitted widths; each group gets the one that is nearest.
    """
    drop: Drop = {}
    for group in (one for one in order.candidates.groups if one.name in counts):
        units = np.concatenate([m.units for m in order.moves if m.group == group.name])
        permitted = (0, *limits.removable(group))
        count = min(permitted, key=lambda n: abs(n - counts[group.name]))
        drop[group.name] = np.sort(units[:count]).tolist()
    return {name: units for name, units in drop.items() if units}


def _measured(found: Candidates, scores: Mapping[str, np.ndarray], kind: str) -> Candidates:
    """Return the candidates without the groups that the importance says nothing about."""
    missing = {g.name: f"nothing that {kind!r} measures" for g in found.groups}
    missing = {name: why for name, why in missing.items() if name not in scores}
    groups = tuple(group for group in found.groups if group.name in scores)
    return Candidates(groups, {**found.kept, **missing})
