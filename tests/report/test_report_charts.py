"""The arithmetic of charts: fronts, scales and ticks."""

import numpy as np
import pytest

from tfedge.report.writing.charts.pareto import Point, front
from tfedge.report.writing.charts.svg import linear, log_ticks, logarithmic, round_ticks
from tfedge.report.writing.numbers import (
    lower_is_better,
    milliseconds,
    quantity,
    short_count,
    tail,
    times,
)
from tfedge.report.writing.sections.trials import flat


@pytest.mark.parametrize("lower", [False, True])
def test_the_front_against_all_pairs(lower):
    rng = np.random.default_rng(1)
    values = rng.integers(1, 12, (60, 2))
    points = [Point(int(cost), int(worth), "") for cost, worth in values]
    sign = -1 if lower else 1

    def beaten(one):
        return any(
            other.cost <= one.cost
            and sign * other.worth >= sign * one.worth
            and (other.cost, other.worth) != (one.cost, one.worth)
            for other in points
        )

    best = {(one.cost, one.worth) for one in points if not beaten(one)}
    found = [points[at] for at in front(points, lower)]
    assert {(one.cost, one.worth) for one in found} == best
    assert [one.cost for one in found] == sorted(one.cost for one in found)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.03, 0.04), (-7, 1234), (2, 2.0001), (0, 9e9)])
def test_ticks_are_round_and_inside(low, high):
    ticks = round_ticks(low, high)
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    steps = np.diff(ticks)
    assert np.allclose(steps, steps[0])
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9)
    assert min(abs(mantissa - one) for one in (1, 2, 5)) < 1e-6


@pytest.mark.parametrize(("low", "high"), [(1, 10), (950, 1900), (3, 4), (10, 10_000_000)])
def test_ticks_of_logarithms(low, high):
    ticks = log_ticks(low, high)
    assert ticks == sorted(ticks) and 2 <= len(ticks) <= 10
    assert all(low <= tick <= high for tick in ticks)


def test_scales():
    assert linear(2, 4, 0, 100)(3) == 50
    assert linear(2, 2, 0, 100)(2) == 0
    assert logarithmic(1, 10_000, 0, 8)(100) == pytest.approx(4)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (short_count(999), "999"),
        (short_count(1_234_567), "1.23 M"),
        (short_count(-45_600), "-45.6 k"),
        (short_count(None), "–"),
        (times(123.4), "123"),
        (milliseconds(12.3456), "12.346 ms"),
        (milliseconds(0.0), "0 ms"),
        (quantity("accuracy", 0.5), "50.00 %"),
        (quantity("energy_uj", 1.5), "1.5 µJ"),
        (quantity("accuracy_drop", -0.0227), "−2.27 points"),
        (quantity("ok", True), "True"),
        (quantity("size_bytes", None), "–"),
        (tail("abc", 3), "abc"),
    ],
)
def test_numbers(shown, expected):
    assert shown == expected


def test_what_is_better():
    lower = ("val_loss", "mae", "mse", "accuracy_drop", "calibration_error")
    assert all(lower_is_better(name) for name in lower)
    assert not any(lower_is_better(name) for name in ("accuracy", "auc", "top_5", "sqnr_db"))


def test_trials_are_flattened():
    assert flat({"metrics": {"accuracy": 1, "deep": {"x": 2}}, "accuracy": 3}) == {
        "accuracy": 3,
        "x": 2,
    }
