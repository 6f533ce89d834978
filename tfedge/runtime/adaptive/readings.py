"""Sensors by the name of the signal, read now and then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tfedge.core.errors import ArgumentError, DeviceError
from tfedge.runtime.adaptive.governor import logger
from tfedge.runtime.adaptive.sensors import SENSORS, Reading
from tfedge.runtime.adaptive.signals import Signals

_FIELDS = frozenset(field.name for field in dataclasses.fields(Signals))


class Readings:
    """The sensors that policies ask for, each read at most once in ``every_s``.

    Args:
        reads: Names of the signals that policies look at.
        own: A user's functions by name of the signal. They go before the machine's sensors; names
            that no field of `Signals` has go to its ``extra``.
        every_s: Seconds from one reading to the next.

    Raises:
        ArgumentError: If one of ``own`` is no function, or has the name of what is counted here.
        DeviceError: If a policy reads what neither this machine nor ``own`` tells.

    Example:
        >>> readings = Readings(["temperature_c"], {"temperature_c": lambda: 61.0})
        >>> readings.at(0.0)
        {'temperature_c': 61.0}
    """

    def __init__(
        self,
        reads: Iterable[str],
        own: Mapping[str, Callable[[], Reading]] | None = None,
        every_s: float = 0.25,
    ):
        own = _as_dict(own)
        for name, function in own.items():
            _check_own(name, function)
        wanted = [name for name in reads if name in SENSORS and name not in own]
        self._sensors: dict[str, Callable[[], Reading]] = own | {n: SENSORS[n]() for n in wanted}
        self._every_s = every_s
        self._read_s = -float("inf")
        self._values: dict[str, Reading] = {}
        self._silent: set[str] = set()
        for name in wanted:
            if name != "power_w" and self._sensors[name]() is None:
                raise DeviceError(
                    f"A policy reads {name}, and this machine does not tell it: "
                    f"{SENSORS[name].__doc__.splitlines()[0]} Pass "  # type: ignore[union-attr]
                    f"sensors={{{name!r}: function}}, or leave that policy out."
                )

    def at(self, now: float) -> dict[str, Any]:
        """Return fields of `Signals`, read anew if the last reading is old."""
        if now - self._read_s >= self._every_s:
            self._read_s = now
            self._values = {name: self._value(name) for name in self._sensors}
        fields = {name: v for name, v in self._values.items() if name in _FIELDS}
        extra = {name: v for name, v in self._values.items() if name not in _FIELDS}
        return {**fields, "extra": extra} if extra else fields

    def _value(self, name: str) -> Reading:
        """Return what a sensor says, None if it fails; that is logged when it begins."""
        try:
            value = self._sensors[name]()
            value = value if value is None else float(value)
            self._silent.discard(name)
        except Exception:
            value = None
            if name not in self._silent:
                self._silent.add(name)
                logger.exception("The sensor %r failed; its signal is unknown until it works", name)
        return value


def _as_dict(own: Any) -> dict[str, Callable[[], Reading]]:
    """Return a user's sensors by name."""
    if own is None or isinstance(own, Mapping):
        return dict(own or {})
    raise ArgumentError(
        f"sensors={own!r} must be functions by name of the signal: {{'power_w': meter.read}}."
    )


def _check_own(name: str, function: Any) -> None:
    """Raise unless a user's sensor is a function with a name that is free."""
    if not callable(function):
        raise ArgumentError(f"sensors[{name!r}]={function!r} must be a function without arguments.")
    if name in _FIELDS and name not in SENSORS:
        raise ArgumentError(
            f"sensors[{name!r}]: {name} is counted by the runner itself and has no sensor. Use "
            f"another name; policies find it in signals.extra, or by signals.read(name)."
        )
