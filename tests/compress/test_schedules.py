import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tfmot
from tfedge.models.training.schedules import ConstantSparsity, PolynomialDecay


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
    for schedule in (PolynomialDecay(0.1, 0.8, 5, 60, 2, 7), ConstantSparsity(0.3, 1, 9, 2)):
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
    ],
)
def test_impossible_schedules_are_refused(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()
