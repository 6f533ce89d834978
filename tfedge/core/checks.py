"""Checks of arguments, all worded alike: the name, what it must be, what was found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfedge.core.errors import ArgumentError


def one_of(name: str, value: Any, allowed: Collection) -> None:
    """Raise unless ``value`` is one of ``allowed``.

    Example:
        >>> one_of("quantize", "int8", ["float32", "int8"])
    """
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ArgumentError(f"{name}={value!r} is not known. Choose one of: {choices}.")


def whole_number(name: str, value: Any, least: int = 1) -> None:
    """Raise unless ``value`` is an integer of at least ``least``.

    Example:
        >>> whole_number("threads", 2)
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ArgumentError(f"{name}={value!r} must be a whole number of at least {least}.")


def within(name: str, value: Any, low: float, high: float, *, open_high: bool = False) -> None:
    """Raise unless ``low <= value <= high`` (``< high`` with ``open_high``).

    Example:
        >>> within("sparsity", 0.5, 0.0, 1.0, open_high=True)
    """
    bracket = ")" if open_high else "]"
    try:
        inside = low <= value < high if open_high else low <= value <= high
    except (TypeError, ValueError):
        inside = False
    if not inside:
        raise ArgumentError(f"{name}={value!r} must be a number in [{low:g}, {high:g}{bracket}.")
