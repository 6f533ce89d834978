"""The energy counters of x86 processors: RAPL, "running average power limit"."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tfedge.core.errors import MeterError
from tfedge.runtime.energy.meters import JOULES, checked_interval, kernel_number, kernel_text

_NAME = "rapl"


class _Zone(NamedTuple):
    """One counter: its file in microjoules, what it counts, and where it starts again at 0."""

    file: Path
    label: str
    range_uj: float


class Rapl:
    """Joules of all processor packages and, where they are counted apart, of their DRAM.

    The counters start again at 0 after some minutes to hours; that is made up for, as long as they
    are read once in that time. Nothing but processors and DRAM is in them: no storage, no screen,
    no losses of the power supply.

    Args:
        root: Where ``sys`` is.
        interval_s: How often the counters are worth reading.

    Attributes:
        covers: What is counted.

    Raises:
        MeterError: If the machine has no such counters, or they may not be read.

    Reference:
        Linux, Documentation/power/powercap/powercap.rst; Khan et al., "RAPL in Action", ACM
        TOMPECS 3(2), 2018 (counters change every millisecond).
    """

    name, unit = _NAME, JOULES

    def __init__(self, root: str | Path = "/", interval_s: float = 0.02):
        self.interval_s = checked_interval(interval_s)
        self._zones = _zones(Path(root))
        if not self._zones:
            raise MeterError(
                "This machine has no RAPL counters (sys/class/powercap/intel-rapl:*). Virtual "
                "machines and most ARM boards have none."
            )
        self.covers = ", ".join(zone.label for zone in self._zones)
        self._last = self._raw()
        self._microjoules = 0.0

    def read(self) -> float:
        """Return joules since this object was made."""
        found = self._raw()
        for zone, now, before in zip(self._zones, found, self._last, strict=True):
            self._microjoules += _step(zone, now, before)
        self._last = found
        return self._microjoules / 1e6

    def _raw(self) -> list[float]:
        """Return what the counters say."""
        return [kernel_number(zone.file, _NAME) for zone in self._zones]


def _step(zone: _Zone, now: float, before: float) -> float:
    """Return how far a counter went on, in microjoules, past its end if need be."""
    if now >= before:
        return now - before
    if now < 0 or before > zone.range_uj:
        raise MeterError(
            f"Meter {_NAME!r}: {zone.label} went back from {before:,.0f} to {now:,.0f} microjoules "
            f"though it counts up to {zone.range_uj:,.0f}. Its counter was reset, or it is none."
        )
    return now + zone.range_uj - before


def _zones(root: Path) -> list[_Zone]:
    """Return the counters to add up: packages and their DRAM, else the whole platform."""
    folders = sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
    named = [(folder, kernel_text(folder / "name", _NAME)) for folder in folders]
    chosen = [(f, name) for f, name in named if name.startswith("package") or name == "dram"]
    if not any(name.startswith("package") for _, name in chosen):
        chosen = [(folder, name) for folder, name in named if name == "psys"]
    return [
        _Zone(
            folder / "energy_uj",
            name if name != "dram" else f"dram of {folder.name.removeprefix('intel-rapl:')}",
            kernel_number(folder / "max_energy_range_uj", _NAME),
        )
        for folder, name in chosen
    ]
