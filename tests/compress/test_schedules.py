import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tfmot
from tfedge.models.training.lottery import LotteryTicket
from tfedge.models.training.ramps import CosineSparsity, OneShot
from tfedge.models.training.schedule_plot import plot_schedule
from tfedge.models.training.schedules import (
    ConstantSparsity,
    PolynomialDecay,
    final_sparsity,
    scaled,
)


@pytest.mark.parametrize(
    ("initial", "final", "begin", "end", "power"), [(0.0, 0.8, 0, 200, 3), (0.2, 0.9, 50, 90, 1)]
)
def test_polynomial_decay_is_the_papers_formula(initial, final, begin, end, power):
    schedule = PolynomialDecay(initial, final, begin, end, power=power)
    steps = np.arange(0, end + 50, 7)
    progress = np.clip((steps - begin) / (end - begin), 0, 1)
    expected = final + (initial - final) * (1 - progress) ** power
    found = [float(schedule(int(step))[1]) for step in steps]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("end", [250, 40, 200])
def test_masks_are_updated_at_both_ends_and_by_frequency(end):
    schedule = PolynomialDecay(0.0, 0.5, 0, end, frequency=100)
    turns = [step for step in range(1, end + 150) if bool(schedule(step)[0])]
    assert turns == sorted({1, end, *range(100, end + 1, 100)})


def test_constant_sparsity_begins_when_told():
    schedule = ConstantSparsity(0.5, begin_step=5, end_step=25, frequency=10)
    assert [step for step in range(1, 60) if bool(schedule(step)[0])] == [5, 15, 25]
    assert float(schedule(7)[1]) == 0.5


def test_schedules_are_tfmots_own_and_round_trip():
    for schedule in (
        PolynomialDecay(0.1, 0.8, 5, 60, 2, 7),
        ConstantSparsity(0.3, 1, 9, 2),
        OneShot(0.4, 6),
        CosineSparsity(0.1, 0.8, 5, 60, 7),
        LotteryTicket(0.8, 3, 50, 7),
    ):
        assert isinstance(schedule, tfmot().sparsity.keras.PruningSchedule)
        again = type(schedule).from_config(schedule.get_config()["config"])
        assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PolynomialDecay(0.0, 1.0, 0, 10), r"final_sparsity=1.0 .*\[0, 1\)"),
        (lambda: PolynomialDecay(-0.1, 0.5, 0, 10), "initial_sparsity=-0.1"),
        (lambda: PolynomialDecay(0.0, 0.5, 10, 10), "must come after begin_step=10"),
        (lambda: PolynomialDecay(0.0, 0.5, 10, 5), "ends before it begins"),
        (lambda: PolynomialDecay(0.0, 0.5, -1, 5), "begin_step=-1"),
        (lambda: PolynomialDecay(0.0, 0.5, 0, -1), "end_step=-1"),
        (lambda: PolynomialDecay(0.0, 0.5, 0, 10, frequency=0), "frequency=0"),
        (lambda: PolynomialDecay(0.0, 0.5, 0, 10.5), "end_step=10.5"),
        (lambda: PolynomialDecay(0.0, 0.5, 0, 10, power=0), "power=0"),
        (lambda: ConstantSparsity(1.5, 0), "target_sparsity=1.5"),
        (lambda: ConstantSparsity("half", 0), "target_sparsity='half'"),
        (lambda: ConstantSparsity(float("nan"), 0), "target_sparsity=nan"),
        (lambda: ConstantSparsity(0.5, 10, 3), "ends before it begins"),
        (lambda: OneShot(1.0), "target_sparsity=1.0"),
        (lambda: OneShot(0.5, -1), "step=-1"),
        (lambda: CosineSparsity(0.0, -0.5, 0, 10), "final_sparsity=-0.5"),
        (lambda: CosineSparsity(0.0, 0.5, 10, 5), "ends before it begins"),
        (lambda: LotteryTicket(1.0, 3, 10), "final_sparsity=1.0"),
        (lambda: LotteryTicket(0.5, 0, 10), "rounds=0"),
        (lambda: LotteryTicket(0.5, 3, 0), "round_steps=0"),
        (lambda: LotteryTicket(0.5, 3, 10, 10), "rewind_step=10 must lie in the first round"),
    ],
)
def test_impossible_schedules_are_refused(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()


@pytest.mark.parametrize(
    ("initial", "final", "begin", "end"), [(0.0, 0.8, 0, 200), (0.2, 0.9, 50, 90)]
)
def test_cosine_is_half_a_wave(initial, final, begin, end):
    schedule = CosineSparsity(initial, final, begin, end, frequency=30)
    steps = np.arange(0, end + 50, 7)
    progress = np.clip((steps - begin) / (end - begin), 0, 1)
    expected = (initial + final) / 2 + (initial - final) / 2 * np.cos(np.pi * progress)
    found = [float(schedule(int(step))[1]) for step in steps]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    turns = [step for step in range(1, end + 50) if bool(schedule(step)[0])]
    assert turns == sorted({max(begin, 1), end, *range(begin or 30, end + 1, 30)})


@pytest.mark.parametrize(("step", "turn"), [(0, 1), (1, 1), (7, 7)])
def test_one_shot_is_once(step, turn):
    schedule = OneShot(0.8, step)
    assert [k for k in range(1, 50) if bool(schedule(k)[0])] == [turn]
    assert float(schedule(turn)[1]) == pytest.approx(0.8)


def test_lottery_prunes_the_same_share_of_what_is_left():
    schedule = LotteryTicket(0.488, rounds=3, round_steps=40)
    turns = [k for k in range(1, 200) if bool(schedule(k)[0])]
    assert turns == [40, 80, 120] and schedule.total_steps == 160
    left = 1.0
    for step in turns:
        left *= 0.8
        assert float(schedule(step)[1]) == pytest.approx(1 - left, abs=1e-5)
        assert float(schedule(step + 39)[1]) == pytest.approx(1 - left, abs=1e-5)


def test_schedules_are_scaled_to_another_end():
    theirs = tfmot().sparsity.keras
    for schedule in (
        PolynomialDecay(0.3, 0.8, 5, 60),
        ConstantSparsity(0.3, 1),
        OneShot(0.4, 6),
        CosineSparsity(0.1, 0.8, 5, 60),
        LotteryTicket(0.8, 3, 50),
        theirs.PolynomialDecay(0.0, 0.8, 0, 100),
    ):
        half = scaled(schedule, 0.25)
        assert type(half) is type(schedule)
        assert final_sparsity(half) == pytest.approx(0.25, abs=1e-6)
        assert bool(half(60)[0]) == bool(schedule(60)[0])
    with pytest.raises(ArgumentError, match=r"sparsity=1.*\[0, 1\)"):
        scaled(OneShot(0.5), 1)

    class Own(theirs.PruningSchedule):
        def __call__(self, step):
            return True, 0.5

        def get_config(self):
            return {"class_name": "Own", "config": {}}

    with pytest.raises(ArgumentError, match="Own has no setting for the sparsity"):
        scaled(Own(), 0.5)


def test_any_schedule_is_drawn():
    schedule = PolynomialDecay(0.0, 0.8, 0, 40, frequency=10)
    axes = schedule.plot(60)
    line, points, stairs = axes.lines
    expected = [0.8 - 0.8 * (1 - min(k, 40) / 40) ** 3 for k in range(1, 61)]
    np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-6)
    np.testing.assert_array_equal(points.get_xdata(), [1, 10, 20, 30, 40])
    assert stairs.get_xdata()[-1] == 60 and stairs.get_ydata()[-1] == pytest.approx(0.8)
    for one in (LotteryTicket(0.8, 3, 20), OneShot(0.5), CosineSparsity(0, 0.8, 0, 50, 10)):
        assert len(one.plot().lines) == 3
    raw = tfmot().sparsity.keras.ConstantSparsity(0.5, 5, frequency=10)
    assert plot_schedule(raw, axes=axes) is axes
    assert len(axes.lines) == 6
    assert len(OneShot(0.5, 100).plot(20).lines[1].get_xdata()) == 0
    with pytest.raises(ArgumentError, match="steps=-3"):
        schedule.plot(-3)
