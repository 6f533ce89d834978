"""Policies that keep the device within limits: load, heat, battery, power."""

from __future__ import annotations

from tfedge.core.checks import within
from tfedge.core.errors import ArgumentError
from tfedge.runtime.adaptive.policy import Band, Policy, number
from tfedge.runtime.adaptive.signals import Signals

_SPARE = 0.8


class CpuLoad(Band):
    """Makes room when the processors are busy, with whatever it is.

    Args:
        high: Load above which a cheaper variant is taken, in [0, 1].
        low: Load below which a better one is.
        dwell_s: Least seconds from one switch to the next.

    Raises:
        ArgumentError: If a setting is out of range.

    Example:
        >>> CpuLoad().decide(Signals(0.0, rungs=2, cpu_load=0.95), 1)
        0
    """

    reads = ("cpu_load",)

    def __init__(self, high: float = 0.85, low: float = 0.5, dwell_s: float = 1.0):
        within("high", high, 0.0, 1.0)
        within("low", low, 0.0, 1.0)
        super().__init__(low, high, dwell_s)


class Temperature(Band):
    """Takes cheaper variants before the device grows too hot and is slowed down by its hardware.

    Args:
        high: Degrees Celsius above which a cheaper variant is taken.
        low: Degrees Celsius below which a better one is.
        dwell_s: Least seconds from one switch to the next: heat follows slowly.

    Raises:
        ArgumentError: If a setting is no number, or ``low`` is not below ``high``.

    Example:
        >>> Temperature(high=75.0).decide(Signals(0.0, rungs=3, temperature_c=76.5), 2)
        1
    """

    reads = ("temperature_c",)

    def __init__(self, high: float = 75.0, low: float = 65.0, dwell_s: float = 10.0):
        super().__init__(low, high, dwell_s)


class BatteryLevel(Band):
    """Takes cheaper variants when the battery runs low. While it is charged it counts as full.

    Args:
        low: Charge below which a cheaper variant is taken, in [0, 1].
        high: Charge above which a better one is.
        dwell_s: Least seconds from one switch to the next.

    Raises:
        ArgumentError: If a setting is out of range.

    Example:
        >>> BatteryLevel().decide(Signals(0.0, rungs=2, battery=0.1), 1)
        0
    """

    reads = ("battery",)
    falling = True

    def __init__(self, low: float = 0.2, high: float = 0.4, dwell_s: float = 30.0):
        within("low", low, 0.0, 1.0)
        within("high", high, 0.0, 1.0)
        super().__init__(low, high, dwell_s)


class PowerBudget(Policy):
    """Keeps the power within a budget.

    Where power is measured, one step at a time is taken, up when less than four fifths of the
    budget are drawn. Elsewhere it is estimated: ``idle_w`` and the energy of each sample
    (`Variant.energy_uj`) times the rate of samples, so that the best variant is chosen at once.

    Args:
        watts: The budget.
        idle_w: What the device draws when it does nothing, for the estimate.
        dwell_s: Least seconds from one switch to the next step up, and where power is measured to
            the next step down.

    Raises:
        ArgumentError: If a setting is out of range. When it is asked: if there is neither a meter
            nor an energy for each variant.

    Example:
        >>> signals = Signals(0.0, rungs=2, rate_per_s=100.0, energy_uj=(500.0, 8000.0))
        >>> PowerBudget(0.5).decide(signals, 1)
        0
    """

    reads = ("power_w", "rate_per_s")

    def __init__(self, watts: float, *, idle_w: float = 0.0, dwell_s: float = 2.0):
        number("watts", watts, least=0.0, open_low=True)
        number("idle_w", idle_w, least=0.0)
        number("dwell_s", dwell_s, least=0.0)
        self.watts, self.idle_w, self.up_after_s = watts, idle_w, dwell_s

    def wanted(self, signals: Signals, rung: int) -> int:
        """Return the variant for the power that is drawn or to be expected."""
        if signals.power_w is not None:
            hurts = signals.power_w > self.watts and signals.since_switch_s >= self.up_after_s
            return rung - hurts + (signals.power_w < _SPARE * self.watts)
        costs = [cost for cost in signals.energy_uj if cost is not None]
        if len(costs) < signals.rungs:
            raise ArgumentError(
                f"PowerBudget({self.watts}) needs a meter or an estimate, and there is neither: "
                "this machine does not tell power_w. Give each Variant its energy_uj, or pass "
                "sensors={'power_w': function}."
            )
        expected = [self.idle_w + 1e-6 * cost * signals.rate_per_s for cost in costs]
        fits = [place for place, watts in enumerate(expected) if watts <= self.watts]
        best = max(fits, default=0)
        return best if best <= rung or expected[best] <= _SPARE * self.watts else rung
