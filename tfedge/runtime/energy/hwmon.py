"""Power sensors on the board, such as TI's INA219, INA226 and INA3221, through Linux hwmon."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tfedge.core.errors import MeterError
from tfedge.runtime.energy.meters import WATTS, checked_interval, kernel_number, kernel_text

_USUAL_INTERVAL = 0.05
_POWER = re.compile(r"power(\d+)_(input|average)$")
_CURRENT = re.compile(r"curr(\d+)_input$")


class _Channel(NamedTuple):
    """One channel of a chip: its files in microwatts, or in millivolts and milliamperes."""

    number: int
    files: tuple[Path, ...]


class Hwmon:
    """Watts of one channel of a power sensor.

    Args:
        folder: Folder of the chip, such as ``/sys/class/hwmon/hwmon2``.
        channel: Number of the channel, counted from 1 as the kernel does.
        interval_s: How often it has something new to say; None for what the chip tells
            (``update_interval``), else a twentieth of a second.

    Attributes:
        name: ``"hwmon:"``, the chip and what the board calls the channel.
        chip: Name of the chip.
        label: What the board calls the channel; empty if nothing.

    Raises:
        MeterError: If the chip has no such channel.

    Reference:
        Linux, Documentation/hwmon/sysfs-interface.rst, and ina2xx.rst, ina3221.rst beside it.
    """

    unit = WATTS

    def __init__(self, folder: str | Path, channel: int = 1, interval_s: float | None = None):
        folder = Path(folder)
        found = {one.number: one for one in _channels(folder)}
        if channel not in found:
            raise MeterError(
                f"{folder} has no channel {channel} that tells power; it has {sorted(found)}."
            )
        self._files = found[channel].files
        self.chip = kernel_text(folder / "name", str(folder))
        self.label = _label(folder, channel)
        self.name = f"hwmon:{self.chip} {self.label or channel}"
        self.interval_s = checked_interval(_interval(folder) if interval_s is None else interval_s)
        self.covers = f"what channel {self.label or channel} of the {self.chip} feeds"

    def read(self) -> float:
        """Return watts."""
        values = [kernel_number(file, self.name) for file in self._files]
        return values[0] * (1.0 if len(values) == 1 else values[1]) / 1e6


def hwmon_meters(root: str | Path = "/") -> list[Hwmon]:
    """Return every channel of every chip that tells power.

    Args:
        root: Where ``sys`` is.

    Example:
        >>> hwmon_meters("/nowhere")
        []
    """
    folders = sorted((Path(root) / "sys/class/hwmon").glob("hwmon*"))
    return [Hwmon(folder, one.number) for folder in folders for one in _channels(folder)]


def _channels(folder: Path) -> list[_Channel]:
    """Return the channels of a chip: those that tell power, else current beside a voltage."""
    found: dict[int, _Channel] = {}
    for file in sorted(folder.glob("power*")):  # averages come before inputs, which replace them
        if match := _POWER.match(file.name):
            number = int(match[1])
            found[number] = _Channel(number, (file,))
    for file in sorted(folder.glob("curr*_input")):
        match = _CURRENT.match(file.name)
        number = int(match[1]) if match else 0
        voltage = folder / f"in{number}_input"
        if match and voltage.exists():
            found.setdefault(number, _Channel(number, (voltage, file)))
    return sorted(found.values())


def _label(folder: Path, number: int) -> str:
    """Return what the board calls a channel."""
    files = (folder / f"{kind}{number}_label" for kind in ("power", "in", "curr"))
    return next((kernel_text(file, str(folder)) for file in files if file.exists()), "")


def _interval(folder: Path) -> float:
    """Return how often a chip has a new value, in seconds."""
    file = folder / "update_interval"
    if not file.exists():
        return _USUAL_INTERVAL
    return max(kernel_number(file, str(folder)) / 1e3, 1e-3)
