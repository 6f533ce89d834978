"""What came and what was answered of late."""

from __future__ import annotations

from collections import deque

import numpy as np

_KEPT = 1024
_LATE = 0.25


class _Recent:
    """Requests of the last seconds, counted as they come and go."""

    def __init__(self, seconds: float):
        self.seconds, self.samples = seconds, 0
        self._arrivals: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self._arrivals)

    def add(self, now: float, samples: int) -> None:
        """Count a request."""
        self._arrivals.append((now, samples))
        self.samples += samples

    def forget(self, now: float) -> None:
        """Leave out what came before these seconds."""
        while self._arrivals and self._arrivals[0][0] < now - self.seconds:
            self.samples -= self._arrivals.popleft()[1]


class Window:
    """Arrivals and latencies of the last seconds.

    Args:
        seconds: How long things count.
        quantile: Which quantile of the latency is asked for, in [0, 1).

    Example:
        >>> window = Window(1.0, quantile=0.5)
        >>> for time in (0.0, 0.1, 0.2):
        ...     window.arrived(time, samples=1)
        ...     window.answered(time, time + 0.01)
        >>> window.rate_per_s(1.0), round(window.latency_ms(1.0, since=0.0), 1)
        (3.0, 10.0)
    """

    def __init__(self, seconds: float, quantile: float):
        self.seconds, self.quantile = seconds, quantile
        self._all, self._late = _Recent(seconds), _Recent(_LATE * seconds)
        self._began: float | None = None
        self._came, self._left = np.full(_KEPT, -np.inf), np.full(_KEPT, -np.inf)
        self._next = 0
        self._least = int(np.ceil(1.0 / (1.0 - quantile) - 1e-9))

    def arrived(self, now: float, samples: int) -> None:
        """Count a request."""
        if self._began is None:
            self._began = now
        self._all.add(now, samples)
        self._late.add(now, samples)

    def answered(self, came: float, left: float) -> None:
        """Note when a request came and when its answer left."""
        self._came[self._next], self._left[self._next] = came, left
        self._next = (self._next + 1) % _KEPT

    def rate_per_s(self, now: float) -> float:
        """Return how many samples came per second; from the beginning while that is short.

        A rise is followed at once: the last quarter of the window counts alone where more requests
        came in it than chance explains, three deviations of a Poisson process.
        """
        for counted in (self._all, self._late):
            counted.forget(now)
        if self._began is None or now <= self._began:
            return 0.0
        seconds = min(self.seconds, max(now - self._began, 0.1 * self.seconds))
        rate, late = self._all.samples / seconds, self._late
        surely = len(late) - 3.0 * len(late) ** 0.5
        rose = surely / late.seconds > len(self._all) / seconds
        return max(rate, late.samples / late.seconds) if rose else rate

    def latency_ms(self, now: float, since: float) -> float | None:
        """Return the quantile of the latency, None while there are too few answers for it.

        Args:
            now: Seconds by the clock.
            since: Requests that came before do not count.
        """
        counts = (self._came >= since) & (self._left >= now - self.seconds)
        if np.count_nonzero(counts) < self._least:
            return None
        times = self._left[counts] - self._came[counts]
        place = min(len(times) - 1, int(self.quantile * len(times)))
        return 1e3 * float(np.partition(times, place)[place])
