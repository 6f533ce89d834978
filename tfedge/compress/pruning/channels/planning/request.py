"""What a user asks for, checked: a target, and how channels are chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from tfedge.compress.pruning.channels.importance.score import ChannelImportance
from tfedge.compress.pruning.channels.planning.limits import Limits
from tfedge.compress.pruning.channels.planning.plan import Choice
from tfedge.compress.pruning.channels.planning.ranking import SCOPES
from tfedge.compress.pruning.channels.planning.targets import Target, target_of
from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError
from tfedge.core.replay import rereadable


@dataclasses.dataclass(frozen=True)
class Request:
    """Everything that :func:`tfedge.prune_channels` is told.

    Attributes:
        target: How much goes.
        choice: What goes first.
        reconstruct: Whether the channels that stay take over what the others contributed.
        recalibrate: Whether statistics are estimated again.
    """

    target: Target
    choice: Choice
    reconstruct: bool
    recalibrate: bool


def request_of(
    ratio: Any = None,
    *,
    macs: float | None = None,
    parameters: float | None = None,
    size_bytes: float | None = None,
    latency_ms: float | None = None,
    measure: Callable[[Any], float] | None = None,
    importance: ChannelImportance | str = "l2",
    scope: str = "local",
    exclude: Any = (),
    round_to: int = 1,
    minimum: float = 1,
    data: Any = None,
    loss: Any = None,
    reconstruct: bool = False,
    recalibrate: bool = True,
) -> Request:
    """Return the arguments of :func:`tfedge.prune_channels`, checked.

    Raises:
        ArgumentError: If one of them is wrong.

    Example:
        >>> request_of(macs=0.5, round_to=8).choice.limits.round_to
        8
    """
    one_of("scope", scope, SCOPES)
    if reconstruct and data is None:
        raise ArgumentError(
            "reconstruct=True makes up for the channels that go with what flows through the "
            "model, and no data were given: pass data= with some hundred samples, or leave it out."
        )
    if not isinstance(importance, ChannelImportance):
        importance = ChannelImportance(importance)
    limits, data = Limits(round_to, minimum), rereadable(data)
    return Request(
        target=target_of(ratio, macs, parameters, size_bytes, latency_ms, measure),
        choice=Choice(importance, scope, limits, exclude, data, loss),
        reconstruct=reconstruct,
        recalibrate=recalibrate,
    )
