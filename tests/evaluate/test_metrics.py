import numpy as np
import pytest
import sklearn.metrics as reference

from tfedge.core.errors import ArgumentError, DataError
from tfedge.evaluate.classification import AUC, Accuracy, TopK
from tfedge.evaluate.metrics import make_metric, make_metrics

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 6, 400)
SCORES = RNG.random((400, 6)) + 0.8 * np.eye(6)[Y] * RNG.random((400, 1))
CODES = np.round(SCORES * 8) / 8
WEIGHTS = RNG.random(400)
BINARY = RNG.integers(0, 2, 300)
CHANCE = np.clip(RNG.random(300) * 0.6 + 0.3 * BINARY, 0, 1)
REAL = RNG.normal(size=(200, 3))
NEAR = REAL + RNG.normal(size=(200, 3))


def value(metric, y, prediction, weight=None, parts=3):
    """Return a metric over several batches."""
    made = make_metric(metric)
    for index in np.array_split(np.arange(len(prediction)), parts):
        made.update(y[index], prediction[index], None if weight is None else weight[index])
    return made.result()


@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("labels", [Y, Y[:, None], np.eye(6)[Y], Y.astype("float32")])
def test_accuracy(labels, weight):
    expected = reference.accuracy_score(Y, SCORES.argmax(1), sample_weight=weight)
    assert value("accuracy", labels, SCORES, weight) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k(k):
    expected = reference.top_k_accuracy_score(Y, SCORES, k=k)
    assert value(f"top_{k}", Y, SCORES) == pytest.approx(expected)


def test_ties_go_to_the_lower_class_so_that_top_1_is_accuracy():
    assert len(np.unique(CODES)) < 20
    assert value("top_1", Y, CODES) == value("accuracy", Y, CODES)
    tied = np.zeros((3, 4))
    assert value("top_2", np.array([0, 1, 2]), tied) == pytest.approx(2 / 3)


def test_confusion_matrix():
    expected = reference.confusion_matrix(Y, SCORES.argmax(1))
    np.testing.assert_array_equal(value("confusion_matrix", Y, SCORES), expected)
    expected = reference.confusion_matrix(BINARY, CHANCE > 0.5)
    np.testing.assert_array_equal(value("confusion_matrix", BINARY, CHANCE[:, None]), expected)


@pytest.mark.parametrize("weight", [None, WEIGHTS[:300]])
@pytest.mark.parametrize("scores", [CHANCE, np.round(CHANCE, 1)])
def test_area_under_the_curve_of_two_classes(scores, weight):
    expected = reference.roc_auc_score(BINARY, scores, sample_weight=weight)
    assert value("auc", BINARY, scores, weight) == pytest.approx(expected)
    assert value("auc", BINARY, scores[:, None], weight) == pytest.approx(expected)
    both = np.stack([1 - scores, scores], axis=1)
    assert value("AUC", BINARY, both, weight) == pytest.approx(expected)


@pytest.mark.parametrize("scores", [SCORES, CODES])
def test_area_under_the_curve_of_each_class_against_the_rest(scores):
    expected = np.mean([reference.roc_auc_score(k == Y, scores[:, k]) for k in range(6)])
    assert value("auc", Y, scores) == pytest.approx(expected)
    shares = scores / scores.sum(1, keepdims=True)
    expected = reference.roc_auc_score(Y, shares, multi_class="ovr", average="macro")
    assert value("auc", Y, shares) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["mse", "mean_squared_error", "MeanSquaredError"])
def test_mean_squared_error(name):
    assert value(name, REAL, NEAR) == pytest.approx(reference.mean_squared_error(REAL, NEAR))


@pytest.mark.parametrize("weight", [None, WEIGHTS[:200]])
def test_mean_absolute_error(weight):
    expected = reference.mean_absolute_error(REAL, NEAR, sample_weight=weight)
    assert value("mae", REAL, NEAR, weight) == pytest.approx(expected)


def test_targets_without_their_last_axis_are_not_broadcast():
    expected = reference.mean_squared_error(REAL[:, 0], NEAR[:, 0])
    assert value("mse", REAL[:, 0], NEAR[:, :1]) == pytest.approx(expected)
    assert value("mse", REAL[:, :1], NEAR[:, 0]) == pytest.approx(expected)
    with pytest.raises(DataError, match="do not fit"):
        value("mse", REAL[:, 0], NEAR)


def test_binary_accuracy_and_its_threshold():
    expected = reference.accuracy_score(BINARY, CHANCE > 0.5)
    assert value("binary_accuracy", BINARY, CHANCE) == pytest.approx(expected)
    logits = np.log(CHANCE / (1 - CHANCE + 1e-9) + 1e-9)
    assert value(Accuracy(threshold=0.0), BINARY, logits) == pytest.approx(expected, abs=0.01)


def test_pixels_are_decisions_too():
    labels = RNG.integers(0, 3, (5, 4, 4))
    scores = RNG.random((5, 4, 4, 3))
    expected = np.mean(scores.argmax(-1) == labels)
    assert value("accuracy", labels, scores, parts=2) == pytest.approx(expected)
    assert value("accuracy", labels[..., None], scores, parts=2) == pytest.approx(expected)


def test_functions_see_all_samples_at_once():
    def share_of_ones(y_true, y_pred):
        assert len(y_true) == len(y_pred) == 400
        return np.mean(y_true == 1)

    made = make_metric(share_of_ones)
    assert made.name == "share_of_ones"
    assert value(share_of_ones, Y, SCORES) == pytest.approx(np.mean(Y == 1))
    assert value(lambda y, p: np.arange(400.0), Y, SCORES) == pytest.approx(199.5)


class Counter:
    """What this library asks of a Keras metric."""

    name = "counter"

    def __init__(self):
        self.total = 99

    def reset_state(self):
        self.total = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total += len(y_pred)

    def result(self):
        return np.float32(self.total)


def test_keras_metrics_are_known_by_what_they_can_do():
    assert value(Counter(), Y, SCORES) == 400


@pytest.mark.parametrize(
    "name",
    ["accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "top_5", "top5",
     "sparse_top_k_categorical_accuracy", "SparseCategoricalAccuracy", "auc", "AUC", "mae"],
)  # fmt: skip
def test_names_keep_what_the_user_wrote(name):
    assert make_metric(name).name == name


@pytest.mark.parametrize(
    ("y", "prediction", "message"),
    [
        (np.array([0, 6]), SCORES[:2], "Label 6 of sample 1 is not a class number from 0 to 5"),
        (np.array([0, -1]), SCORES[:2], "Label -1 of sample 1"),
        (np.array([0.5, 1]), SCORES[:2], "Label 0.5 of sample 0 is not a class number"),
        (np.array([np.nan, 1]), SCORES[:2], "Label nan"),
        (np.array([[0, 1, 2]] * 2), SCORES[:2], "do not fit"),
        (np.zeros((2, 5)), SCORES[:2], "do not fit"),
        (np.array(["a", "b"]), SCORES[:2], "dtype <U1"),
        (np.array([0, 2]), CHANCE[:2], "from 0 to 1"),
    ],
)
@pytest.mark.parametrize("metric", ["accuracy", "top_2", "auc", "confusion_matrix"])
def test_labels_that_do_not_fit(metric, y, prediction, message):
    if metric == "top_2" and prediction.ndim == 1:
        message = "one output per class"
    with pytest.raises(DataError, match=message):
        value(metric, y, prediction, parts=1)


def test_what_is_undefined_is_said():
    with pytest.raises(DataError, match="undefined: the data hold 0 samples of it"):
        value(AUC(), np.zeros(10, int), CHANCE[:10])
    for name in ("accuracy", "auc", "confusion_matrix"):
        with pytest.raises(DataError, match="saw no samples"):
            make_metric(name).result()


def test_unknown_metrics():
    with pytest.raises(ArgumentError, match="'acuracy' is not known"):
        make_metric("acuracy")
    with pytest.raises(ArgumentError, match="is not a name"):
        make_metric(3)
    with pytest.raises(ArgumentError, match="same name"):
        make_metrics(["accuracy", "accuracy"])
    with pytest.raises(ArgumentError, match="k=0"):
        TopK(0)
