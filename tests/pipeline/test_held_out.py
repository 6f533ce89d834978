"""Validation data in two parts, and samples that leak from training."""

import warnings

import numpy as np
import pytest

from tfedge.core.data import Batch
from tfedge.errors import DataError
from tfedge.pipeline.held_out import gathered, split, warn_of_leaks


@pytest.mark.parametrize("one_hot", [False, True])
def test_halves_hold_every_sample_once_in_the_same_mix(one_hot):
    labels = np.repeat([0, 1, 2], [300, 60, 40])
    y = np.eye(3)[labels] if one_hot else labels
    parts = split(Batch(np.arange(400)[:, None], y), seed=3)
    places = np.concatenate([parts.choose.x[:, 0], parts.prove.x[:, 0]])
    assert sorted(places) == list(range(400))
    for part in (parts.choose, parts.prove):
        counts = np.bincount(labels[part.x[:, 0]])
        assert np.abs(counts - [150, 30, 20]).max() <= 1
        assert np.array_equal(part.y, y[part.x[:, 0]])
    again = split(Batch(np.arange(400)[:, None], y), seed=3)
    assert np.array_equal(again.choose.x, parts.choose.x)
    other = split(Batch(np.arange(400)[:, None], y), seed=4)
    assert not np.array_equal(other.choose.x, parts.choose.x)


def test_data_of_any_form_are_gathered():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    pairs = ((x[i : i + 4], y[i : i + 4]) for i in (0, 4))
    for data in ((x, y), pairs):
        whole = gathered(data, {"x": (2,)})
        assert np.array_equal(whole.x, x) and np.array_equal(whole.y, y)
    named = gathered(({"left": x, "right": x}, y))
    assert set(split_quietly(named).prove.x) == {"left", "right"}


def split_quietly(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return split(data)


def test_few_samples_are_warned_of_and_one_is_refused():
    with pytest.warns(UserWarning, match="val holds 50 samples: 25 to choose by and 25 to prove"):
        split(Batch(np.zeros((50, 1)), np.zeros(50)))
    with pytest.raises(DataError, match="val holds 1 sample"):
        split(Batch(np.zeros((1, 1)), np.zeros(1)))


def test_leaks_are_counted_and_named():
    generator = np.random.default_rng(0)
    train, val = generator.random((30, 4)), generator.random((20, 4))
    val[[5, 7]] = train[[3, 9]]
    with pytest.warns(UserWarning, match=r"2 of 20 samples .* number 5"):
        assert warn_of_leaks(Batch(train), Batch(val)) == 2
    with pytest.warns(UserWarning, match="2 of 20"):
        warn_of_leaks(Batch({"a": train, "b": train}), Batch({"a": val, "b": val}))
    assert warn_of_leaks(Batch(train), Batch(val[8:])) == 0
