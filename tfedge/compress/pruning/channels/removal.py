"""From what a user asks to the smaller model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.group import ChannelGraph
from tfedge.compress.pruning.channels.planning.measured import measured_drop
from tfedge.compress.pruning.channels.planning.plan import (
    Ranking,
    drop_by_group,
    drop_by_layer,
    ranking,
)
from tfedge.compress.pruning.channels.planning.request import Request
from tfedge.compress.pruning.channels.planning.search import TOLERANCE, Drop, drop_of, gone_after
from tfedge.compress.pruning.channels.planning.targets import Target
from tfedge.compress.pruning.channels.recalibration import recalibrate
from tfedge.compress.pruning.channels.reconstruction import reconstruct
from tfedge.compress.pruning.channels.surgery import remove
from tfedge.models.graph import read_graph
from tfedge.models.statistics import macs_of_model

_CORRECTIONS = 4


def pruned(model: Any, request: Request) -> Any:
    """Return the model without the units that the target asks for."""
    channels = read_channels(model)
    gone, slim = _removed(model, channels, request)
    return _completed(model, slim, channels, gone, request)


def widths_in_the_end(model: Any, request: Request) -> dict[str, int]:
    """Return how many units stay of each group that loses some."""
    channels = read_channels(model)
    gone, _ = _removed(model, channels, request)
    return {g.name: g.size - len(gone[g.name]) for g in channels.groups if g.name in gone}


def narrowed(model: Any, request: Request, widths: Mapping[str, float]) -> Any:
    """Return the model with groups of given widths, whatever the target is.

    Args:
        model: The model.
        request: Which units of a group go first, and what is done after.
        widths: How many units stay, by group; the nearest permitted number is taken.
    """
    channels, choice = read_channels(model), request.choice
    counts = {g.name: g.size - widths[g.name] for g in channels.groups if g.name in widths}
    if all(count < 0.5 for count in counts.values()):
        return remove(model, {})
    order = ranking(model, read_graph(model), channels, choice)
    gone = drop_by_group(order, counts, choice.limits)
    return _completed(model, remove(model, gone), channels, gone, request)


def _completed(model: Any, slim: Any, channels: ChannelGraph, gone: Drop, request: Request) -> Any:
    """Return a model that lost units, with weights and statistics made to fit."""
    data = request.choice.data
    if request.reconstruct:
        reconstruct(model, slim, channels.groups, gone, data, statistics=request.recalibrate)
    if request.recalibrate and data is not None:
        recalibrate(slim, data)
    return slim


def _removed(model: Any, channels: ChannelGraph, request: Request) -> tuple[Drop, Any]:
    """Return the units that the target asks for, and the model without them."""
    target, limits = request.target, request.choice.limits
    order = ranking(model, read_graph(model), channels, request.choice)
    if isinstance(target.value, Mapping):
        gone = drop_by_layer(order, target.value, limits)
    elif target.measure is not None:
        gone = measured_drop(model, order, target, lambda drop: remove(model, drop))
    else:
        return _counted(model, order, target)
    return gone, remove(model, gone)


def _counted(model: Any, order: Ranking, target: Target) -> tuple[Drop, Any]:
    """Do so for a counted target; counts that arithmetic gets wrong are corrected."""
    goal, factor = target.goal(target.cost(order.cost)({})), 1.0
    for _ in range(_CORRECTIONS):
        moves = order.towards(target, factor)
        gone = drop_of(moves)
        slim = remove(model, gone)
        if target.kind != "macs":
            break
        expected = order.cost.macs_left(gone_after(moves))
        found = macs_of_model(slim)
        if abs(found - expected) < 1 or (1 - TOLERANCE) * goal <= found <= goal:
            break
        factor *= (1 - TOLERANCE / 4) * goal / found
    return gone, slim
