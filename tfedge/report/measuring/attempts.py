"""Measurements that may fail without taking the report with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.core.errors import (
    CalibrationError,
    ConversionError,
    DeviceError,
    MeterError,
    MissingPackageError,
    ModelError,
    WorkerError,
)

_REASONS = (
    ModelError,
    WorkerError,
    ConversionError,
    CalibrationError,
    DeviceError,
    MeterError,
    MissingPackageError,
)
_LONGEST = 400


class Attempts:
    """Runs one measurement after the other and keeps the reasons of those that fail.

    What tfedge says about a model or a file is kept in words. Wrong arguments and data that do
    not fit are the caller's to mend: those errors pass through.

    Args:
        count: Called with 1 after every measurement.

    Attributes:
        left_out: Why a part is missing, by name of the part.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> attempts = Attempts()
        >>> attempts.run("size", lambda: sample_model().size_bytes) > 0
        True
        >>> def fails():
        ...     raise ModelError("'cnn' cannot be run: it lacks an operator.")
        >>> attempts.run("latency", fails), attempts.left_out
        (None, {'latency': "'cnn' cannot be run: it lacks an operator."})
    """

    def __init__(self, count: Callable[[int], object] = lambda number: None):
        self.left_out: dict[str, str] = {}
        self._count = count

    def run(self, part: str, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """Return what the function returns, or None and keep the reason."""
        try:
            return function(*args, **settings)
        except _REASONS as error:
            return self.skip(part, str(error))
        finally:
            self._count(1)

    def skip(self, part: str, why: str) -> Any:
        """Leave a part out, keep the reason unless there is one, and return None."""
        text = " ".join(why.split())
        short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        self.left_out.setdefault(part, short)
        return None
