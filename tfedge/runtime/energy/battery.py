"""What a battery gives, by the gauge in it."""

from __future__ import annotations

from pathlib import Path

from tfedge.core.errors import MeterError
from tfedge.runtime.energy.meters import (
    JOULES,
    WATTS,
    checked_interval,
    kernel_number,
    kernel_text,
)

_NAME = "battery"
_HOUR = 3600.0
_POWER_INTERVAL, _CHARGE_INTERVAL = 2.0, 30.0


class Battery:
    """Power that is drawn from the batteries of a machine, the whole machine's.

    Their gauges tell the power (``power_now``), else current and voltage, else the energy or
    charge that is left; that goes in large steps, and takes an hour to measure by.

    Args:
        root: Where ``sys`` is.
        interval_s: How often the gauge has something new to say; None for two seconds, or thirty
            where it tells only what is left.

    Raises:
        MeterError: If there is no battery, it is not being discharged, or tells nothing of use.

    Reference:
        Linux, Documentation/power/power_supply_class.rst.
    """

    name = _NAME

    def __init__(self, root: str | Path = "/", interval_s: float | None = None):
        found = sorted((Path(root) / "sys/class/power_supply").glob("*"))
        self._all = [folder for folder in found if _is_main(folder)]
        if not self._all:
            raise MeterError("This machine has no battery (sys/class/power_supply).")
        using = self._using()
        has_power = all(_tells_power(folder) for folder in using)
        self.unit = WATTS if has_power else JOULES
        usual = _POWER_INTERVAL if has_power else _CHARGE_INTERVAL
        self.interval_s = checked_interval(usual if interval_s is None else interval_s)
        self._left = {} if has_power else {folder: _left(folder) for folder in using}
        self._joules = 0.0
        self.covers = "the whole machine, by the gauge of its battery"

    def read(self) -> float:
        """Return watts, or joules since this object was made."""
        using = self._using()
        if self.unit == WATTS:
            return sum(_power(folder) for folder in using)
        for folder in using:
            now, volts = _left(folder)
            before, _ = self._left.get(folder, (now, volts))
            self._joules += (before - now) * volts
            self._left[folder] = (now, volts)
        return self._joules

    def _using(self) -> list[Path]:
        """Return the batteries that are being discharged, none may be charged meanwhile."""
        status = {folder: kernel_text(folder / "status", _NAME) for folder in self._all}
        using = [folder for folder, said in status.items() if said == "Discharging"]
        if "Charging" in status.values() or not using:
            said = ", ".join(f"{folder.name} is {word!r}" for folder, word in status.items())
            raise MeterError(
                f"A battery tells what the machine uses only while it is discharged; {said}. "
                "Unplug the charger and measure again."
            )
        return using


def _is_main(folder: Path) -> bool:
    """Return whether a supply is a battery of the machine, not of a mouse beside it."""
    scope = folder / "scope"
    if scope.exists() and kernel_text(scope, _NAME) == "Device":
        return False
    return (folder / "type").exists() and kernel_text(folder / "type", _NAME) == "Battery"


def _tells_power(folder: Path) -> bool:
    """Return whether a gauge tells the power of the moment."""
    pair = (folder / "current_now", folder / "voltage_now")
    return (folder / "power_now").exists() or all(file.exists() for file in pair)


def _power(folder: Path) -> float:
    """Return the watts of the moment; gauges differ in the sign that they give to it."""
    if (folder / "power_now").exists():
        return abs(kernel_number(folder / "power_now", _NAME)) / 1e6
    current, voltage = (kernel_number(folder / f"{n}_now", _NAME) for n in ("current", "voltage"))
    return abs(current * voltage) / 1e12


def _left(folder: Path) -> tuple[float, float]:
    """Return what is left and its factor to joules: joules and 1, or coulombs and volts."""
    if (folder / "energy_now").exists():
        return kernel_number(folder / "energy_now", _NAME) / 1e6 * _HOUR, 1.0
    if (folder / "charge_now").exists() and (folder / "voltage_now").exists():
        volts = kernel_number(folder / "voltage_now", _NAME) / 1e6
        return kernel_number(folder / "charge_now", _NAME) / 1e6 * _HOUR, volts
    raise MeterError(
        f"The battery {folder.name} tells neither power, nor current and voltage, nor energy, nor "
        "charge and voltage. Measure with another meter: tfedge.Meter(function, 'watts')."
    )
