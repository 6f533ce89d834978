"""Counts are exact whatever the order, the batches and the range."""

import numpy as np
import pytest

from tfedge.core.histograms import Histogram
from tfedge.core.statistics import Statistics


def filled(*batches):
    found = Histogram()
    for batch in batches:
        found.update(batch)
    return found


def test_counts_are_numpys_on_the_same_edges():
    values = np.random.default_rng(0).normal(3, 5, 10_000).astype("float32")
    found = filled(*np.array_split(values, 7))
    expected, _ = np.histogram(values, found.edges)
    np.testing.assert_array_equal(found.counts, expected)
    assert np.abs(values).max() < found.edges[-1] <= 2 * np.abs(values).max()


@pytest.mark.parametrize("scales", [(1, 1000, 1e-6), (1000, 1e-6, 1), (1e-6, 1, 1000)])
def test_order_and_batches_do_not_matter(scales):
    generator = np.random.default_rng(1)
    batches = [generator.normal(size=5000).astype("float32") * np.float32(s) for s in (1, 1e3, 0)]
    whole = filled(np.concatenate(batches))
    order = np.argsort(scales)
    parts = filled(*(batches[place] for place in order))
    assert parts.width == whole.width
    np.testing.assert_array_equal(parts.counts, whole.counts)


def test_histograms_add_up():
    small, large = np.linspace(-1, 1, 999), np.linspace(-300, 20, 777)
    for first, second in ((small, large), (large, small), (small, np.zeros(3))):
        found = filled(first)
        found.add(filled(second))
        whole = filled(first, second)
        assert found.width == whole.width
        np.testing.assert_array_equal(found.counts, whole.counts)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, -1e-38, 3e38, -3e38])
def test_extreme_values_are_counted_once(value):
    found = filled(np.array([value, 0.0], "float32"))
    assert found.counts.sum() == 2
    assert found.counts[4096] >= 1


def test_whole_numbers_and_nothing_can_be_counted():
    found = filled(np.array([[1, 2], [3, 3]], "uint8"), np.zeros((0, 3)))
    assert found.counts.sum() == 4


def test_a_part_of_large_batches_is_counted_and_extrema_are_of_all():
    values = np.linspace(0, 1, 100_000)
    values[77] = -5
    seen = Statistics(most_counted=1000)
    seen.update(values)
    assert seen.low == -5
    assert 500 <= seen.histogram.counts.sum() <= 1000
    assert seen.count == 100_000
