"""Checks of arguments, all worded alike: the name, what it must be, what was found."""

from __future__ import annotations

import operator
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tfedge.core.errors import ArgumentError


def one_of(name: str, value: Any, allowed: Collection) -> None:
    """Raise unless ``value`` is one of ``allowed``.

    Example:
        >>> one_of("quantize", "int8", ["float32", "int8"])
    """
    try:
        known = bool(value in allowed)
    except (TypeError, ValueError):  # arrays, and what cannot be a key
        known = False
    if not known:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ArgumentError(f"{name}={value!r} is not known. Choose one of: {choices}.")


def whole_number(name: str, value: Any, least: int = 1) -> None:
    """Raise unless ``value`` is an integer of at least ``least``.

    Example:
        >>> whole_number("threads", 2)
    """
    try:
        right = not isinstance(value, bool) and operator.index(value) >= least
    except TypeError:
        right = False
    if not right:
        raise ArgumentError(f"{name}={value!r} must be a whole number of at least {least}.")


def as_path(name: str, value: Any) -> Path:
    """Return a path; raise for what is none.

    Example:
        >>> as_path("path", "model.tflite").suffix
        '.tflite'
    """
    if isinstance(value, (str, os.PathLike)) and "\0" not in str(value):
        return Path(value)
    raise ArgumentError(f"{name}={value!r} must be a path: a text or a pathlib.Path.")


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
