import numpy as np
import pytest

from tfedge.core.errors import NoisyTimingWarning
from tfedge.runtime.latency.noise import complaints, drift, outlier_fraction, warn_of_noise


def steady(runs=620, seed=0):
    return 1 + 0.01 * np.random.default_rng(seed).standard_normal(runs)


def test_steady_runs_are_fine():
    found = [complaints(steady(seed=seed), 0.01, 0.02) for seed in range(50)]
    assert found == [()] * 50


def test_outliers_are_counted():
    times = steady()
    times[::10] *= 3
    assert outlier_fraction(times) == pytest.approx(0.1)
    assert "10% of the runs" in complaints(times, 0.0, 0.1)[0]


@pytest.mark.parametrize("change", [-0.3, -0.1, 0.1, 0.3])
def test_drift_is_the_change_from_first_to_last(change):
    times = steady() * np.linspace(1, 1 + change, 620)
    assert drift(times) == pytest.approx(change / (1 + change / 2), abs=0.015)
    word = "slower" if change > 0 else "faster"
    assert word in complaints(times, 0.0, 0.1)[0]


def test_a_step_of_the_clock_is_a_drift():
    times = steady() * np.repeat([1.0, 1.25], 310)
    assert drift(times) > 0.05


def test_noise_without_a_trend_is_no_drift():
    assert np.mean([drift(steady(seed=seed)) != 0 for seed in range(200)]) < 0.03


def test_few_runs_are_not_judged():
    assert complaints(np.array([1.0, 9.0] * 10), 5.0, 0.02) == ()


def test_the_warning_names_the_model_and_what_to_do():
    warn_of_noise("cnn", ())
    with pytest.warns(NoisyTimingWarning, match=r"'cnn': it shook\. .*compare_latency") as caught:
        warn_of_noise("cnn", ("it shook",), stacklevel=1)
    assert caught[0].filename == __file__
