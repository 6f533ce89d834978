"""What a report measures, against closed forms and NumPy."""

import gzip

import numpy as np
import pytest

from tfedge.core.errors import DataError, ModelError
from tfedge.report.findings import ActivationRange
from tfedge.report.measuring.attempts import Attempts
from tfedge.report.measuring.layers import layer_rows
from tfedge.report.measuring.ranges import activation_ranges, first_samples
from tfedge.report.measuring.scores import choose_metrics, class_scores
from tfedge.report.measuring.sizes import file_sizes, kernels, weight_histograms
from tfedge.report.writing.sections.quality import wilson
from tfedge.report.writing.sections.values import used


def test_the_four_sizes(load):
    lite = load("cnn_int8")
    sizes = file_sizes(lite)
    codes = [value for value in lite.weights().values() if value.ndim > 1]
    zeros = sum(int(np.sum(value == 0)) for value in codes)
    assert sizes.size_bytes == len(lite.content)
    assert sizes.gzip_bytes == len(gzip.compress(lite.content, 9, mtime=0))
    assert sizes.nonzero_bytes == len(lite.content) - zeros
    assert (sizes.weights, sizes.zeros) == (sum(value.size for value in codes), zeros)
    assert sizes.theoretical_bytes <= sizes.size_bytes
    # 3x3 on 8x8x1 to 16, depthwise 3x3 on 6x6x16, 1x1 to 24, dense of 3x3x24 to 10.
    assert sizes.macs == 64 * 9 * 16 + 36 * 9 * 16 + 36 * 16 * 24 + 3 * 3 * 24 * 10


def test_float_zeros_cost_four_bytes(load):
    lite = load("cnn_float")
    zeros = sum(int(np.sum(value == 0)) for value in lite.weights().values() if value.ndim > 1)
    assert file_sizes(lite).nonzero_bytes == lite.size_bytes - 4 * zeros


def test_histograms_count_real_values(load):
    lite = load("cnn_int8")
    found = weight_histograms(lite)
    assert [one.operator for one in found] == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "CONV_2D",
        "FULLY_CONNECTED",
    ]
    for one, kernel in zip(found, kernels(lite), strict=True):
        axis = kernel.tensor.axis or 0
        shape = [-1 if place == axis else 1 for place in range(kernel.values.ndim)]
        real = kernel.values * np.reshape(kernel.tensor.scale, shape)
        assert sum(one.counts) == one.weights == real.size
        assert (one.low, one.high) == pytest.approx((real.min(), real.max()))
        assert one.counts == tuple(np.histogram(real, 41)[0])


def test_what_activations_can_be_and_were(load, digits):
    lite = load("cnn_int8")
    rows = activation_ranges(lite, digits["x"][:4])
    tensors = {tensor.name: tensor for tensor in lite.tensors()}
    assert len(rows) == sum(item.numeric_type == "int8" for item in lite.operators)
    for row in rows:
        tensor = tensors[row.name]
        assert row.low == pytest.approx(tensor.scale * (-128 - tensor.zero_point))
        assert row.high == pytest.approx(tensor.scale * (127 - tensor.zero_point))
        assert row.low - 1e-6 <= row.seen_low <= row.seen_high <= row.high + 1e-6
    assert all(row.seen_low is None for row in activation_ranges(lite))
    floats = activation_ranges(load("cnn_float"), digits["x"][:4])
    assert all(row.low is None and row.seen_high is not None for row in floats)
    assert activation_ranges(load("cnn_float")) == ()


def test_how_much_of_a_range_is_used():
    assert used(ActivationRange("y", "RELU", "int8", -1.0, 3.0, 0.0, 1.0)) == 0.25
    assert used(ActivationRange("y", "RELU", "float32", None, None, 0.0, 1.0)) is None


def test_few_samples_of_any_data(load, digits):
    stream = (digits["x"][at : at + 5] for at in range(0, 50, 5))
    np.testing.assert_array_equal(first_samples(load("cnn_int8"), stream), digits["x"][:16])


def test_rows_hold_what_the_file_holds(load):
    lite = load("cnn_int8")
    rows = layer_rows(lite)
    assert [row.operator for row in rows] == [item.name for item in lite.operators]
    assert sum(row.macs for row in rows) == file_sizes(lite).macs
    codes = {value.shape: value for value in lite.weights().values() if value.ndim > 1}
    dense = next(row for row in rows if row.operator == "FULLY_CONNECTED")
    kernel = codes[(10, 216)]
    assert dense.parameters == kernel.size + 10
    assert dense.weight_bytes == kernel.size + 4 * 10
    assert dense.sparsity == pytest.approx(np.mean(kernel == 0))
    assert dense.unique == len(np.unique(kernel))


def test_layers_keep_their_names_and_lose_channels(of_keras):
    report, model, slim, _ = of_keras
    hidden, head, _ = report.layers
    assert (hidden.layers, head.layers) == (("hidden",), ("head",))
    assert (hidden.channels_before, hidden.channels) == (16, 8)
    assert hidden.parameters_before == model.get_layer("hidden").count_params() == 112
    assert hidden.parameters == slim.get_layer("hidden").count_params() == 56
    assert (head.macs_before, head.macs) == (48, 24)
    assert hidden.sqnr_db > 20


def test_scores_of_classes():
    before = np.array([[5, 0, 1], [2, 4, 0], [0, 0, 0]])
    after = np.array([[4, 1, 1], [0, 6, 0], [0, 0, 0]])
    [found] = class_scores({"confusion_matrix": after}, {"confusion_matrix": before})
    assert found.samples == (6, 6, 0)
    assert found.accuracy == (4 / 6, 1.0, None)
    assert found.accuracy_before == (5 / 6, 4 / 6, None)
    changes = [(one.label, one.taken_for, one.before, one.after) for one in found.changes]
    assert changes == [(1, 0, 2, 0), (0, 1, 0, 1)]


def test_many_classes_keep_no_matrix():
    matrix = np.eye(1000, dtype=int)
    [found] = class_scores({"kind_confusion_matrix": matrix}, None)
    assert found.output == "kind"
    assert found.matrix is None and found.accuracy_before is None
    assert set(found.accuracy) == {1.0}


@pytest.mark.parametrize(
    ("outputs", "labels", "task", "metrics"),
    [
        (np.eye(3)[[0, 1]], [0, 1], "classification, 3 classes", ("accuracy", "confusion_matrix")),
        (np.array([[0.2], [0.7]]), [0, 1], "binary class", ("accuracy", "confusion_matrix")),
        (np.array([[2.0], [3.5]]), [2.5, 3.0], "regression", ("mae", "mse")),
        (np.full((2, 4), 0.3), np.full((2, 4), 0.5), "reconstruction", ("mae", "mse")),
        (np.full((2, 4), 0.3), None, "reconstruction", ()),
        (np.full((2, 3), 0.3), None, "data without labels", ()),
        (np.full((2, 5, 3), 0.3), np.ones((2, 5)), "one for each step", ("accuracy", "conf")),
    ],
)
def test_tasks(outputs, labels, task, metrics):
    labels = None if labels is None else np.asarray(labels)
    chosen = choose_metrics(lambda x: outputs, np.ones((2, 4)), labels, None)
    assert task in chosen.task
    assert len(chosen.metrics) == len(metrics)
    assert all(a.startswith(b) for a, b in zip(chosen.metrics, metrics, strict=True))


def test_metrics_asked_for_come_with_the_matrix():
    model, x, y = (lambda x: np.eye(3)), np.ones((3, 4)), np.arange(3)
    assert choose_metrics(model, x, y, "top_2").metrics == ["top_2", "confusion_matrix"]


def test_intervals_of_accuracies():
    # Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(1.0, 10)[1] == pytest.approx(1.0) and wilson(0.0, 10)[0] == 0.0


def test_reasons_are_kept_and_mistakes_pass():
    counted = []
    attempts = Attempts(counted.append)

    def fails(error):
        raise error

    assert attempts.run("memory", fails, ModelError("no\n fixed   size")) is None
    assert attempts.left_out == {"memory": "no fixed size"}
    with pytest.raises(DataError, match="labels"):
        attempts.run("task", fails, DataError("labels do not fit"))
    with pytest.raises(ZeroDivisionError):
        attempts.run("task", fails, ZeroDivisionError())
    assert counted == [1, 1, 1]
    attempts.skip("long", "x" * 1000)
    assert len(attempts.left_out["long"]) == 400
