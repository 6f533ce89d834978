"""In which order units go, over all groups of a model."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.planning.limits import Limits
from tfedge.core.checks import one_of
from tfedge.models.layers import class_names

SCOPES = ("local", "global", "isomorphic")


@dataclasses.dataclass(frozen=True, eq=False)
class Move:
    """Units of one group that go together, because the width must stay a permitted one.

    Attributes:
        group: Name of the group.
        units: Their positions in the group.
        rank: Moves with a smaller rank go first.
    """

    group: str
    units: np.ndarray
    rank: float


def ranked(
    groups: Sequence[ChannelGroup],
    scores: Mapping[str, np.ndarray],
    scope: str = "global",
    limits: Limits | None = None,
    layers: Mapping[str, Any] | None = None,
) -> list[Move]:
    """Return all moves that are permitted, in the order in which they are made.

    Within a group units go by score, smallest first. Across groups:

    - ``"local"``: every group loses the same fraction of its units.
    - ``"global"``: scores are compared over all groups.
    - ``"isomorphic"``: scores are compared within groups of the same structure (the same kinds
      of layers tied in the same way), and every such class loses the same fraction.

    Args:
        groups: The groups that may lose units.
        scores: One score per unit, by group name; groups without scores lose nothing.
        scope: ``"local"``, ``"global"`` or ``"isomorphic"``.
        limits: Permitted widths.
        layers: Layers by flat name, which tell the structure; needed for ``"isomorphic"``.

    Returns:
        The moves. The units of one group come in the order of their scores.

    Raises:
        ArgumentError: If the scope is unknown.

    Example:
        >>> groups = [ChannelGroup("a", 2, ()), ChannelGroup("b", 3, ())]
        >>> scores = {"a": np.array([5.0, 1.0]), "b": np.array([2.0, 3.0, 9.0])}
        >>> [(move.group, move.units.tolist()) for move in ranked(groups, scores)]
        [('a', [1]), ('b', [0]), ('b', [1])]

    Reference:
        Fang et al., "Isomorphic Pruning for Vision Models", ECCV 2024, arXiv:2407.04616.
    """
    one_of("scope", scope, SCOPES)
    limits = limits or Limits()
    moves: list[Move] = []
    for alike in _classes(groups, scope, layers or {}):
        chunks = [m for g in alike if g.name in scores for m in _chunks(g, scores[g.name], limits)]
        chunks.sort(key=lambda move: move.rank)
        moves += chunks if scope == "global" else _by_share(chunks, sum(g.size for g in alike))
    return sorted(moves, key=lambda move: move.rank)


def structure_of(group: ChannelGroup, layers: Mapping[str, Any]) -> tuple:
    """Return what tells groups of the same structure: kinds of layers, weights, axes, roles.

    Example:
        >>> structure_of(ChannelGroup("a", 2, ()), {})
        ('channel', ())
    """
    ties = ((class_names(layers[m.layer])[0], m.weight, m.axis, m.role) for m in group.members)
    return group.unit, tuple(sorted(ties))


def _classes(
    groups: Sequence[ChannelGroup], scope: str, layers: Mapping[str, Any]
) -> list[list[ChannelGroup]]:
    """Return the groups whose scores are compared with each other."""
    if scope == "global":
        return [list(groups)]
    if scope == "local":
        return [[group] for group in groups]
    classes: dict[tuple, list[ChannelGroup]] = {}
    for group in groups:
        classes.setdefault(structure_of(group, layers), []).append(group)
    return list(classes.values())


def _chunks(group: ChannelGroup, scores: np.ndarray, limits: Limits) -> list[Move]:
    """Return the moves of one group; their scores rise, because the units' do."""
    order = np.argsort(scores, kind="stable")
    bounds = (0, *limits.removable(group))
    cuts = [order[a:b] for a, b in itertools.pairwise(bounds)]
    return [Move(group.name, units, float(scores[units].mean())) for units in cuts]


def _by_share(moves: list[Move], total: int) -> list[Move]:
    """Return the moves ranked by the fraction of all units that is gone after each."""
    gone = itertools.accumulate(len(move.units) for move in moves)
    return [
        dataclasses.replace(move, rank=count / total)
        for move, count in zip(moves, gone, strict=True)
    ]
