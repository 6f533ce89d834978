import numpy as np
import pytest

from tfedge.adaptive import CpuLoad
from tfedge.runtime.adaptive.costs import Costs
from tfedge.runtime.adaptive.governor import Governor
from tfedge.runtime.adaptive.signals import Signals
from tfedge.runtime.adaptive.window import Window


def test_times_lie_on_the_line_through_one_and_a_full_batch():
    costs = Costs([2.0], [1.0], [5])
    assert [costs.expected_ms(0, n) for n in (1, 3, 5, 10)] == [2.0, 3.5, 5.0, 10.0]


def test_what_slows_one_variant_down_slows_all_down():
    costs = Costs([1.0, 4.0], [1.0, 4.0], [1, 1])
    for _ in range(100):
        costs.learn(0, 1, 3.0)
    assert costs.factor == pytest.approx(3.0, rel=1e-3)
    assert costs.single_ms == pytest.approx((3.0, 12.0), rel=1e-3)
    assert costs.spread == pytest.approx(0.0, abs=0.2)


def test_one_outlier_does_not_count_for_much():
    costs = Costs([1.0], [1.0], [1])
    costs.learn(0, 1, 1000.0)
    assert costs.factor <= 1.3 + 1e-9


def test_the_spread_is_the_squared_coefficient_of_variation():
    costs, rng = Costs([1.0], [1.0], [1]), np.random.default_rng(0)
    for took in rng.gamma(4.0, 0.25, 3000):
        costs.learn(0, 1, took)
    # A gamma distribution of shape 4 has 1/4, and the factor itself wanders a little.
    assert costs.spread == pytest.approx(0.25, abs=0.12)


def test_the_quantile_is_that_of_numpy_and_forgets():
    window, rng = Window(1.0, 0.9), np.random.default_rng(0)
    times = rng.exponential(0.02, 200)
    for place, took in enumerate(times):
        window.answered(place * 0.001, place * 0.001 + took)
    expected = 1e3 * np.quantile(times, 0.9, method="higher")
    assert window.latency_ms(0.4, since=0.0) == pytest.approx(expected, rel=0.02)
    assert window.latency_ms(0.4, since=0.195) is None
    assert window.latency_ms(9.0, since=0.0) is None


def test_the_rate_counts_samples_within_the_window():
    window = Window(1.0, 0.99)
    for place in range(300):
        window.arrived(place * 0.01, 2)
    assert window.rate_per_s(3.0) == pytest.approx(200, rel=0.02)
    assert window.rate_per_s(3.5) == pytest.approx(100, rel=0.03)
    assert window.rate_per_s(9.0) == 0.0


def test_a_rise_of_the_rate_is_followed_at_once_and_chance_is_not():
    rng = np.random.default_rng(0)
    calm = np.sort(rng.uniform(0.0, 20.0, 20 * 100))
    window, found = Window(1.0, 0.99), []
    for time in calm:
        window.arrived(time, samples=5)
        found.append(window.rate_per_s(time))
    assert np.mean(found[200:]) == pytest.approx(500.0, rel=0.05)
    for time in np.arange(20.0, 20.2, 1 / 400):
        window.arrived(time, samples=5)
    # The whole second holds 0.8 * 100 + 0.2 * 400 requests, the last quarter 5 + 80.
    assert window.rate_per_s(20.2) == pytest.approx(5 * 85 / 0.25, rel=0.1)


def test_a_load_that_fell_ends_the_patience_of_a_step_that_failed():
    governor = Governor(CpuLoad(dwell_s=1.0), ["small", "large"], now=0.0)

    def ask(time, load, rate):
        return governor.ask(Signals(time, rungs=2, cpu_load=load, rate_per_s=rate))

    assert [ask(2.0, 0.99, 100.0), ask(4.0, 0.1, 100.0), ask(6.0, 0.99, 100.0)] == [0, 1, 0]
    assert ask(7.5, 0.1, 60.0) == 0, "twice as patient as before"
    assert ask(7.6, 0.1, 40.0) == 1, "not half of the load under which the step failed"
