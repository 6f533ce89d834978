"""The exact choice, against all subsets."""

import itertools

import numpy as np
import pytest

from tfedge.convert.mixed.knapsack import least_harm


@pytest.mark.parametrize("seed", range(20))
def test_no_subset_is_less_harmful(seed):
    random = np.random.default_rng(seed)
    harms, savings = random.random(8).tolist(), random.integers(-5, 200, 8).tolist()
    needed = int(random.integers(1, 500))
    every = itertools.chain.from_iterable(itertools.combinations(range(8), k) for k in range(9))
    fitting = [set_ for set_ in every if sum(max(0, savings[i]) for i in set_) >= needed]
    found = least_harm(harms, savings, needed)
    if not fitting:
        assert found is None
        return
    best = min(sum(harms[i] for i in set_) for set_ in fitting)
    assert sum(savings[i] for i in found) >= needed
    assert sum(harms[i] for i in found) == pytest.approx(best)


def test_large_numbers_are_cut_into_parts():
    savings = [1_000_000, 700_000, 400_000]
    assert least_harm([3.0, 1.0, 1.0], savings, 1_050_000) == [1, 2]
    assert least_harm([], [], 1) is None
