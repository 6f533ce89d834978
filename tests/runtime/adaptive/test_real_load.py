"""A short real load, on this machine's own clock, threads and worker."""

import time

import numpy as np
import pytest
from simulated_load import poisson

import tfedge
from tfedge.adaptive import LatencyTarget, Variant
from tfedge.runtime.adaptive.executor import Executor

TARGET_MS = 300.0
CALM, BUSY = 40, 160
SLEEPS_MS = {"small": 1.0, "large": 9.0}


@pytest.fixture
def slow_variants(load, monkeypatch):
    """A ladder of one small file, each of whose variants takes some time longer."""
    ladder = [Variant(load("cnn_float"), name=name, batch=1) for name in SLEEPS_MS]
    run = Executor.run

    def slowly(self, rung, requests):
        time.sleep(1e-3 * SLEEPS_MS[self._ladder[rung].name])
        return run(self, rung, requests)

    monkeypatch.setattr(Executor, "run", slowly)
    return ladder


def latencies_ms(runner, times, x):
    """Return how long each request took from the moment at which it was due."""
    ends, futures, start = np.zeros(len(times)), [], time.perf_counter()
    for place, due in enumerate(times):
        time.sleep(max(0.0, start + due - time.perf_counter()))
        futures.append(runner.submit(x))
        futures[-1].add_done_callback(
            lambda _, place=place: ends.__setitem__(place, time.perf_counter())
        )
    assert all(future.result(timeout=60).shape == (1, 10) for future in futures)
    return 1e3 * (ends - start - times)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_p99_holds_while_the_load_rises_fourfold_and_the_large_model_misses_it(
    slow_variants, digits
):
    times, x = poisson([(3, CALM), (4, BUSY), (3, CALM)]), digits["x"][:1]
    with tfedge.AdaptiveRunner(slow_variants, LatencyTarget(TARGET_MS)) as runner:
        adaptive = latencies_ms(runner, times, x)
        samples = runner.decisions.samples
    with tfedge.AdaptiveRunner(slow_variants[1:]) as runner:
        fixed = latencies_ms(runner, times, x)
    assert np.quantile(adaptive, 0.99) < TARGET_MS < np.quantile(fixed, 0.99)
    assert sum(samples.values()) == len(times)
    assert min(samples.values()) > 0.03 * len(times)
