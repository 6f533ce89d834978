"""Which requests run next, together, on which variant. No threads, no clock: time is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tfedge.runtime.adaptive.costs import Costs
from tfedge.runtime.adaptive.governor import Governor
from tfedge.runtime.adaptive.signals import Signals
from tfedge.runtime.adaptive.window import Window


@dataclass(eq=False)
class Request:
    """Some samples that somebody waits for.

    Attributes:
        arrays: One array per input, samples along the first axis.
        came_s: When it came.
        names: Names of the outputs; none for a single one, which is answered as an array.
        future: What will hold the answer.
    """

    arrays: list[np.ndarray]
    came_s: float
    names: tuple[str, ...] = ()
    future: Future = field(default_factory=Future)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.arrays[0])

    def answer(self, outputs: list[np.ndarray]) -> None:
        """Hand over the outputs for its samples."""
        named = dict(zip(self.names, outputs, strict=True)) if self.names else outputs[0]
        self.future.set_result(named)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of one sample of each input; only like ones run together."""
        return [array.shape[1:] for array in self.arrays]


class Batch(NamedTuple):
    """Requests that run together.

    Attributes:
        rung: The variant.
        requests: The requests, the oldest first.
        samples: How many samples they have.
    """

    rung: int
    requests: list[Request]
    samples: int


class Scheduler:
    """The queue, and what is known of it.

    Args:
        governor: Chooses the variant.
        costs: Times of the variants.
        window: What came and was answered of late.
        readings: Fields of `Signals` at a time, from sensors.
        energy_uj: Energy of a sample for each variant, None where it is not known.
        max_delay_s: How long a request may wait for others to fill a micro-batch.

    Example:
        >>> from tfedge.runtime.adaptive.policy import Stay
        >>> governor, costs = Governor(Stay(), ["one"], 0.0), Costs([1.0], [0.5], [2])
        >>> scheduler = Scheduler(governor, costs, Window(1.0, 0.99), lambda now: {}, [None])
        >>> for time in range(3):
        ...     scheduler.add(Request([np.zeros((1, 4))], came_s=time))
        >>> scheduler.next(3.0).samples, scheduler.next(3.0).samples, scheduler.next(3.0)
        (2, 1, None)
    """

    def __init__(
        self,
        governor: Governor,
        costs: Costs,
        window: Window,
        readings: Callable[[float], dict[str, Any]],
        energy_uj: list[float | None],
        max_delay_s: float = 0.0,
    ):
        self.governor, self.costs, self.window = governor, costs, window
        self._readings, self._energy_uj = readings, tuple(energy_uj)
        self._max_delay_s = max_delay_s
        self._queue: deque[Request] = deque()
        self._waiting = 0
        self.samples = [0] * len(governor.names)

    def __len__(self) -> int:
        """Return how many samples wait."""
        return self._waiting

    def add(self, request: Request) -> None:
        """Take a request into the queue."""
        self._queue.append(request)
        self._waiting += len(request)
        self.window.arrived(request.came_s, len(request))

    def next(self, now: float, hurry: bool = False) -> Batch | None:
        """Return what to run now, None while there is nothing, or more is worth waiting for.

        Args:
            now: Seconds by the clock.
            hurry: Whether not to wait for a micro-batch to fill.
        """
        if not self._queue:
            return None
        rung = self.governor.ask(self.signals(now))
        room = self.costs.batches[rung]
        if self._waiting < room and not hurry and self._may_wait(now) > 0:
            return None
        chosen = [self._queue.popleft()]
        samples = len(chosen[0])
        while self._queue and samples + len(self._queue[0]) <= room:
            if self._queue[0].shapes != chosen[0].shapes:
                break
            chosen.append(self._queue.popleft())
            samples += len(chosen[-1])
        self._waiting -= samples
        return Batch(rung, chosen, samples)

    def drain(self) -> list[Request]:
        """Take all requests out of the queue and return those that were not cancelled."""
        left = [one for one in self._queue if one.future.set_running_or_notify_cancel()]
        self._queue.clear()
        self._waiting = 0
        return left

    def wait_s(self, now: float) -> float | None:
        """Return how long the oldest request may still wait for others, None without any."""
        return max(0.0, self._may_wait(now)) if self._queue else None

    def _may_wait(self, now: float) -> float:
        """Return how long the oldest request may still wait; below 0 once that is over."""
        return self._queue[0].came_s + self._max_delay_s - now

    def finished(self, batch: Batch, began: float, now: float) -> None:
        """Learn from a batch that was answered."""
        self.costs.learn(batch.rung, batch.samples, 1e3 * (now - began))
        self.answered(batch, now)

    def answered(self, batch: Batch, now: float) -> None:
        """Count a batch that was answered."""
        self.samples[batch.rung] += batch.samples
        for request in batch.requests:
            self.window.answered(request.came_s, now)

    def signals(self, now: float) -> Signals:
        """Return how things are."""
        oldest = self._queue[0].came_s if self._queue else now
        return Signals(
            time_s=now,
            rungs=len(self.governor.names),
            latency_ms=self.window.latency_ms(now, self.governor.switched_s),
            quantile=self.window.quantile,
            queue=self._waiting,
            oldest_ms=1e3 * (now - oldest),
            rate_per_s=self.window.rate_per_s(now),
            single_ms=self.costs.single_ms,
            batched_ms=self.costs.batched_ms,
            spread=self.costs.spread,
            energy_uj=self._energy_uj,
            **self._readings(now),
        )
