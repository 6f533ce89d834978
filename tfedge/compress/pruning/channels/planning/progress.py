"""Targets on the way to a target."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tfedge.compress.pruning.channels.planning.targets import Target


def partial_target(target: Target, before: float, now: float, whole: float = 1.0) -> Target:
    """Return what one step has to reach, on a straight line to the target.

    Args:
        target: The target of all steps.
        before: Fraction of the way that lies behind, in [0, 1).
        now: Fraction of the way after the step, in (0, 1].
        whole: What the quantity was at the beginning; not needed for ratios.

    Returns:
        A target for the model as the last step left it: a ratio of the channels that are still
        there, or an absolute number.

    Example:
        >>> half = Target("ratio", 0.5)
        >>> partial_target(half, 0.0, 0.5).value, round(partial_target(half, 0.5, 1.0).value, 4)
        (0.25, 0.3333)
        >>> partial_target(Target("macs", 0.5), 0.5, 0.75, whole=1000).value
        625.0
    """
    if isinstance(target.value, Mapping):
        parts = {entry: _ratio(value, before, now) for entry, value in target.value.items()}
        return dataclasses.replace(target, value=parts)
    if target.kind == "ratio":
        return dataclasses.replace(target, value=_ratio(target.value, before, now))
    return dataclasses.replace(target, value=whole + now * (target.goal(whole) - whole))


def _ratio(ratio: float, before: float, now: float) -> float:
    """Return the fraction of what is left after one part of the way that goes in the next."""
    return 1 - (1 - ratio * now) / (1 - ratio * before)
