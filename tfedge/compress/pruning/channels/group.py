"""Channels that can only go together, as plain data.

The idea is that of DepGraph (Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR 2023):
removing one channel of a layer forces slices of other weights to go too. Such a set of slices is
a *unit* here; units that occupy the same axes of the same weights form a *group*, within which
any of them may be chosen.
"""

from __future__ import annotations

import dataclasses

import numpy as np

OUT, IN, FOLLOWS = "out", "in", "follows"


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
    """One axis of one weight that loses slices when units of a group go.

    Attributes:
        layer: Flat name of the layer, as :func:`tfedge.models.graph.read_graph` gives it.
        weight: Attribute path of the weight in the layer, such as ``"kernel"`` or
            ``"cell.recurrent_kernel"``.
        axis: The axis of the weight that carries the units.
        positions: Integers of shape (size, k): the k indices along ``axis`` that each unit
            occupies.
        role: ``"out"``: this weight makes the channels; ``"in"``: it consumes them, so that
            zeros there make them count for nothing; ``"follows"``: it goes along (bias,
            normalization, depthwise kernel).
    """

    layer: str
    weight: str
    axis: int
    positions: np.ndarray
    role: str

    def __repr__(self) -> str:
        """Return the weight, the axis and the role, without the indices."""
        return f"{self.layer}.{self.weight}[{self.axis}] {self.role}"


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelGroup:
    """Units that occupy the same weights; any of them may go, but not all.

    Attributes:
        name: Name of the first layer that makes the channels; a further group of that layer has
            ``#2``, ``#3`` … after it.
        size: Number of units.
        members: Every weight axis that loses slices with a unit.
        fixed: Why no unit may be removed; None if units may be removed.
        unit: What one unit is: ``"channel"``, ``"head"``, ``"key dimension"`` …
    """

    name: str
    size: int
    members: tuple[Member, ...]
    fixed: str | None = None
    unit: str = "channel"

    def __repr__(self) -> str:
        """Return name, size and what it consists of."""
        state = f"fixed: {self.fixed}" if self.fixed else f"{len(self.members)} weights"
        return f"{self.name}: {self.size} × {self.unit}, {state}"

    def layers(self) -> tuple[str, ...]:
        """Return the names of the layers that lose weights, each once."""
        return tuple(dict.fromkeys(member.layer for member in self.members))


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelGraph:
    """All channel groups of a model, in the order in which their layers run.

    Attributes:
        groups: Removable and fixed groups.
    """

    groups: tuple[ChannelGroup, ...]

    @property
    def removable(self) -> tuple[ChannelGroup, ...]:
        """The groups that units may be removed from."""
        return tuple(group for group in self.groups if group.fixed is None)

    @property
    def fixed(self) -> tuple[ChannelGroup, ...]:
        """The groups that stay as they are; each says why."""
        return tuple(group for group in self.groups if group.fixed is not None)

    def group(self, name: str) -> ChannelGroup:
        """Return the group of this name; KeyError if there is none."""
        return {group.name: group for group in self.groups}[name]

    def __repr__(self) -> str:
        """Return one line per group."""
        return "\n".join(["ChannelGraph", *(f"  {group!r}" for group in self.groups)])
