import numpy as np
import pytest

from tfedge.runtime.latency.intervals import (
    block_medians,
    interval_of_runs,
    median_interval,
    ratio_of_runs,
)

# Ranks of the 95 % interval of a median: David and Nagaraja, tables of the sign test.
RANKS = {6: 1, 8: 1, 9: 2, 10: 2, 12: 3, 15: 4, 20: 6, 25: 8, 31: 10}


@pytest.mark.parametrize("count", RANKS)
def test_ranks_of_the_interval(count):
    low, high = median_interval(np.random.default_rng(0).permutation(count) + 1.0)
    assert (low, high) == (RANKS[count], count + 1 - RANKS[count])


def test_intervals_hold_the_median_as_often_as_they_say():
    rng = np.random.default_rng(1)
    samples = rng.lognormal(sigma=0.5, size=(2000, 31))
    inside = [low <= 1.0 <= high for low, high in map(median_interval, samples)]
    assert 0.94 <= np.mean(inside) <= 0.985


def test_few_values_give_their_range():
    assert median_interval(np.array([3.0])) == (3.0, 3.0)
    assert median_interval(np.array([3.0, 1.0, 2.0])) == (1.0, 3.0)


def test_stretches_keep_slow_changes():
    level = np.repeat(np.arange(31.0), 10)
    np.testing.assert_array_equal(block_medians(level), np.arange(31.0))
    middle, low, high = interval_of_runs(level)
    assert (middle, low, high) == (15.0, 9.0, 21.0)


def test_ratios_hold_where_times_do_not():
    rng = np.random.default_rng(2)
    busy = np.repeat(rng.uniform(1, 5, 31), 20)
    one = 1.3 * busy * rng.lognormal(sigma=0.02, size=busy.size)
    two = busy * rng.lognormal(sigma=0.02, size=busy.size)
    _, low, high = ratio_of_runs(one, two)
    assert low <= 1.3 <= high
    assert high - low < 0.02
    _, slow, fast = interval_of_runs(one)
    assert fast - slow > 1.0, "the median itself is hardly known"
