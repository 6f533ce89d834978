"""What a policy sees when it chooses a variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfedge.core.records import Record


@dataclass(frozen=True, repr=False)
class Signals(Record):
    """How things are at the moment of a decision. What is not known is None.

    Attributes:
        time_s: Seconds by the runner's clock.
        rungs: Number of variants; 0 is the cheapest, ``rungs - 1`` the best.
        since_switch_s: Seconds since the last change of variant, or since the runner began.
        patience: How many times longer than usual to wait before a step up: above 1 while steps
            up had to be taken back soon.
        latency_ms: Quantile of the latency of requests that arrived since the last switch and
            were answered within the window; None while there are too few for the quantile.
        quantile: Which quantile that is, in (0, 1).
        queue: Samples that wait.
        oldest_ms: How long the oldest of them has waited.
        rate_per_s: Samples that arrive per second.
        single_ms: Time to answer one sample alone, for each variant: measured when it was opened,
            and scaled by how fast the machine is now.
        batched_ms: Time for each sample of a full micro-batch, for each variant.
        spread: How much these times vary: their squared coefficient of variation.
        energy_uj: Energy of one sample for each variant, None where it was not given.
        cpu_load: Part of the processors' time that is used, in [0, 1].
        temperature_c: Temperature of the hottest sensor.
        power_w: Power that the device draws.
        battery: Charge of the battery in [0, 1]; 1.0 while it is being charged.
        extra: Readings of a user's own sensors by name.

    Example:
        >>> Signals(time_s=0.0, rungs=3, queue=7).queue
        7
    """

    time_s: float
    rungs: int
    since_switch_s: float = float("inf")
    patience: float = 1.0
    latency_ms: float | None = None
    quantile: float = 0.99
    queue: int = 0
    oldest_ms: float = 0.0
    rate_per_s: float = 0.0
    single_ms: tuple[float, ...] = ()
    batched_ms: tuple[float, ...] = ()
    spread: float = 0.0
    energy_uj: tuple[float | None, ...] = ()
    cpu_load: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    battery: float | None = None
    extra: Mapping[str, float | None] = field(default_factory=dict)

    def read(self, name: str) -> Any:
        """Return a signal by its name, a user's own included; None if it is not known.

        Example:
            >>> Signals(0.0, 2, extra={"humidity": 0.3}).read("humidity")
            0.3
        """
        return self.extra[name] if name in self.extra else getattr(self, name, None)
