"""How a variant is chosen: the base of policies, two thresholds, and several policies at once."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from tfedge.core.errors import ArgumentError
from tfedge.runtime.adaptive.signals import Signals


class Policy(ABC):
    """Chooses the variant that shall answer next.

    A policy is one method, :meth:`wanted`. It says what it would like now; :meth:`decide` keeps
    that from swinging: a step up waits until ``up_after_s`` have passed since the last switch, a
    step down until ``down_after_s`` have.

    Attributes:
        reads: Names of the signals that it looks at. They are written into the log, and sensors
            of the machine among them (``cpu_load``, ``temperature_c``, ``power_w``, ``battery``)
            are read only if some policy names them.
        up_after_s: Least seconds between a switch and a step up.
        down_after_s: Least seconds between a switch and a step down.

    Example:
        >>> class Patient(Policy):
        ...     reads = ("queue",)
        ...     def wanted(self, signals, rung):
        ...         return 0 if signals.queue > 10 else rung + 1
        >>> policy = Patient()
        >>> policy.decide(Signals(0.0, rungs=3, queue=11), 2)
        0
        >>> policy.decide(Signals(0.0, rungs=3, queue=0, since_switch_s=0.1), 1)
        1
        >>> policy.decide(Signals(0.0, rungs=3, queue=0, since_switch_s=5.0), 1)
        2
    """

    reads: tuple[str, ...] = ()
    up_after_s: float = 1.0
    down_after_s: float = 0.0

    @abstractmethod
    def wanted(self, signals: Signals, rung: int) -> int:
        """Return the variant that would be right now; one that is not there means the nearest.

        Args:
            signals: How things are.
            rung: The variant in use: 0 is the cheapest, ``signals.rungs - 1`` the best.
        """

    def decide(self, signals: Signals, rung: int) -> int:
        """Return the variant to use: the one wanted, once it is time for a switch.

        Raises:
            ArgumentError: If what is wanted is no number.
        """
        wanted = min(max(_whole(self.wanted(signals, rung), self), 0), signals.rungs - 1)
        waits = self.up_after_s * signals.patience if wanted > rung else self.down_after_s
        return wanted if signals.since_switch_s >= waits else rung

    def reason(self, signals: Signals, rung: int) -> str:
        """Return why :meth:`decide` decides so, for the log: the policy and what it read."""
        found = (f"{name} {_shown(signals.read(name))}" for name in self.reads)
        return f"{type(self).__name__}: {', '.join(found)}"


def _whole(found: Any, policy: Policy) -> int:
    """Return what a policy wants as a whole number."""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not isinstance(found, (str, bytes)):
            return int(found)
    raise ArgumentError(
        f"{type(policy).__name__}.wanted() returned {found!r}; it must return the number of a "
        "variant, 0 for the cheapest."
    )


class Band(Policy):
    """Two thresholds: one step down above the one, one step up below the other.

    Between them nothing changes. Children say what is read, and through ``falling`` whether a low
    value rather than a high one is what hurts.

    Args:
        low: Threshold below which there is room.
        high: Threshold above which there is too much.
        dwell_s: Least seconds from one switch to the next step.

    Raises:
        ArgumentError: If they are no numbers, or ``low`` is not below ``high``.
    """

    falling: ClassVar[bool] = False

    def __init__(self, low: float, high: float, dwell_s: float):
        number("low", low)
        number("high", high)
        number("dwell_s", dwell_s, least=0.0)
        if not low < high:
            raise ArgumentError(
                f"low={low!r} must be below high={high!r}: the gap between the two is what keeps "
                "the choice from swinging."
            )
        self.low, self.high = low, high
        self.up_after_s = self.down_after_s = dwell_s

    def wanted(self, signals: Signals, rung: int) -> int:
        """Return one step down, one step up, or the same; the same if nothing can be read."""
        value = signals.read(self.reads[0])
        if value is None:
            return rung
        hurts, helps = value > self.high, value < self.low
        if self.falling:
            hurts, helps = value < self.low, value > self.high
        return rung - hurts + helps


class MostCautious(Policy):
    """Several policies at once: the cheapest variant that any of them decides for.

    Args:
        *policies: The policies.

    Raises:
        ArgumentError: If there is none, or one is no policy.

    Example:
        >>> from tfedge.adaptive import CpuLoad, Temperature
        >>> both = MostCautious(CpuLoad(), Temperature())
        >>> both.decide(Signals(0.0, rungs=2, cpu_load=0.1, temperature_c=90.0), 1)
        0
    """

    def __init__(self, *policies: Policy):
        if not policies:
            raise ArgumentError("MostCautious() needs one policy at least.")
        for policy in policies:
            check_policy(policy)
        self.policies = policies
        self.reads = tuple(dict.fromkeys(name for policy in policies for name in policy.reads))

    def wanted(self, signals: Signals, rung: int) -> int:
        """Return the least of what is wanted."""
        return min(policy.wanted(signals, rung) for policy in self.policies)

    def decide(self, signals: Signals, rung: int) -> int:
        """Return the least of what is decided."""
        return min(policy.decide(signals, rung) for policy in self.policies)

    def reason(self, signals: Signals, rung: int) -> str:
        """Return the reasons of those that decide so."""
        chosen = self.decide(signals, rung)
        reasons = [p.reason(signals, rung) for p in self.policies]
        decided = [p.decide(signals, rung) for p in self.policies]
        return "; ".join(text for text, at in zip(reasons, decided, strict=True) if at == chosen)


class Stay(Policy):
    """Stays with the best variant, whatever happens.

    Example:
        >>> Stay().decide(Signals(0.0, rungs=3, queue=1000), 2)
        2
    """

    up_after_s = 0.0

    def wanted(self, signals: Signals, rung: int) -> int:
        """Return the best variant."""
        return signals.rungs - 1


def as_policy(policy: Any) -> Policy:
    """Return one policy: `Stay` for None, `MostCautious` for several.

    Raises:
        ArgumentError: If it is something else.

    Example:
        >>> type(as_policy(None)).__name__, type(as_policy([Stay()])).__name__
        ('Stay', 'MostCautious')
    """
    if policy is None:
        return Stay()
    if isinstance(policy, Iterable):
        return MostCautious(*policy)
    check_policy(policy)
    return policy


def check_policy(policy: Any) -> None:
    """Raise unless something is a policy.

    Example:
        >>> check_policy(Stay())
    """
    if not isinstance(policy, Policy):
        raise ArgumentError(
            f"{policy!r} is no policy. Pass one of tfedge.adaptive, such as LatencyTarget(20.0), "
            "or an object of your own class, a child of tfedge.adaptive.Policy."
        )


def number(name: str, value: Any, least: float | None = None, open_low: bool = False) -> None:
    """Raise unless a setting is a number, and not below ``least``.

    Example:
        >>> number("dwell_s", 1.0, least=0.0)
    """
    right = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
    if right and least is not None:
        right = value > least if open_low else value >= least
    if not right:
        limit = "" if least is None else f" {'above' if open_low else 'of at least'} {least:g}"
        raise ArgumentError(f"{name}={value!r} must be a number{limit}.")


def _shown(value: Any) -> str:
    """Return a reading as short text."""
    return (
        "unknown" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    )
