"""What a meter is, and readings that were looked at before anybody believes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tfedge.core.checks import one_of, within
from tfedge.core.errors import ArgumentError, MeterError

JOULES, WATTS = "joules", "watts"
_LONGEST_SECONDS = 3600.0


class AnyMeter(Protocol):
    """What every meter has.

    Attributes:
        name: For messages and records.
        unit: What `read` returns: ``"joules"`` used so far, from whatever start, or the ``"watts"``
            of this moment.
        interval_s: How often it has something new to say, in seconds.
    """

    name: str
    unit: str
    interval_s: float

    def read(self) -> float:
        """Return joules so far, or watts now."""
        ...


class Meter:
    """A meter of your own, made of a function.

    Any object with ``name``, ``unit``, ``interval_s`` and ``read()`` is a meter too.

    Args:
        read: Function without arguments that returns joules used so far, or watts now.
        unit: Which of them: ``"joules"`` or ``"watts"``.
        name: For messages and records.
        interval_s: How often it has something new to say, in seconds.

    Raises:
        ArgumentError: If ``read`` is no function, the unit is neither, or the interval is not in
            (0, 3600].

    Example:
        >>> bench = Meter(lambda: 2.5, "watts", name="bench supply", interval_s=0.05)
        >>> bench
        Meter('bench supply', 'watts', interval_s=0.05)
        >>> bench.read()
        2.5
    """

    def __init__(
        self,
        read: Callable[[], float],
        unit: str,
        *,
        name: str = "meter",
        interval_s: float = 0.1,
    ):
        if not callable(read):
            raise ArgumentError(
                f"A meter needs a function that returns joules or watts, found {read!r}."
            )
        one_of("unit", unit, (JOULES, WATTS))
        self._read, self.unit, self.name = read, unit, name
        self.interval_s = checked_interval(interval_s)

    def read(self) -> float:
        """Return what the function returns."""
        return self._read()

    def __repr__(self) -> str:
        """Return name, unit and interval."""
        return f"Meter({self.name!r}, {self.unit!r}, interval_s={self.interval_s:g})"


def checked_interval(interval_s: float) -> float:
    """Return the interval of a meter, or raise if it is none.

    Example:
        >>> checked_interval(0.5)
        0.5
    """
    within("interval_s", interval_s, 0.0, _LONGEST_SECONDS)
    if not interval_s:
        raise ArgumentError("interval_s=0: a meter has something new to say after some time only.")
    return float(interval_s)


def is_meter(found: Any) -> bool:
    """Return whether something has all that a meter needs.

    Example:
        >>> is_meter(Meter(float, "watts")), is_meter(float)
        (True, False)
    """
    return all(hasattr(found, name) for name in ("name", "unit", "interval_s", "read"))


def reading(meter: AnyMeter) -> float:
    """Return what a meter reads, if that can be.

    Args:
        meter: The meter.

    Raises:
        MeterError: If it reads something that is no number, or watts below 0.

    Example:
        >>> reading(Meter(lambda: float("nan"), "watts", name="shunt"))
        Traceback (most recent call last):
        ...
        tfedge.core.errors.MeterError: Meter 'shunt' reads nan; expected watts as a finite number...
    """
    found = meter.read()
    try:
        value = float(found)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise MeterError(
            f"Meter {meter.name!r} reads {found!r}; expected {meter.unit} as a finite number. "
            "Look at its wiring or the function that reads it."
        )
    if meter.unit == WATTS and value < 0:
        raise MeterError(
            f"Meter {meter.name!r} reads {value:g} watts: power flows backward, so what is used "
            "cannot be told. The shunt may be turned around, or a battery is being charged."
        )
    return value


def kernel_text(path: Path, meter: str) -> str:
    """Return what a file of the kernel says.

    Args:
        path: The file.
        meter: Name of the meter that needs it, for messages.

    Raises:
        MeterError: If it may not be read, or is gone.
    """
    try:
        return path.read_text().strip()
    except PermissionError as error:
        raise MeterError(
            f"Meter {meter!r}: {path} may be read by root only, as Linux has it since 2020 for "
            f"energy counters. Allow it once after each start: sudo chmod a+r {path}"
        ) from error
    except OSError as error:
        raise MeterError(
            f"Meter {meter!r}: {path} cannot be read ({error.strerror}). The device may have gone "
            "away; measure again, or choose another meter."
        ) from error


def kernel_number(path: Path, meter: str) -> float:
    """Return the number in a file of the kernel.

    Args:
        path: The file.
        meter: Name of the meter that needs it, for messages.

    Raises:
        MeterError: If it may not be read, is gone, or holds no number.
    """
    text = kernel_text(path, meter)
    try:
        return float(text)
    except ValueError as error:
        raise MeterError(f"Meter {meter!r}: {path} says {text!r}, which is no number.") from error
