"""How narrow a group may become, and which groups are left alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Limits:
    """The widths that groups may have.

    Args:
        round_to: Widths of channels are multiples of it, as vector units like them; attention
            heads and other units are not rounded. A group that is narrower is left alone.
        minimum: Smallest width: a number of units, or a fraction of them, below 1.
        originals: Number of units by group that a fraction is meant of; default: those at hand.

    Raises:
        ArgumentError: If a value is out of range.

    Example:
        >>> group = ChannelGroup("conv", 20, ())
        >>> Limits(round_to=8).removable(group), Limits(minimum=0.9).removable(group)
        ((4, 12), (1, 2))
    """

    round_to: int = 1
    minimum: float = 1
    originals: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        whole_number("round_to", self.round_to)
        is_fraction = isinstance(self.minimum, float) and 0 < self.minimum < 1
        if not is_fraction:
            whole_number("minimum", self.minimum)

    def least(self, group: ChannelGroup) -> int:
        """Return the smallest width of a group before rounding."""
        if self.minimum >= 1:
            return int(self.minimum)
        return math.ceil(self.minimum * self.originals.get(group.name, group.size) - 1e-9)

    def removable(self, group: ChannelGroup) -> tuple[int, ...]:
        """Return how many units may go from a group, in rising order; empty if none may."""
        multiple = self.round_to if group.unit == "channel" else 1
        widths = range(group.size - 1, self.least(group) - 1, -1)
        return tuple(group.size - width for width in widths if width % multiple == 0)


def why_left_alone(group: ChannelGroup, limits: Limits) -> str | None:
    """Return why the limits keep a group as it is, None if they do not.

    Example:
        >>> why_left_alone(ChannelGroup("conv", 6, ()), Limits(round_to=8))
        '6 wide, and widths are multiples of 8'
    """
    if limits.removable(group):
        return None
    if limits.least(group) >= group.size:
        return f"{group.size} wide, and that is the least allowed"
    return f"{group.size} wide, and widths are multiples of {limits.round_to}"


def checked_ratio(name: str, value: float) -> float:
    """Return a fraction that leaves something and takes something, or say what is wrong.

    Raises:
        ArgumentError: If it is not in (0, 1).

    Example:
        >>> checked_ratio("ratio", 0.5)
        0.5
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < 1:
        reason = " A layer cannot lose all its channels." if number and value == 1 else ""
        raise ArgumentError(
            f"{name}={value!r} must be a number in (0, 1), bounds left out.{reason}"
        )
    return float(value)
