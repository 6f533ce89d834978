"""Checks that were demanded of a model, as sentences for those that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.nearest import did_you_mean


def at_least(found: Mapping[str, Any], limits: Sequence[tuple[str, float]]) -> list[str]:
    """Return a sentence for each value that is below its limit; what is not a number is too.

    Raises:
        ArgumentError: If there is no such value.

    Example:
        >>> at_least({"accuracy": 0.91}, [("accuracy", 0.95)])
        ['accuracy is 0.91; at least 0.95 was demanded']
    """
    values = [(name, _value(found, name), limit) for name, limit in limits]
    return [
        f"{name} is {value:.6g}; at least {limit:g} was demanded"
        for name, value, limit in values
        if not value >= limit
    ]


def at_most(found: Mapping[str, Any], limits: Sequence[tuple[str, float]]) -> list[str]:
    """Return a sentence for each value that is above its limit; what is not a number is too.

    Raises:
        ArgumentError: If there is no such value.

    Example:
        >>> at_most({"mae": 0.2}, [("mae", 0.1)])
        ['mae is 0.2; at most 0.1 was demanded']
    """
    values = [(name, _value(found, name), limit) for name, limit in limits]
    return [
        f"{name} is {value:.6g}; at most {limit:g} was demanded"
        for name, value, limit in values
        if not value <= limit
    ]


def given(limits: Mapping[str, float | None]) -> list[tuple[str, float]]:
    """Return the limits that were given.

    Example:
        >>> given({"agreement": 0.9, "sqnr_db": None})
        [('agreement', 0.9)]
    """
    return [(name, limit) for name, limit in limits.items() if limit is not None]


def _value(found: Mapping[str, Any], name: str) -> float:
    """Return a value that a limit is set on."""
    value = found.get(name)
    if not isinstance(value, (int, float)):
        raise ArgumentError(
            f"A limit is set on {name!r}, which was not measured as a number. Measured were "
            f"{list(found)}.{did_you_mean(name, found)}"
        )
    return value
