"""The policy that holds a latency: what queueing theory expects, and what was measured."""

from __future__ import annotations

import math

from tfedge.core.checks import within
from tfedge.runtime.adaptive.policy import Policy, number
from tfedge.runtime.adaptive.signals import Signals


class LatencyTarget(Policy):
    """Uses the best variant that keeps a quantile of the latency under a target.

    For each variant the latency is foreseen from the rate of requests, from what waits, and from
    the time that the variant takes. A variant that would miss the target is left at once, before
    the queue has grown. A better one is tried, one step at a time, when it is foreseen to need
    no more than ``low`` of the target, so that a load at the limit does not make it swing. Where
    the measured quantile misses the target all the same, one step down is taken.

    Args:
        target_ms: The latency to hold, from the request to its answer.
        quantile: Which part of the requests shall be faster, in [0, 1).
        low: Part of the target that a better variant may be foreseen to need, in [0, 1].
        dwell_s: Least seconds from a switch to the next step up.

    Raises:
        ArgumentError: If a setting is out of range.

    Example:
        >>> from tfedge.runtime.adaptive.signals import Signals
        >>> policy = LatencyTarget(20.0)
        >>> times = {"single_ms": (1.0, 5.0), "batched_ms": (1.0, 5.0)}
        >>> policy.decide(Signals(0.0, rungs=2, rate_per_s=20.0, **times), 1)
        1
        >>> policy.decide(Signals(0.0, rungs=2, rate_per_s=180.0, **times), 1)
        0

    Reference:
        Kingman, "The single server queue in heavy traffic", 1961: at utilization r and service
        time s a customer waits longer than t with probability ``r * exp(-(1 - r) * t / (s * v))``,
        v the mean of the squared coefficients of variation of arrivals (1 for Poisson's) and of
        service times (measured). It is exact in an M/M/1 queue, where v is 1 (Kleinrock, Queueing
        Systems, volume 1, 1975).
    """

    reads = ("latency_ms", "queue", "rate_per_s")

    def __init__(
        self, target_ms: float, *, quantile: float = 0.99, low: float = 0.6, dwell_s: float = 1.0
    ):
        number("target_ms", target_ms, least=0.0, open_low=True)
        within("quantile", quantile, 0.0, 1.0, open_high=True)
        within("low", low, 0.0, 1.0)
        number("dwell_s", dwell_s, least=0.0)
        self.target_ms, self.quantile, self.low = target_ms, quantile, low
        self.up_after_s = dwell_s

    def wanted(self, signals: Signals, rung: int) -> int:
        """Return the variant for the latency that is to be expected."""
        if self.foreseen_ms(signals, rung) > self.target_ms:
            return self._best_below(signals, rung)
        if signals.latency_ms is not None and signals.latency_ms > self.target_ms:
            return rung - 1
        above = rung + 1
        if above == signals.rungs:
            return rung
        fits = self.foreseen_ms(signals, above) <= self.low * self.target_ms
        return above if fits else rung

    def foreseen_ms(self, signals: Signals, rung: int) -> float:
        """Return the quantile of the latency to expect with a variant.

        The larger of two: how long the last of those that wait now will have waited, and the
        quantile in a queue that has settled at this rate.

        Args:
            signals: How things are.
            rung: The variant.

        Returns:
            Milliseconds; infinite if the variant is slower than requests come.

        Example:
            >>> times = {"single_ms": (10.0,), "batched_ms": (10.0,), "spread": 1.0}
            >>> signals = Signals(0.0, 1, rate_per_s=50.0, **times)
            >>> round(LatencyTarget(50.0).foreseen_ms(signals, 0), 1)
            88.2
        """
        single, each = signals.single_ms[rung], signals.batched_ms[rung]
        clearing = max(signals.oldest_ms, 0.0) + single
        clearing = max(clearing, signals.queue * each + single)
        used = 1e-3 * signals.rate_per_s * each
        if used >= 1.0:
            return math.inf
        waits = math.log(used / (1.0 - self.quantile)) if used > 1.0 - self.quantile else 0.0
        varies = 0.5 * (1.0 + signals.spread)
        return max(clearing, single + varies * each / (1.0 - used) * waits)

    def _best_below(self, signals: Signals, rung: int) -> int:
        """Return the best cheaper variant that is foreseen to hold the target, else the fastest."""
        foreseen = [self.foreseen_ms(signals, place) for place in range(rung)]
        fits = [place for place, ms in enumerate(foreseen) if ms <= self.target_ms]
        if fits or not foreseen:
            return max(fits, default=rung)
        each = signals.batched_ms[: rung + 1]
        return each.index(min(each))
