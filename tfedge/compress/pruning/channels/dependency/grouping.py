"""From tied ids to groups: classes that occupy the same weights are units of one group."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.trace import Site, Trace
from tfedge.compress.pruning.channels.group import OUT, ChannelGraph, ChannelGroup, Member


@dataclasses.dataclass(frozen=True, eq=False)
class Grouping:
    """The groups of a model, and which class of ids each unit is.

    Attributes:
        graph: The groups.
        units: By name of the group, the class of each unit.
        class_of: The class of each id.
    """

    graph: ChannelGraph
    units: dict[str, np.ndarray]
    class_of: np.ndarray


def group_channels(trace: Trace) -> Grouping:
    """Sort classes of ids into groups.

    Two classes are in one group if they occupy as many places of the same weight axes; then any
    of them may go instead of the other. Each class gets a fingerprint, the sum over its places
    of a random 64-bit number per weight axis, so that no class is looked at by itself.

    Args:
        trace: What the walk over the model found.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.ReLU()]
        ... )
        >>> group_channels(Trace(model)).graph
        ChannelGraph
          a: 3 × channel, fixed: it is an output of the model
    """
    _, class_of = np.unique(trace.ties.labels(), return_inverse=True)
    makers = _makers(trace, class_of)
    reasons = _reasons(trace, class_of)
    groups = _groups(_fingerprints(trace, class_of), reasons, makers)
    members = _members(trace, class_of, groups)
    names = _names([trace.sites[makers[classes[0]]] for classes in groups])
    made = tuple(
        _group(name, classes, members[place], trace, makers, reasons)
        for place, (name, classes) in enumerate(zip(names, groups, strict=True))
    )
    return Grouping(ChannelGraph(made), dict(zip(names, groups, strict=True)), class_of)


def _group(
    name: str, classes: np.ndarray, members: list[Member], trace: Trace,
    makers: np.ndarray, reasons: np.ndarray,
) -> ChannelGroup:  # fmt: skip
    """Return one group; a unit that is alone cannot go."""
    reason = trace.fixed[reasons[classes[0]]][1] if reasons[classes[0]] >= 0 else None
    if reason is None and len(classes) == 1:
        together = any(member.positions.size > 1 for member in members)
        reason = "all of them would go together" if together else "there is only one"
    unit = trace.sites[makers[classes[0]]].unit
    return ChannelGroup(name, len(classes), tuple(members), reason, unit)


def _count(class_of: np.ndarray) -> int:
    """Return the number of classes."""
    return int(class_of.max(initial=-1)) + 1


def _makers(trace: Trace, class_of: np.ndarray) -> np.ndarray:
    """Return for each class the first site that makes it, -1 if none does."""
    makers = np.full(_count(class_of), -1)
    for place in reversed(range(len(trace.sites))):
        if trace.sites[place].role == OUT:
            makers[class_of[trace.sites[place].ids]] = place
    return makers


def _reasons(trace: Trace, class_of: np.ndarray) -> np.ndarray:
    """Return for each class the place of its first reason to stay, -1 if it has none."""
    reasons = np.full(_count(class_of), -1)
    for place in reversed(range(len(trace.fixed))):
        reasons[class_of[trace.fixed[place][0]]] = place
    return reasons


def _fingerprints(trace: Trace, class_of: np.ndarray) -> np.ndarray:
    """Return a number for each class that says which places of which sites it has."""
    random = np.random.default_rng(0)
    total = np.zeros(_count(class_of), np.uint64)
    for site in trace.sites:
        number = random.integers(1, 2**63, dtype=np.uint64)
        places = np.bincount(class_of[site.ids], minlength=len(total))
        total = total + places.astype(np.uint64) * number
    return total


def _groups(fingerprints: np.ndarray, reasons: np.ndarray, makers: np.ndarray) -> list[np.ndarray]:
    """Return the classes of each group, in the order in which their layers run."""
    found: dict[tuple, list[int]] = collections.defaultdict(list)
    made = np.flatnonzero(makers >= 0)
    for one in made[np.argsort(makers[made], kind="stable")]:
        found[makers[one], fingerprints[one], reasons[one]].append(one)
    return [np.array(classes) for classes in found.values()]


def _members(trace: Trace, class_of: np.ndarray, groups: list[np.ndarray]) -> list[list[Member]]:
    """Return the members of each group."""
    group_of = np.full(_count(class_of), -1)
    rank = np.zeros_like(group_of)
    for place, classes in enumerate(groups):
        group_of[classes], rank[classes] = place, np.arange(len(classes))
    members: list[list[Member]] = [[] for _ in groups]
    for site in trace.sites:
        if site.weight is not None:
            classes = class_of[site.ids]
            for place in np.unique(group_of[classes]):
                if place >= 0:
                    here = np.flatnonzero(group_of[classes] == place)
                    order = here[np.argsort(rank[classes[here]], kind="stable")]
                    members[place].append(_member(site, order.reshape(len(groups[place]), -1)))
    return members


def _member(site: Site, positions: np.ndarray) -> Member:
    """Return one weight axis of a group."""
    return Member(site.name, str(site.weight), site.axis, positions, str(site.role))


def _names(sites: list[Site]) -> list[str]:
    """Return the name of each group's layer, numbered where a layer has several groups."""
    seen: dict[str, Any] = collections.Counter()
    names = []
    for site in sites:
        seen[site.name] += 1
        names.append(site.name if seen[site.name] == 1 else f"{site.name}#{seen[site.name]}")
    return names
