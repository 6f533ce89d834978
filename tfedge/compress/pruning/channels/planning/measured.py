"""Targets that are measured on the model itself: milliseconds, or the bytes of a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from tfedge.compress.pruning.channels.planning.plan import Ranking
from tfedge.compress.pruning.channels.planning.search import (
    TOLERANCE,
    Drop,
    drop_of,
    gone_after,
    moves_to,
)
from tfedge.compress.pruning.channels.planning.targets import Target
from tfedge.compress.pruning.channels.planning.unreachable import unreachable
from tfedge.core.errors import ArgumentError

_MEASUREMENTS = 12


def measured_drop(model: Any, order: Ranking, target: Target, build: Callable[[Drop], Any]) -> Drop:
    """Return the units without which a model comes nearest below a measured target.

    The multiply-accumulates that are left are varied: between what was measured above and below
    the target, the next try lies where a straight line meets it.

    Args:
        model: The model as it is.
        order: The moves.
        target: The target, with its ``measure``.
        build: Makes the model without some units.

    Returns:
        Those of the first model within 2 % below the target, or of the nearest below it of 12
        that were measured.

    Raises:
        ArgumentError: If the least possible is above the target, or ``measure`` returns no
            positive number.
    """
    cost = order.cost.macs_left
    least = cost(gone_after(order.moves))
    best = below = _tried(build, drop_of(order.moves), least, target)
    if below.value > target.value:
        raise unreachable(target, target.value, below.value, order)
    above = _tried(lambda _: model, {}, cost({}), target)
    if above.value <= target.value:
        return {}
    for _ in range(_MEASUREMENTS):
        if best.value >= (1 - TOLERANCE) * target.value:
            break
        macs = _between(above, below, target.value)
        moves = moves_to(order.moves, cost, macs) or order.moves
        tried = _tried(build, drop_of(moves), macs, target)
        above, below = (tried, below) if tried.value > target.value else (above, tried)
        best = below if below.value > best.value else best
    return best.drop


@dataclasses.dataclass(frozen=True)
class _Tried:
    """Units that went for so many multiply-accumulates, and what was measured without them."""

    drop: Drop
    macs: float
    value: float


def _tried(build: Callable[[Drop], Any], drop: Drop, macs: float, target: Target) -> _Tried:
    """Return units with what the user's function measures of the model without them."""
    assert target.measure is not None
    value = float(target.measure(build(drop)))
    if not value > 0:
        raise ArgumentError(f"measure= returned {value!r} for a model; {target.unit} are above 0.")
    return _Tried(drop, macs, value)


def _between(above: _Tried, below: _Tried, goal: float) -> float:
    """Return the multiply-accumulates at which a straight line meets the goal."""
    share = (goal - below.value) / (above.value - below.value)
    return below.macs + min(max(share, 0.1), 0.9) * (above.macs - below.macs)
