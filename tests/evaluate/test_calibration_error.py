import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.evaluate.calibration import CalibrationError, probabilities
from tfedge.evaluate.evaluator import evaluate


def expected(p, right, bins):
    """Guo et al., equation 3, bin by bin."""
    total = 0.0
    for b in range(bins):
        inside = (p > b / bins) & (p <= (b + 1) / bins)
        if inside.any():
            total += inside.sum() / len(p) * abs(right[inside].mean() - p[inside].mean())
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_several_classes(bins):
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(5), 400), rng.integers(0, 5, 400)
    metric = CalibrationError(bins=bins)
    for part in np.array_split(np.arange(400), 3):
        metric.update(y[part], p[part], None)
    assert metric.result() == pytest.approx(expected(p.max(1), p.argmax(1) == y, bins))


def test_logits_and_single_outputs():
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=300) * 3, rng.integers(0, 2, 300)
    p = 1 / (1 + np.exp(-z))
    wanted = expected(np.maximum(p, 1 - p), (p > 0.5) == y, 15)
    for outputs in (p, z, z[:, None], np.stack([0 * z, z], 1)):
        metric = CalibrationError()
        metric.update(y, outputs, None)
        assert metric.result() == pytest.approx(wanted)


def test_weights_count_like_copies():
    p, y = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]), np.array([0, 0, 1])
    weight = np.array([1, 2, 3])
    weighted, copied = CalibrationError(), CalibrationError()
    weighted.update(y, p, weight)
    copied.update(np.repeat(y, weight), np.repeat(p, weight, axis=0), None)
    assert weighted.result() == pytest.approx(copied.result())


def test_integer_probabilities_are_taken_as_they_are():
    codes = np.array([[0.5, 0.49609375], [0.0, 0.99609375]])
    np.testing.assert_array_equal(probabilities(codes), codes)


def test_by_name_and_bad_bins():
    x = np.array([[0.9, 0.1], [0.1, 0.9]], "float32")
    found = evaluate(lambda x: x, x, np.array([0, 0]), metrics="calibration_error", verbose=0)
    assert found.calibration_error == pytest.approx(0.4, abs=1e-6)
    with pytest.raises(ArgumentError, match="bins=0"):
        CalibrationError(bins=0)
