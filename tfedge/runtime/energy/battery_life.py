"""How long a battery lasts."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from tfedge.core.checks import within
from tfedge.core.errors import ArgumentError
from tfedge.core.records import Record

FORMULA = "hours = capacity_wh / (idle_w + inferences_per_s * energy_uj / 1e6)"
_DAY, _YEAR = 24.0, 8766.0


@dataclass(frozen=True, repr=False)
class BatteryLife(Record):
    """How long a battery lasts.

    Attributes:
        hours: Until it is empty.
        capacity_wh: What the battery holds.
        idle_w: Power between inferences, and under them.
        energy_uj: Energy of one inference above idle.
        inferences_per_s: How many there are on average.
        duty: Part of the time in which the device infers, in [0, 1]; None if the time of an
            inference is not known.
        average_w: Power on average.
        method: How the energy of an inference is known: ``"measured"`` or ``"estimated"``.
        formula: How the hours come about.

    Example:
        >>> battery_hours(3.7, energy_uj=2000.0, idle_w=0.01, inferences_per_s=5.0)
        185 hours (7.7 days) from 3.7 Wh at 20 mW: 10 mW idle, 10 mW for 5 inferences/s (estimated)
          hours = capacity_wh / (idle_w + inferences_per_s * energy_uj / 1e6)
    """

    hours: float
    capacity_wh: float
    idle_w: float
    energy_uj: float
    inferences_per_s: float
    duty: float | None
    average_w: float
    method: str
    formula: str = FORMULA

    def __repr__(self) -> str:
        """Return hours, what they come of, and how."""
        working = self.average_w - self.idle_w
        rate = f"{self.inferences_per_s:.4g} inferences/s"
        rate += f", {self.duty:.2%} of the time" if self.duty is not None else ""
        return (
            f"{self.hours:.4g} hours ({_long(self.hours)}) from {self.capacity_wh:g} Wh at "
            f"{shown_w(self.average_w)}: {shown_w(self.idle_w)} idle, {shown_w(working)} for "
            f"{rate} ({self.method})\n  {self.formula}"
        )


def battery_hours(
    capacity_wh: float,
    *,
    energy_uj: float,
    idle_w: float = 0.0,
    inferences_per_s: float | None = None,
    duty: float | None = None,
    latency_ms: float | None = None,
    method: str = "estimated",
) -> BatteryLife:
    """Return how long a battery lasts.

    ``hours = capacity_wh / (idle_w + inferences_per_s * energy_uj / 1e6)``.

    Args:
        capacity_wh: What the battery holds, in watt-hours: mAh times volts over 1000. Cells give
            less in the cold, when old, and at high currents; pass what yours gives.
        energy_uj: Energy of one inference above idle, in µJ.
        idle_w: Power of the device while nothing is inferred, in watts.
        inferences_per_s: How many inferences there are on average; 0.1 for one in ten seconds.
        duty: Instead of them, the part of the time in which the device infers, in (0, 1].
        latency_ms: Time of an inference on that device; `duty` needs it.
        method: How the energy is known.

    Returns:
        A `BatteryLife`.

    Raises:
        ArgumentError: If a figure cannot be, both or neither of ``inferences_per_s`` and ``duty``
            are given, or so many inferences do not fit into a second.

    Example:
        >>> battery_hours(10.0, energy_uj=1e6, duty=0.5, latency_ms=500.0).hours
        10.0
    """
    _positive("capacity_wh", capacity_wh, "an empty battery lasts no time at all")
    _positive("energy_uj", energy_uj, "an inference that cannot be told from rest drains nothing")
    within("idle_w", idle_w, 0.0, 1e6)
    rate = _rate(inferences_per_s, duty, latency_ms)
    share = None if latency_ms is None else rate * latency_ms / 1e3
    if share is not None and share > 1 + 1e-9:
        raise ArgumentError(
            f"inferences_per_s={rate:g} of {latency_ms:g} ms each do not fit into a second: at "
            f"most {1e3 / latency_ms:.4g} do."  # type: ignore[operator]
        )
    average = idle_w + rate * energy_uj / 1e6
    return BatteryLife(
        hours=capacity_wh / average,
        capacity_wh=float(capacity_wh),
        idle_w=float(idle_w),
        energy_uj=float(energy_uj),
        inferences_per_s=rate,
        duty=share,
        average_w=average,
        method=method,
    )


def _rate(inferences_per_s: float | None, duty: float | None, latency_ms: float | None) -> float:
    """Return the inferences in a second, from whichever figure was given."""
    if (inferences_per_s is None) == (duty is None):
        raise ArgumentError(
            f"inferences_per_s={inferences_per_s!r} and duty={duty!r}: give one of them, how many "
            "inferences there are in a second or the part of the time that they take."
        )
    if latency_ms is not None:
        _positive("latency_ms", latency_ms, "an inference takes some time")
    if duty is None:
        _positive("inferences_per_s", inferences_per_s, "without inferences it is all idle power")
        return float(inferences_per_s)  # type: ignore[arg-type]
    _positive("duty", duty, "without inferences it is all idle power")
    within("duty", duty, 0.0, 1.0)
    if latency_ms is None:
        raise ArgumentError(
            f"duty={duty!r} needs the time of an inference on that device, which an estimate does "
            "not know. Pass latency_ms=, as tfedge.benchmark measures it there, or "
            "inferences_per_s= instead."
        )
    return duty * 1e3 / latency_ms


def _positive(name: str, value: Any, why: str) -> None:
    """Raise unless a figure is a finite number above 0."""
    number = not isinstance(value, bool) and isinstance(value, numbers.Real)
    if not (number and math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name}={value!r} must be a number above 0: {why}.")


def shown_w(watts: float) -> str:
    """Return power for people.

    Example:
        >>> shown_w(2.5), shown_w(0.0123), shown_w(0.0), shown_w(4e-6)
        ('2.5 W', '12.3 mW', '0 W', '4 µW')
    """
    for unit, factor in (("W", 1.0), ("mW", 1e-3), ("µW", 1e-6)):
        if abs(watts) >= factor:
            return f"{watts / factor:.3g} {unit}"
    return f"{watts:.3g} W"


def _long(hours: float) -> str:
    """Return a long time in days or years."""
    if hours > _YEAR:
        return f"{hours / _YEAR:.1f} years"
    return f"{hours / _DAY:.1f} days"
