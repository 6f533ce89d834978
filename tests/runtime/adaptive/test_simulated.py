"""Policies under a load that is known to the last request, on a clock that is not real."""

import numpy as np
import pytest
from simulated_load import Simulation, poisson

from tfedge.adaptive import (
    BatteryLevel,
    CpuLoad,
    LatencyTarget,
    Policy,
    PowerBudget,
    Temperature,
)

TIMES_MS = [1.5, 4.0, 10.0]
CALM, BUSY = 40, 160
RISE = [(20, CALM), (20, BUSY), (20, CALM)]
TARGET_MS = 80.0


def p99_ms(took):
    return 1e3 * np.quantile(took, 0.99)


def test_the_simulated_queue_is_the_one_of_the_textbook():
    rng = np.random.default_rng(1)
    really = lambda rung, samples, now: rng.exponential(10.0)  # noqa: E731
    _, took = Simulation(None, [10.0], really=really).run(poisson([(1500, 50)]))
    # M/M/1, 50 per second, 10 ms each: the time in the system is exponential with mean 20 ms.
    assert np.mean(took) == pytest.approx(0.020, rel=0.05)
    assert np.quantile(took, 0.99) == pytest.approx(0.020 * np.log(100), rel=0.07)


@pytest.mark.parametrize("seed", range(5))
def test_p99_holds_while_the_load_rises_fourfold_and_the_large_model_misses_it(seed):
    arrivals = poisson(RISE, seed)
    simulation = Simulation(LatencyTarget(TARGET_MS), TIMES_MS)
    came, took = simulation.run(arrivals)
    _, fixed = Simulation(None, TIMES_MS[-1:]).run(arrivals)
    assert len(took) == len(fixed) == len(arrivals)
    for begin in (0, 20, 40):
        assert p99_ms(took[(came >= begin) & (came < begin + 20)]) < TARGET_MS
    assert p99_ms(fixed) > 50 * TARGET_MS
    rungs = np.array(simulation.rungs)
    calm = (came < 20) | (came > 45)
    assert np.mean(rungs[calm] == 2) > 0.8
    assert np.mean(rungs[(came > 22) & (came < 40)] == 2) < 0.05
    assert len(simulation.governor.decisions) <= 12


def test_the_best_variant_that_holds_is_used_not_the_fastest():
    simulation = Simulation(LatencyTarget(TARGET_MS), TIMES_MS)
    simulation.run(poisson([(30, 130)]))
    # 130 per second use 52 % of the middle variant, 130 % of the large one.
    assert np.mean(np.array(simulation.rungs) == 1) > 0.9


def test_a_machine_that_becomes_slow_is_noticed():
    slow = lambda rung, samples, now: TIMES_MS[rung] * samples * (3 if now > 20 else 1)  # noqa: E731
    arrivals = poisson([(60, CALM)])
    simulation = Simulation(LatencyTarget(TARGET_MS), TIMES_MS, really=slow)
    came, took = simulation.run(arrivals)
    _, fixed = Simulation(None, TIMES_MS[-1:], really=lambda r, s, now: slow(2, s, now)).run(
        arrivals
    )
    assert p99_ms(took[came > 22]) < TARGET_MS < p99_ms(fixed[came > 22])


def test_steps_up_that_fail_grow_rare():
    lies = lambda rung, samples, now: 60.0 if rung == 1 else 1.0  # noqa: E731
    simulation = Simulation(LatencyTarget(40.0, quantile=0.5), [1.0, 1.0], really=lies)
    simulation.scheduler.costs.learn = lambda *_: None
    simulation.scheduler.window.quantile, simulation.scheduler.window._least = 0.5, 2
    simulation.run(np.arange(0, 120, 0.1))
    ups = [one.time_s for one in simulation.governor.decisions if one.after == "rung 1"]
    gaps = np.diff(ups)
    assert len(ups) < 12
    assert (gaps[1:] > 1.3 * gaps[:-1]).all()


def test_micro_batches_wait_for_each_other_no_longer_than_told():
    arrivals = np.arange(100) * 0.003
    alone = Simulation(None, [0.1], batch=4)
    _, took = alone.run(arrivals)
    assert took.max() == pytest.approx(1e-4)
    together = Simulation(None, [0.1], batch=4, max_delay_s=0.02)
    _, took = together.run(arrivals)
    assert took.max() == pytest.approx(0.009 + 4e-4)
    assert together.scheduler.samples == [100]
    hasty = Simulation(None, [0.1], batch=100, max_delay_s=0.02)
    _, took = hasty.run(arrivals)
    assert took.max() == pytest.approx(0.02 + 7e-4)


def thermal(time):
    """Degrees that rise from 50 to 90 within 40 seconds and fall again."""
    return {"temperature_c": 90 - abs(time - 40)}


@pytest.mark.parametrize(
    ("policy", "readings", "low_between"),
    [
        (Temperature(high=75.0, low=65.0, dwell_s=5.0), thermal, (32, 60)),
        (CpuLoad(), lambda time: {"cpu_load": 0.9 if 20 < time < 50 else 0.2}, (24, 49)),
        (BatteryLevel(dwell_s=3.0), lambda time: {"battery": abs(time - 40) / 40}, (40, 50)),
        (PowerBudget(3.0), lambda time: {"power_w": 4.0 if 20 < time < 50 else 1.0}, (26, 49)),
    ],
)
def test_limits_of_the_device_are_followed_down_and_up_again(policy, readings, low_between):
    simulation = Simulation(policy, TIMES_MS, readings=readings)
    came, _ = simulation.run(np.arange(0, 80, 0.05))
    rungs, (begin, end) = np.array(simulation.rungs), low_between
    assert (rungs[(came > begin) & (came < end)] == 0).all()
    assert rungs[0] == rungs[-1] == 2
    assert len(simulation.governor.decisions) == 4


def test_power_is_estimated_from_energy_where_no_meter_is():
    energy = [1_000.0, 10_000.0, 40_000.0]
    simulation = Simulation(PowerBudget(1.0), TIMES_MS, energy_uj=energy)
    came, _ = simulation.run(poisson([(30, 10), (30, 70), (30, 10)]))
    rungs = np.array(simulation.rungs)
    spent = np.array(energy)[rungs] / 1e6
    # 10 per second draw 0.4 W with the best; 70 draw 2.8 W, and 0.7 W with the middle one.
    assert np.mean(rungs[came < 30] == 2) > 0.95
    assert np.mean(rungs[(came > 32) & (came < 60)] == 1) > 0.9
    assert rungs[-1] == 2
    assert spent[(came > 32) & (came < 60)].sum() / 28 < 1.0


def test_the_most_cautious_of_several_decides_and_is_named():
    readings = lambda time: {"cpu_load": 0.99, "temperature_c": 40.0}  # noqa: E731
    simulation = Simulation([Temperature(), CpuLoad()], TIMES_MS, readings=readings)
    simulation.run(np.arange(0, 5, 0.1))
    reasons = [one.reason for one in simulation.governor.decisions]
    assert reasons == ["CpuLoad: cpu_load 0.99"] * 2


def test_a_policy_that_fails_harms_no_request(caplog):
    class Broken(Policy):
        def wanted(self, signals, rung):
            raise KeyError("no such thing")

    simulation = Simulation(Broken(), TIMES_MS)
    _, took = simulation.run(np.arange(0, 5, 0.1))
    assert len(took) == 50
    assert set(simulation.rungs) == {2}
    assert len(caplog.records) == 1
    assert "KeyError: 'no such thing'" in caplog.text
