import json

import numpy as np
import pytest

from tfedge.compress.distillation.report import report
from tfedge.core.errors import DataError, ModelError


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 200)
    return np.eye(4, dtype="float32")[y], y


def wrong_on(*classes):
    """A classifier that takes some classes for the next one."""

    def predict(x):
        found = x.argmax(1)
        found = np.where(np.isin(found, classes), (found + 1) % 4, found)
        return 5 * np.eye(4)[found]

    return predict


def test_figures(data):
    x, y = data
    counts = np.bincount(y, minlength=4)
    found = report(wrong_on(3), wrong_on(1, 2, 3), wrong_on(2, 3), x, y)
    teacher, alone, distilled = found.models
    assert found.samples == tuple(counts)
    assert teacher.accuracy == pytest.approx(1 - counts[3] / 200)
    assert distilled.by_class == (1.0, 1.0, 0.0, 0.0)
    assert alone.agreement == pytest.approx(1 - (counts[1] + counts[2]) / 200)
    assert found.gap_recovered == pytest.approx(counts[1] / (counts[1] + counts[2]))
    sure = np.exp(5) / (np.exp(5) + 3)
    assert distilled.calibration_error == pytest.approx(abs(distilled.accuracy - sure), abs=1e-6)
    assert "class 1 gained most, +100.00%" in repr(found)
    assert json.loads(found.to_json())["gap_recovered"] == pytest.approx(found.gap_recovered)
    assert found.table()[1]["distilled"] == 1.0


def test_one_pass_is_enough_for_shuffled_data_and_generators(data):
    tf = pytest.importorskip("tensorflow")
    x, y = data
    order = np.random.default_rng(1)

    def shuffled():
        places = order.permutation(200)
        for part in np.array_split(places, 9):
            yield x[part], y[part]

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(200).batch(32)
    models = wrong_on(3), wrong_on(1, 2, 3), wrong_on(2, 3)
    wanted = report(*models, x, y)
    for form in (dataset, shuffled()):
        found = report(*models, form)
        for one, other in zip(found.models, wanted.models, strict=True):
            assert one.agreement == other.agreement
            assert one.calibration_error == pytest.approx(other.calibration_error)


def test_single_logits_are_classes_by_their_sign():
    x = np.float32([[-2.0], [-1.0], [0.2], [3.0]])
    found = report(lambda x: x, lambda x: -x, lambda x: x + 0.5, x, np.array([0, 0, 1, 1]))
    assert [model.accuracy for model in found.models] == [1.0, 0.0, 1.0]
    assert found.models[0].by_class == (1.0, 1.0)


def test_a_teacher_that_is_not_better_has_no_gap(data):
    found = report(wrong_on(1), wrong_on(1), wrong_on(), *data)
    assert found.gap_recovered is None and "gap" not in repr(found)


def test_a_class_without_samples_has_no_accuracy(data):
    x, y = data
    found = report(wrong_on(), wrong_on(1), wrong_on(), x[y != 2], y[y != 2])
    assert found.models[0].by_class == (1.0, 1.0, None, 1.0) and found.samples[2] == 0
    assert json.loads(found.to_json())["models"][1]["by_class"] == [1.0, 0.0, None, 1.0]
    assert len(found.plot().patches) == 12


def test_the_picture_shows_every_class(data):
    pytest.importorskip("matplotlib")
    axes = report(wrong_on(3), wrong_on(1, 2, 3), wrong_on(2, 3), *data).plot()
    assert len(axes.patches) == 12 and "recovered" in axes.get_title()


def test_bad_data_are_refused(data):
    x, y = data
    same = [wrong_on()] * 3
    with pytest.raises(DataError, match="needs labels"):
        report(*same, x)
    with pytest.raises(DataError, match="sample"):
        report(*same, x[:0], y[:0])
    with pytest.raises(ModelError, match="about one classifier"):
        report(lambda x: {"a": x, "b": x}, *same[:2], x, y)
