"""Ranges against closed forms, NumPy, and slow and plain versions of the same rules."""

import dataclasses
import math

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, CalibrationError
from tfedge.core.observers import (
    MSE,
    OBSERVERS,
    Entropy,
    MinMax,
    MovingAverage,
    Observer,
    Percentile,
    observer_named,
)
from tfedge.core.range_search import least_squared_error
from tfedge.core.statistics import Statistics, together

GENERATOR = np.random.default_rng(0)
NORMAL = GENERATOR.normal(size=1_000_000).astype("float32")
LAPLACE = GENERATOR.laplace(size=1_000_000).astype("float32")


def test_extrema_and_their_average():
    batches = [np.array([[-1.0, 2.0]]), np.array([[-3.0, 1.0]]), np.array([[0.0, 9.0]])]
    assert MinMax().of(batches) == (-3, 9)
    low, high = MovingAverage(0.75).of(batches)
    assert low == pytest.approx(0.75 * (0.75 * -1 + 0.25 * -3))
    assert high == pytest.approx(0.75 * (0.75 * 2 + 0.25 * 1) + 0.25 * 9)


@pytest.mark.parametrize("q", [90, 99, 99.9])
def test_percentiles_are_numpys(q):
    expected = np.percentile(NORMAL, [100 - q, q])
    np.testing.assert_allclose(Percentile(q).of(np.array_split(NORMAL, 9)), expected, atol=5e-3)


def test_the_hundredth_percentile_is_the_largest_value():
    assert Percentile(100).of([NORMAL]) == pytest.approx(MinMax().of([NORMAL]), abs=1e-6)


@pytest.mark.parametrize("bits", [3, 4, 6, 8])
@pytest.mark.parametrize("name", ["normal", "laplace"])
def test_least_squared_error_is_where_the_closed_form_has_it(name, bits):
    """Banner et al. 2019, equations 5 and 9, with 2^bits - 1 steps."""
    cut = np.linspace(0.5, 15, 20_000)
    if name == "normal":
        tail = np.array([math.erfc(c / math.sqrt(2)) for c in cut])
        clipping = (cut**2 + 1) * tail - cut * math.sqrt(2 / math.pi) * np.exp(-(cut**2) / 2)
        values = NORMAL
    else:
        tail, clipping, values = np.exp(-cut), 2 * np.exp(-cut), LAPLACE
    rounding = (1 - tail) * (2 * cut / (2**bits - 1)) ** 2 / 12
    expected = cut[np.argmin(clipping + rounding)]
    low, high = MSE(bits).of([values])
    tolerance = 0.12 if bits < 8 else 0.5
    assert (-low, high) == pytest.approx((expected, expected), abs=tolerance)


@pytest.mark.parametrize("bits", [4, 8])
def test_no_other_range_of_rectified_values_has_less_error(bits):
    values = np.maximum(LAPLACE[:50_000], 0)

    def error(high):
        step = high / (2**bits - 1)
        return np.mean((np.clip(np.rint(values / step), 0, 2**bits - 1) * step - values) ** 2)

    low, high = MSE(bits).of([values])
    assert low == 0
    others = [error(values.max() * part) for part in np.arange(1, 101) / 100]
    assert error(high) <= 1.03 * min(others)


def test_ends_without_values_stay_at_zero():
    seen = Statistics()
    seen.update(-np.abs(NORMAL[:1000]))
    low, high = least_squared_error(seen.histogram, seen.low, 0.0, 8)
    assert high == 0 and low < -2


def plain_entropy(values, levels):
    """Migacz 2017, slide 38, as it stands there, over whole numbers of bins."""
    edge = 2.0 ** np.ceil(np.log2(values.max()))
    bins = np.histogram(values, 2048, (0, edge))[0].astype(float)
    bins = bins[: np.flatnonzero(bins)[-1] + 1]
    found = []
    for end in range(levels, len(bins) + 1, 8):
        p = bins[:end].copy()
        p[-1] += bins[end:].sum()
        q = np.zeros(end)
        for level in range(levels):
            members = [i for i in range(end) if i * levels // end == level]
            held = [i for i in members if bins[i]]
            for place in held:
                q[place] = bins[members].sum() / len(held)
        used = p > 0
        p, q = p[used] / p.sum(), np.maximum(q[used] / q.sum(), 1e-6)
        found.append((np.sum(p * np.log(p / q)), end))
    return min(found)[1] * edge / 2048


def test_entropy_finds_what_the_plain_algorithm_finds():
    values = np.abs(LAPLACE[:20_000])
    _, high = Entropy().of([values])
    assert high == pytest.approx(plain_entropy(values, 256), rel=0.06)


def test_entropy_cuts_outliers_and_uses_levels_of_both_signs():
    with_outlier = np.append(NORMAL, 100).astype("float32")
    low, high = Entropy().of([with_outlier])
    assert -6 < low < -3 and 3 < high <= 8
    assert Entropy(4).of([NORMAL])[1] < Entropy(8).of([NORMAL])[1]


@pytest.mark.parametrize("name", OBSERVERS)
def test_ranges_hold_zero_and_lie_within_the_values(name):
    observer = observer_named(name)
    for values in (NORMAL + 20, NORMAL - 20, NORMAL, np.full(9, 3.0), np.full(9, -3.0)):
        low, high = observer.of(np.array_split(values, 3))
        assert low <= 0 <= high and low < high
        tolerance = 1e-6 * np.abs(values).max()
        assert low >= min(values.min(), 0) - tolerance
        assert high <= max(values.max(), 0) + tolerance


@pytest.mark.parametrize("name", OBSERVERS)
def test_batches_may_be_observed_apart(name):
    parts = []
    for batch in np.array_split(NORMAL[:60_000], 6):
        parts.append(Statistics())
        parts[-1].update(batch)
    observer = observer_named(name)
    assert observer.range(together(parts)) == observer.of(np.array_split(NORMAL[:60_000], 6))


@pytest.mark.parametrize("name", OBSERVERS)
def test_settings_travel(name):
    observer = observer_named(name)
    assert type(observer).from_config(observer.get_config()) == observer
    for key in observer.get_config():
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(observer, key, 1)


@pytest.mark.parametrize("name", OBSERVERS)
def test_values_that_give_no_range_are_refused(name):
    observer = observer_named(name)
    with pytest.raises(CalibrationError, match="No values"):
        observer.of([])
    with pytest.raises(CalibrationError, match="All 6 values are 0"):
        observer.of([np.zeros((2, 3))])
    with pytest.raises(CalibrationError, match=r"1 of 4 .* nan at \(1, 0\)"):
        observer.of([np.array([[0, 1], [np.nan, 2]])])
    with pytest.raises(CalibrationError, match=r"inf at \(0,\)"):
        observer.of([np.array([-np.inf, 1])])


BAD = {
    "momentum": lambda: MovingAverage(1.0),
    "percentile": lambda: Percentile(0.9999),
    "bits": lambda: MSE(1),
    "entropy bits": lambda: Entropy(2.5),
    "name": lambda: observer_named("mean"),
    "type": lambda: observer_named(0.99),
}


@pytest.mark.parametrize("case", BAD)
def test_settings_out_of_range_are_refused(case):
    with pytest.raises(ArgumentError, match=r"must be|not known|no observer"):
        BAD[case]()


def test_a_rule_of_ones_own_is_taken_as_it_is():
    class Fixed(Observer):
        name = "fixed"

        def limits(self, seen):
            return 1.0, 2.0

    assert observer_named(Fixed()).of([np.ones(3)]) == (0.0, 2.0)
