"""How much worse a file is: against closed forms, a paper's table and simulation."""

import numpy as np
import pytest

from tfedge.core.data import Batch
from tfedge.errors import DataError
from tfedge.pipeline.drop import Yardstick, paired_interval


def identity(x):
    return x


def said(outputs):
    """A model of sample numbers, with these outputs."""
    return lambda x: outputs[x[:, 0]]


def numbers(count):
    return np.arange(count)[:, None]


@pytest.mark.parametrize(
    ("table", "expected"),
    [((36, 12, 2, 0), (0.2, 0.0569, 0.3404)), ((0, 0, 0, 10), (0.0, -0.2775, 0.2775))],
)
def test_interval_is_newcombes(table, expected):
    """The first is the example of Newcombe (1998), page 2646; the second follows from Wilson's."""
    if not table[0]:
        z2 = 1.959964**2
        expected = (0.0, *(sign * z2 / (10 + z2) for sign in (-1, 1)))
    assert paired_interval(*table) == pytest.approx(expected, abs=1e-4)


def test_intervals_hold_the_true_difference_nineteen_times_in_twenty():
    generator = np.random.default_rng(0)
    shares, true = (0.85, 0.05, 0.02, 0.08), 0.05 - 0.02
    tables = generator.multinomial(200, shares, 2000)
    intervals = [paired_interval(*map(int, row)) for row in tables]
    held = np.mean([low <= true <= high for _, low, high in intervals])
    assert 0.93 <= held <= 0.98


def test_classes_are_told_by_the_highest_output():
    generator = np.random.default_rng(1)
    outputs = generator.random((100, 3))
    labels = outputs.argmax(1)
    worse = outputs.copy()
    worse[:10] = -worse[:10]
    lost = (worse[:10].argmax(1) != labels[:10]).sum()
    assert lost
    drop = Yardstick(said(outputs), Batch(numbers(100), labels)).drop(said(worse))
    assert (drop.metric, drop.original, drop.samples) == ("accuracy", 1.0, 100)
    assert drop.drop == pytest.approx(lost / 100)
    assert drop.low < drop.drop < drop.high


def test_one_hot_labels_are_labels():
    outputs = np.eye(3)[[0, 1, 2, 1]]
    drop = Yardstick(identity, Batch(outputs, outputs)).drop(lambda x: x[::-1])
    assert drop.original == 1.0
    assert drop.value == np.mean(outputs.argmax(1) == outputs[::-1].argmax(1))


def test_single_outputs_decide_at_a_half_or_at_zero():
    labels = np.array([0, 0, 1, 1])
    chances = np.array([[0.1], [0.4], [0.6], [0.9]])
    logits = np.array([[-2.0], [-1.0], [0.2], [3.0]])
    for outputs in (chances, logits):
        assert Yardstick(identity, Batch(outputs, labels)).original == 1.0


def test_real_values_are_judged_by_the_rise_of_the_squared_error():
    generator = np.random.default_rng(2)
    targets = generator.normal(size=(500, 2)) * 10
    noise = generator.normal(size=targets.shape)
    yardstick = Yardstick(said(targets + noise), Batch(numbers(500), targets))
    drop = yardstick.drop(said(targets + 1.1 * noise))
    assert drop.metric == "mse"
    assert drop.original == pytest.approx(np.mean(noise**2))
    assert drop.drop == pytest.approx(0.21)
    assert drop.low == pytest.approx(0.21) and drop.high == pytest.approx(0.21)
    other = yardstick.drop(said(targets + generator.normal(size=targets.shape)))
    assert other.low < 0 < other.high


def test_what_cannot_be_judged_is_said():
    with pytest.raises(DataError, match="val brings none"):
        Yardstick(identity, Batch(np.zeros((4, 2))))
    x = np.array([[0.5], [2.5]])
    with pytest.raises(DataError, match="no error at all"):
        Yardstick(identity, Batch(x, x)).drop(identity)
    with pytest.raises(DataError, match="models of one output"):
        Yardstick(lambda x: {"a": x, "b": x}, Batch(x, x))
