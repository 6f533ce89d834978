"""Which meter measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfedge.core.errors import ArgumentError, MeterError
from tfedge.core.nearest import did_you_mean
from tfedge.runtime.energy.battery import Battery
from tfedge.runtime.energy.hwmon import Hwmon, hwmon_meters
from tfedge.runtime.energy.meters import JOULES, WATTS, AnyMeter, is_meter, reading
from tfedge.runtime.energy.rapl import Rapl

_TOTALS = ("VDD_IN", "POM_5V_IN", "5V_IN")  # what boards call the channel that feeds all others


def available_meters(root: str | Path = "/") -> tuple[dict[str, AnyMeter], list[str]]:
    """Return the meters that this machine has, by name, and why others are not there.

    Those of the whole board come first, then those of the processor, then the battery. The
    name ``"hwmon"`` is given to the channel that feeds the whole board, if it is known.

    Args:
        root: Where ``sys`` is; another one where a container sees the host's.

    Example:
        >>> meters, why = available_meters("/nowhere")
        >>> list(meters), why[1]
        ([], 'This machine has no battery (sys/class/power_supply).')
    """
    channels = hwmon_meters(root)
    found: dict[str, AnyMeter] = {}
    if total := _total(channels):
        found["hwmon"] = total
    why: list[str] = []
    kinds: dict[str, Callable[..., AnyMeter]] = {Rapl.name: Rapl, Battery.name: Battery}
    for name, kind in kinds.items():
        meter = _tried(kind, root, why)
        if meter is not None:
            found[name] = meter
    return {**found, **{one.name: one for one in channels}}, why


def choose_meter(meter: Any = None, root: str | Path = "/") -> AnyMeter:
    """Return the meter that a user named, or the best that this machine has.

    Args:
        meter: None, a name of `available_meters`, or a meter.
        root: Where ``sys`` is.

    Returns:
        A meter that was read once.

    Raises:
        ArgumentError: If it is no meter.
        MeterError: If it is not there, or cannot be read.

    Example:
        >>> from tfedge.runtime.energy.meters import Meter
        >>> choose_meter(Meter(lambda: 2.0, "watts", name="bench")).name
        'bench'
    """
    by_name = meter is None or isinstance(meter, str)
    chosen = _named(meter, root) if by_name else _own(meter)
    reading(chosen)
    return chosen


def _own(meter: Any) -> AnyMeter:
    """Return a user's meter, or say what it lacks."""
    if is_meter(meter) and meter.unit in (JOULES, WATTS):
        return meter
    raise ArgumentError(
        f"meter={meter!r} is no meter. A function becomes one with tfedge.Meter(function, 'watts') "
        "or 'joules'; an object needs name, unit ('watts' or 'joules'), interval_s and read()."
    )


def _named(name: str | None, root: str | Path) -> AnyMeter:
    """Return a meter of this machine by its name, the best one without a name."""
    found, why = available_meters(root)
    if name is None and found:
        best = next((found[key] for key in ("hwmon", "rapl", "battery") if key in found), None)
        if best is not None:
            return best
        why = ["Its power sensors feed unknown parts of the board: name one of them.", *why]
    elif name in found:
        return found[name]
    reasons = " ".join(why)
    names = ", ".join(repr(key) for key in found) or "none"
    asked = "No meter was found" if name is None else f"There is no meter {name!r} here"
    guess = did_you_mean(name, list(found)) if name else ""
    raise MeterError(
        f"{asked}.{guess} Meters of this machine: {names}. {reasons} A meter of your own is "
        "tfedge.Meter(function, 'watts'); without any, method='estimated'."
    )


def _total(channels: list[Hwmon]) -> Hwmon | None:
    """Return the channel that feeds the whole board, None if it cannot be told."""
    boards = [one for one in channels if one.chip.startswith("ina") or one.chip == "power_meter"]
    named = [one for one in boards if one.label.upper() in _TOTALS]
    if named:
        return named[0]
    return boards[0] if len(boards) == 1 else None


def _tried(kind: Callable[..., AnyMeter], root: str | Path, why: list[str]) -> AnyMeter | None:
    """Return a meter, or None and add the reason."""
    try:
        return kind(root)
    except MeterError as error:
        why.append(str(error))
        return None
