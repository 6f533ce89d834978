"""A queue with one server and a clock of its own: requests come and are answered in no time."""

import numpy as np

from tfedge.runtime.adaptive.costs import Costs
from tfedge.runtime.adaptive.governor import Governor
from tfedge.runtime.adaptive.policy import as_policy
from tfedge.runtime.adaptive.scheduler import Request, Scheduler
from tfedge.runtime.adaptive.window import Window

SAMPLE = [np.zeros((1, 1))]


def poisson(phases, seed=0):
    """Return when requests come, in phases of ``(seconds, requests per second)``."""
    rng, times, start = np.random.default_rng(seed), [], 0.0
    for seconds, rate in phases:
        count = rng.poisson(seconds * rate)
        times.append(np.sort(rng.uniform(start, start + seconds, count)))
        start += seconds
    return np.concatenate(times)


class Simulation:
    """A scheduler whose variants take known times.

    Args:
        policy: As `AdaptiveRunner` takes it.
        single_ms: Time of one sample for each variant, as the scheduler believes it.
        batch: Most samples of a micro-batch, which takes as long as its samples one by one.
        readings: Sensors as a function of time.
        really: Returns the milliseconds that so many samples really take on a variant at a time.
    """

    def __init__(self, policy, single_ms, batch=1, readings=None, really=None, **settings):
        self.single_ms = single_ms
        names = [f"rung {place}" for place in range(len(single_ms))]
        self.governor = Governor(as_policy(policy), names, 0.0)
        self.scheduler = Scheduler(
            self.governor,
            Costs(single_ms, single_ms, [batch] * len(single_ms)),
            Window(1.0, settings.pop("quantile", 0.99)),
            readings or (lambda now: {}),
            settings.pop("energy_uj", [None] * len(single_ms)),
            **settings,
        )
        self._really = really or (lambda rung, samples, now: single_ms[rung] * samples)
        self.rungs = []

    def run(self, arrivals):
        """Return when each request came and how long it took, in seconds, in order of arrival."""
        coming, now, came, took = list(reversed(arrivals)), 0.0, [], []
        while coming or len(self.scheduler):
            self._let_in(coming, now)
            batch = self.scheduler.next(now)
            if batch is None:
                ends = [coming[-1]] if coming else []
                wait = self.scheduler.wait_s(now)
                now = min(ends if wait is None else [*ends, now + wait + 1e-9])
                continue
            end = now + 1e-3 * self._really(batch.rung, batch.samples, now)
            self._let_in(coming, end)
            self.scheduler.finished(batch, now, end)
            self.rungs += [batch.rung] * len(batch.requests)
            came += [request.came_s for request in batch.requests]
            took += [end - request.came_s for request in batch.requests]
            now = end
        return np.array(came), np.array(took)

    def _let_in(self, coming, now):
        """Queue what has come by now."""
        while coming and coming[-1] <= now:
            self.scheduler.add(Request(SAMPLE, coming.pop()))
