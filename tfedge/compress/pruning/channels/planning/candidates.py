"""Which groups may lose channels, and why the others may not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.compress.pruning.channels.group import IN, ChannelGraph, ChannelGroup
from tfedge.compress.pruning.channels.planning.limits import Limits, why_left_alone
from tfedge.models.selection import select_among


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The groups of a model, parted.

    Attributes:
        groups: Those that may lose units.
        kept: Why the others may not, by group name.
    """

    groups: tuple[ChannelGroup, ...]
    kept: Mapping[str, str]


def candidates(
    channels: ChannelGraph,
    layers: Mapping[str, Any],
    *,
    limits: Limits,
    exclude: Any = (),
    owner: str = "model",
) -> Candidates:
    """Return which groups may lose units.

    Args:
        channels: All groups of the model.
        layers: Its layers by flat name.
        limits: Permitted widths.
        exclude: Layers that keep their channels: names, regular expressions, classes. Layers that
            are tied to one of them keep theirs too.
        owner: Name of the model, for errors.

    Raises:
        ArgumentError: If an entry of ``exclude`` matches no layer.

    Example:
        >>> graph = ChannelGraph((ChannelGroup("a", 8, ()), ChannelGroup("b", 8, (), "an output")))
        >>> candidates(graph, {}, limits=Limits()).kept
        {'b': 'an output'}
    """
    left_out = select_among(layers, exclude, "exclude", owner)
    kept = {}
    for group in channels.groups:
        why = group.fixed or _excluded(group, left_out) or why_left_alone(group, limits)
        if why:
            kept[group.name] = why
    return Candidates(tuple(g for g in channels.groups if g.name not in kept), kept)


def made_by(group: ChannelGroup) -> tuple[str, ...]:
    """Return the layers whose output the channels of a group are: all but their consumers.

    Example:
        >>> made_by(ChannelGroup("a", 8, ()))
        ('a',)
    """
    makers = (member.layer for member in group.members if member.role != IN)
    return tuple(dict.fromkeys([group.name.partition("#")[0], *makers]))


def ratios_of(
    groups: Sequence[ChannelGroup],
    layers: Mapping[str, Any],
    ratios: Mapping[Any, float],
    owner: str = "model",
) -> dict[str, float]:
    """Return the ratio of each group that an entry means, by group name.

    Args:
        groups: The groups that may lose units.
        layers: Layers by flat name.
        ratios: Ratio by layer name, regular expression or class. Later entries count.
        owner: Name of the model, for errors.

    Raises:
        ArgumentError: If an entry matches no layer.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = {"a": keras3().layers.Dense(8), "b": keras3().layers.Dense(8)}
        >>> groups = [ChannelGroup("a", 8, ()), ChannelGroup("b", 8, ())]
        >>> ratios_of(groups, layers, {".*": 0.5, "b": 0.25})
        {'a': 0.5, 'b': 0.25}
    """
    found: dict[str, float] = {}
    for entry, ratio in ratios.items():
        chosen = select_among(layers, entry, "ratio", owner)
        found |= {group.name: ratio for group in groups if chosen.intersection(made_by(group))}
    return found


def _excluded(group: ChannelGroup, left_out: set[str]) -> str | None:
    """Return why a group is excluded, None if it is not."""
    here = [name for name in made_by(group) if name in left_out]
    if not here:
        return None
    own = group.name.partition("#")[0]
    return "excluded" if own in here else f"tied to {here[0]!r}, which is excluded"
