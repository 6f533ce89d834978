"""The kernels that consume channels, with what of their input is left after removal."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.group import IN, ChannelGroup, Member
from tfedge.compress.pruning.channels.surgery import Drop
from tfedge.models.graph import LayerGraph
from tfedge.models.layers import class_names


@dataclasses.dataclass(frozen=True, eq=False)
class Consumer:
    """Units that a kernel consumes.

    Attributes:
        layer: Flat name of the layer.
        weight: Attribute path of the kernel.
        axis: The axis of the kernel that consumes.
        positions: The k indices along the axis that each unit has, shape (units, k).
        stays: The units that stay.
        places: Where these are after removal, shape (stays, k).
    """

    layer: str
    weight: str
    axis: int
    positions: np.ndarray
    stays: np.ndarray
    places: np.ndarray


def consumers(graph: LayerGraph, groups: Sequence[ChannelGroup], gone: Drop) -> list[Consumer]:
    """Return the kernels that mix the channels of one input.

    Those are the kernels of Dense layers and convolutions and the input kernels of recurrent
    layers. Left out are layers that do not mix (depthwise, grouped), attention, and layers that
    are called more than once. Units of several groups that one kernel consumes are put together
    where each has one index.

    Args:
        graph: The layer graph of the model with all channels.
        groups: Its channel groups.
        gone: Units that go, by group name.

    Example:
        >>> from tfedge.compress.pruning.channels.graph import read_channels
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.graph import read_graph
        >>> layers = keras3().layers
        >>> stack = [layers.Input((1,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")]
        >>> model = keras3().Sequential(stack)
        >>> groups = read_channels(model).groups
        >>> [found] = consumers(read_graph(model), groups, {"a": [1]})
        >>> found.layer, found.stays.tolist(), found.places.ravel().tolist()
        ('b', [0, 2], [0, 1])
    """
    layers = graph.layers()
    calls = Counter(step.name for step in graph.steps)
    found: dict[tuple[str, str, int], list[tuple[Member, np.ndarray]]] = defaultdict(list)
    for group in groups:
        lost = np.asarray(gone.get(group.name, ()), int)
        for member in group.members:
            if mixes(layers[member.layer], member) and calls[member.layer] == 1:
                found[member.layer, member.weight, member.axis].append((member, lost))
    return [one for key, members in found.items() for one in _parts(key, members)]


def mixes(layer: Any, member: Member) -> bool:
    """Return whether a member is a kernel that mixes all channels of the layer's one input.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> member = Member("a", "kernel", 0, np.arange(2)[:, None], IN)
        >>> mixes(keras3().layers.Dense(1), member), mixes(keras3().layers.Multiply(), member)
        (True, False)
    """
    kinds = class_names(layer)
    plain = any(kind.startswith("Conv") or kind in ("Dense", "LSTM", "GRU") for kind in kinds)
    path = member.weight in ("kernel", "cell.kernel")
    return member.role == IN and path and plain and getattr(layer, "groups", 1) == 1


def losses(groups: Sequence[ChannelGroup], gone: Drop) -> dict[tuple[str, str], list]:
    """Return ``(axis, indices that go)`` by layer and weight, for each weight that loses any."""
    found: dict[tuple[str, str], list] = defaultdict(list)
    for group in groups:
        for member in group.members if group.name in gone else ():
            lost = member.positions[np.asarray(gone[group.name], int)].ravel()
            found[member.layer, member.weight].append((member.axis, lost))
    return found


def _parts(key: tuple[str, str, int], members: list[tuple[Member, np.ndarray]]) -> list[Consumer]:
    """Return what one kernel consumes: all units together, or by group where they are many."""
    lost = np.concatenate([member.positions[units].ravel() for member, units in members])
    parts = [(member.positions, units) for member, units in members]
    if all(positions.shape[1] == 1 for positions, _ in parts):
        positions = np.concatenate([positions for positions, _ in parts])
        parts = [(positions, np.flatnonzero(np.isin(positions[:, 0], lost)))]
    made = []
    for positions, units in parts:
        stays = np.setdiff1d(np.arange(len(positions)), units)
        places = positions[stays] - np.searchsorted(np.sort(lost), positions[stays])
        made.append(Consumer(*key, positions, stays, places))
    return made
