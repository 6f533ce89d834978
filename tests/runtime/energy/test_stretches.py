"""Stretches by a clock that only moves when something waits or works."""

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, MeterError
from tfedge.runtime.energy.meters import Meter
from tfedge.runtime.energy.stretches import (
    ROUNDS,
    Clock,
    Stretch,
    net_energy,
    stretch_seconds,
    watch,
)


class Bench:
    """A device that draws ``idle_w``, and ``run_j`` more for each run of a hundredth second."""

    def __init__(self, idle_w=lambda now: 2.0, run_j=lambda now: 0.03):
        self.now = self.joules = 0.0
        self._idle_w, self._run_j = idle_w, run_j
        self.clock = Clock(lambda: self.now, self.sleep)
        self.meter = Meter(lambda: self.joules, "joules", name="bench", interval_s=0.05)

    def sleep(self, seconds):
        self.joules += seconds * self._idle_w(self.now + seconds / 2)
        self.now += seconds

    def work(self, seconds):
        runs = round(seconds / 0.01)
        for _ in range(runs):
            self.joules += self._run_j(self.now)
            self.sleep(0.01)
        return runs

    def watch(self, **options):
        return watch(self.meter, self.work, 0.5, lambda _: None, self.clock, **options)


def test_idle_power_is_subtracted():
    found = Bench().watch()
    assert found.joules == pytest.approx(0.03)
    assert (found.low, found.high) == (pytest.approx(0.03), pytest.approx(0.03))
    assert (found.idle_w, found.busy_w) == (pytest.approx(2.0), pytest.approx(5.0))
    assert (found.runs, found.seconds) == (50 * ROUNDS, pytest.approx(0.01))


def test_idle_power_that_drifts_is_that_of_the_moment():
    found = Bench(idle_w=lambda now: 2.0 + 0.1 * now).watch()
    assert found.joules == pytest.approx(0.03, rel=1e-6)


def test_the_interval_holds_the_median_of_the_stretches():
    rng = np.random.default_rng(0)
    each = rng.normal(0.05, 0.01, ROUNDS)
    rest = [Stretch(2.0, 1.0, 0)] * (ROUNDS + 1)
    found = net_energy(rest, [Stretch(2.0 + 10 * joules, 1.0, 10) for joules in each])
    ordered = np.sort(each)
    assert found.joules == pytest.approx(np.median(each))
    assert (found.low, found.high) == (pytest.approx(ordered[1]), pytest.approx(ordered[-2]))


def test_one_busy_stretch_of_something_else_does_not_count():
    rest = [Stretch(2.0, 1.0, 0)] * (ROUNDS + 1)
    busy = [Stretch(5.0, 1.0, 100)] * (ROUNDS - 1) + [Stretch(50.0, 1.0, 100)]
    assert net_energy(rest, busy).joules == pytest.approx(0.03)


def test_each_stretch_begins_after_one_interval_of_its_own_kind():
    bench, asked = Bench(), []
    work, sleep = bench.work, bench.sleep

    def noted(seconds):
        asked.append(("work", seconds))
        return work(seconds)

    clock = Clock(lambda: bench.now, lambda s: (asked.append(("rest", s)), sleep(s)))
    watch(bench.meter, noted, 0.5, lambda _: None, clock)
    pair = [("work", 0.05), ("work", 0.5), ("rest", 0.05), ("rest", 0.5)]
    assert asked == [("rest", 0.05), ("rest", 0.5), *(pair * ROUNDS)]


def test_a_counter_that_goes_backward_is_refused():
    values = iter([5.0, 4.0])
    meter = Meter(lambda: next(values), "joules", name="odd")
    clock = Clock(lambda: 0.0, lambda _: None)
    with pytest.raises(MeterError, match="'odd' went backward, from 5 to 4 joules"):
        watch(meter, lambda _: 1, 0.5, lambda _: None, clock)


def test_watts_are_sampled_while_the_work_goes_on():
    state = {"watts": 2.0}

    def work(seconds):
        state["watts"] = 5.0
        end.sleep(seconds)
        return 10

    def rest(seconds):
        state["watts"] = 2.0
        end.sleep(seconds)

    end, meter = Clock(), Meter(lambda: state["watts"], "watts", interval_s=0.001)
    found = watch(meter, work, 0.05, lambda _: None, Clock(end.now, rest))
    assert found.idle_w == pytest.approx(2.0, rel=0.2)
    assert found.busy_w == pytest.approx(5.0, rel=0.2)
    assert found.joules == pytest.approx(3.0 * found.seconds, rel=0.4)


@pytest.mark.parametrize(
    ("values", "says"), [([1.0, float("nan")], "reads nan"), ([1.0, -1.0], "flows backward")]
)
def test_a_sensor_that_fails_meanwhile_is_heard(values, says):
    left = iter(values)
    meter = Meter(lambda: next(left), "watts", interval_s=0.001)
    with pytest.raises(MeterError, match=says):
        watch(meter, lambda _: 1, 0.1, lambda _: None)


def test_a_sensor_that_was_never_read_in_a_stretch():
    meter = Meter(float, "watts", name="slow", interval_s=60.0)
    with pytest.raises(MeterError, match="'slow' could not be read within a stretch"):
        watch(meter, lambda _: 1, 0.0, lambda _: None, Clock(lambda: 0.0, lambda _: None))


def test_the_time_must_suit_the_meter():
    slow = Meter(float, "watts", name="gauge", interval_s=2.0)
    assert stretch_seconds(slow, None) == 10.0
    assert stretch_seconds(slow, 19 * 22.0) == pytest.approx(20.0)
    assert stretch_seconds(Meter(float, "joules", interval_s=0.001), None) == 0.25
    with pytest.raises(ArgumentError, match=r"too short for meter 'gauge'.*Give seconds=228"):
        stretch_seconds(slow, 60.0)
    assert stretch_seconds(slow, 228) == pytest.approx(10.0)
