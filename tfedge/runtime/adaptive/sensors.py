"""What the machine says of itself: load, temperature, battery, power.

On Linux ``/proc`` and ``/sys`` are read; elsewhere psutil is asked, which the extra ``adaptive``
brings: ``pip install tfedge[adaptive]``.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfedge.core.errors import MeterError, MissingPackageError
from tfedge.runtime.energy.choose import choose_meter
from tfedge.runtime.energy.meters import WATTS, AnyMeter, reading

Reading = float | None


class CpuLoad:
    """Part of the processors' time that was used since the last reading, in [0, 1].

    Args:
        root: Where ``proc`` is.

    Example:
        >>> 0.0 <= CpuLoad()() <= 1.0
        True
    """

    def __init__(self, root: str | Path = "/"):
        self._file = Path(root) / "proc" / "stat"
        self._last = self._ticks() if self._file.exists() else None
        self._load = 0.0
        if self._last is None:
            self()  # psutil's first reading is of no time at all

    def __call__(self) -> Reading:
        """Return the load; the same as before if no tick has passed."""
        if self._last is None:
            return _psutil("CPU load").cpu_percent(None) / 100
        now = self._ticks()
        busy, total = (new - old for new, old in zip(now, self._last, strict=True))
        if total > 0:
            self._load, self._last = min(1.0, max(0.0, busy / total)), now
        return self._load

    def _ticks(self) -> tuple[int, int]:
        """Return busy ticks and all ticks since the start of the machine."""
        user, nice, system, idle, wait, *rest = map(int, self._file.read_text().split()[1:9])
        busy = user + nice + system + sum(rest)
        return busy, busy + idle + wait


class MemoryUse:
    """Part of the machine's memory that is in use, in [0, 1].

    Args:
        root: Where ``proc`` is.

    Example:
        >>> 0.0 < MemoryUse()() < 1.0
        True
    """

    def __init__(self, root: str | Path = "/"):
        self._file = Path(root) / "proc" / "meminfo"

    def __call__(self) -> Reading:
        """Return what is used; what the system can free at once does not count."""
        if not self._file.exists():
            return _psutil("memory").virtual_memory().percent / 100
        lines = (line.split() for line in self._file.read_text().splitlines())
        sizes = {words[0]: float(words[1]) for words in lines if len(words) > 1}
        return 1.0 - sizes["MemAvailable:"] / sizes["MemTotal:"]


class Temperature:
    """The hottest thermal zone in degrees Celsius, None where there is none.

    Args:
        root: Where ``sys`` is.

    Example:
        >>> degrees = Temperature()()
        >>> degrees is None or -50 < degrees < 150
        True
    """

    def __init__(self, root: str | Path = "/"):
        zones = (Path(root) / "sys/class/thermal").glob("thermal_zone*/temp")
        self._zones = sorted(zones)
        self._linux = (Path(root) / "sys/class").exists()

    def __call__(self) -> Reading:
        """Return the temperature."""
        found = [value / 1000 for value in map(_number, self._zones) if value is not None]
        if found or self._linux:
            return max(found, default=None)
        sensors = _psutil("temperature").sensors_temperatures()
        return max((item.current for group in sensors.values() for item in group), default=None)


class Battery:
    """Charge of the battery in [0, 1], 1.0 while it is being charged, None where there is none.

    Args:
        root: Where ``sys`` is.

    Example:
        >>> charge = Battery()()
        >>> charge is None or 0.0 <= charge <= 1.0
        True
    """

    def __init__(self, root: str | Path = "/"):
        supplies = (Path(root) / "sys/class/power_supply").glob("*/capacity")
        self._supply = next(iter(sorted(supplies)), None)
        self._linux = (Path(root) / "sys/class").exists()

    def __call__(self) -> Reading:
        """Return the charge."""
        if self._supply is not None:
            percent, status = _number(self._supply), _text(self._supply.with_name("status"))
            return 1.0 if status in ("Charging", "Full") else _fraction(percent)
        if self._linux:
            return None
        battery = _psutil("battery").sensors_battery()
        if battery is None:
            return None
        return 1.0 if battery.power_plugged else _fraction(battery.percent)


class Power:
    """Power in watts by the machine's meter, as `tfedge.energy` finds it; None where there is none.

    Args:
        root: Where ``sys`` is.
        meter: As `tfedge.energy` takes it.

    Example:
        >>> from tfedge.runtime.energy.meters import Meter
        >>> Power(meter=Meter(lambda: 2.5, "watts"))()
        2.5
    """

    def __init__(self, root: str | Path = "/", meter: Any = None):
        self._meter: AnyMeter | None = None
        try:
            self._meter = choose_meter(meter, root)
        except MeterError:
            if meter is not None:
                raise
        self._last: tuple[float, float] | None = None
        self._watts: float | None = None

    def __call__(self) -> Reading:
        """Return the power now, or since the last reading if the meter counts joules."""
        if self._meter is None:
            return None
        value = reading(self._meter)
        if self._meter.unit == WATTS:
            return value
        now = time.monotonic()
        if self._last is None:
            self._last = now, value
        elif now - self._last[0] >= self._meter.interval_s:
            self._watts = (value - self._last[1]) / (now - self._last[0])
            self._last = now, value
        return self._watts


SENSORS: dict[str, Callable[[], Callable[[], Reading]]] = {
    "cpu_load": CpuLoad,
    "temperature_c": Temperature,
    "battery": Battery,
    "power_w": Power,
}


def _text(path: Path) -> str | None:
    """Return what a file of the kernel says, None if it cannot be read just now."""
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> float | None:
    """Return the number in a file of the kernel, None if there is none just now."""
    try:
        return float(_text(path) or "")
    except ValueError:
        return None


def _fraction(percent: float | None) -> float | None:
    """Return percent as a fraction in [0, 1]."""
    return None if percent is None else min(1.0, max(0.0, percent / 100))


def _psutil(purpose: str) -> Any:
    """Import psutil, which knows other systems than Linux."""
    try:
        return importlib.import_module("psutil")
    except ImportError as error:
        raise MissingPackageError(
            f"Reading the {purpose} on this system needs psutil, which is not installed. Install "
            "it with: pip install 'tfedge[adaptive]', or pass sensors={name: function}."
        ) from error
