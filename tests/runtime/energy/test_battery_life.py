import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.runtime.energy.battery_life import battery_hours
from tfedge.runtime.energy.record import EnergyRecord

MEASURED = EnergyRecord(
    "cnn", "measured", 20_000.0, 19_000.0, 21_000.0, "rapl", 0.5, 2.5, 10.0, 900, "litert", 1
)


def test_hours_by_hand():
    life = MEASURED.battery_life(10.0, inferences_per_s=25)
    assert life.average_w == pytest.approx(0.5 + 25 * 0.02)
    assert life.hours == pytest.approx(10.0)
    assert (life.duty, life.idle_w, life.method) == (0.25, 0.5, "measured")
    assert "10 hours (0.4 days) from 10 Wh at 1 W: 500 mW idle" in repr(life)
    assert life.formula in repr(life)


def test_duty_is_the_part_of_the_time_in_which_it_works():
    whole = MEASURED.battery_life(10.0, duty=1.0)
    assert whole.average_w == pytest.approx(2.5), "as measured at work"
    assert MEASURED.battery_life(10.0, duty=0.25).hours == pytest.approx(10.0)
    slower = MEASURED.battery_life(10.0, duty=0.25, latency_ms=20.0, idle_w=0.0)
    assert slower.inferences_per_s == pytest.approx(12.5)
    assert slower.hours == pytest.approx(40.0)


def test_numbers_of_numpy_are_numbers():
    assert MEASURED.battery_life(np.float32(10), inferences_per_s=np.int64(25)).hours == 10.0


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), None, "3", True])
def test_a_battery_holds_something(value):
    with pytest.raises(ArgumentError, match=r"capacity_wh=.* must be a number above 0: an empty"):
        MEASURED.battery_life(value, inferences_per_s=1)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "give one of them"),
        ({"inferences_per_s": 1, "duty": 0.5}, "give one of them"),
        ({"inferences_per_s": 0}, "inferences_per_s=0 must be"),
        ({"duty": 0}, "duty=0 must be"),
        ({"duty": 1.5}, r"duty=1.5 must be a number in \[0, 1\]"),
        ({"inferences_per_s": 101}, "inferences_per_s=101 of 10 ms each do not fit.* 100 do"),
        ({"inferences_per_s": 1, "idle_w": -1}, "idle_w=-1"),
        ({"inferences_per_s": 1, "idle_w": float("nan")}, "idle_w=nan"),
        ({"duty": 0.5, "latency_ms": 0}, "latency_ms=0"),
    ],
)
def test_figures_that_cannot_be(settings, says):
    with pytest.raises(ArgumentError, match=says):
        MEASURED.battery_life(10.0, **settings)


def test_an_estimate_knows_neither_idle_power_nor_time():
    estimate = EnergyRecord("cnn", "estimated", 50.0, 40.0, 60.0)
    with pytest.raises(ArgumentError, match="idle_w=None: an estimate knows nothing of"):
        estimate.battery_life(1.0, inferences_per_s=1)
    with pytest.raises(ArgumentError, match=r"duty=0.1 needs the time.*tfedge\.benchmark"):
        estimate.battery_life(1.0, duty=0.1, idle_w=0.001)
    life = estimate.battery_life(1.0, inferences_per_s=100, idle_w=0.0)
    assert (life.hours, life.duty, life.method) == (pytest.approx(200.0), None, "estimated")


def test_energy_that_was_lost_in_noise_gives_no_hours():
    with pytest.raises(ArgumentError, match=r"energy_uj=-1.0 must be"):
        battery_hours(1.0, energy_uj=-1.0, inferences_per_s=1)


def test_long_lives_are_told_in_years():
    assert "(1.1 years)" in repr(battery_hours(1.0, energy_uj=1e5, inferences_per_s=1e-3))
