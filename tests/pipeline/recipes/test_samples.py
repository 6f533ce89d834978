"""Users' data made ready, what tells one set from another, and what is learned from labels."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfedge.core.errors import ArgumentError, DataError
from tfedge.pipeline.fingerprint import fingerprint, model_digest
from tfedge.pipeline.samples import Samples
from tfedge.pipeline.task import identity_of, larger_is_better, task_of


def net(units=3, activation="softmax"):
    """Return a model of six inputs."""
    inputs = tf_keras.Input((6,), name="features")
    return tf_keras.Model(inputs, tf_keras.layers.Dense(units, activation=activation)(inputs))


def mark(data):
    """Return the hash of data, and of how many samples it is."""
    found = fingerprint(Samples(data, net()))
    return found.sha256, found.hashed_samples


@pytest.fixture(scope="module")
def data(train_data):
    """(x, y)."""
    return train_data


def test_arrays_are_hashed_whole(data):
    x, y = data
    other = y.copy()
    other[-1] = (other[-1] + 1) % 3
    assert mark((x, y)) == mark((x.copy(), y.copy()))
    assert mark((x, y))[1] == 160
    assert len({mark((x, y))[0], mark((x, other))[0], mark((x[::-1], y[::-1]))[0]}) == 3
    assert mark((x, y, np.ones(160)))[0] != mark((x, y))[0]


def test_of_streams_the_first_samples_are_hashed(data):
    x, y = (np.concatenate([part] * 10) for part in data)
    late = x.copy()
    late[-1] += 1
    streams = [
        lambda x=x: iter([(x, y)]),
        lambda: iter([(late, y)]),
        lambda: iter([(x[:-1], y[:-1])]),
    ]
    first, same_beginning, shorter = (mark(stream) for stream in streams)
    assert first == same_beginning
    assert first[1] == 1024
    assert shorter[0] != first[0]


def test_data_that_differ_each_time_are_known_by_shape_and_number(data):
    rng = np.random.default_rng()
    shaken = lambda: iter([(data[0] + rng.random(), data[1])])  # noqa: E731
    assert mark(shaken) == mark(shaken)
    assert mark(shaken)[1] == 0
    shorter = lambda: iter([(data[0][1:] + rng.random(), data[1][1:])])  # noqa: E731
    assert mark(shaken)[0] != mark(shorter)[0]


def test_iterators_that_are_read_once_lie_in_memory(data):
    x, y = data
    samples = Samples(((x[i : i + 50], y[i : i + 50]) for i in range(0, 160, 50)), net())
    assert len(samples) == len(samples.whole) == 160
    assert samples.steps(50) == 4
    np.testing.assert_array_equal(samples.some(160)[0], x)


def test_feeds_are_read_anew_each_epoch_in_batches_of_one_size(data):
    reads = []

    def read():
        reads.append(1)
        return iter(zip(*data, strict=True))

    feed = Samples(read, net()).feed(64)
    before = len(reads)
    sizes = [[len(y) for _, y in feed] for _ in range(2)]
    assert sizes == [[64, 64, 32]] * 2
    assert len(reads) == before + 2
    assert isinstance(feed, tf.data.Dataset)


def test_no_labels_and_no_samples_are_refused(data):
    with pytest.raises(DataError, match="val brings no labels"):
        Samples(data[0], net(), "val")
    with pytest.raises(DataError, match="no samples"):
        Samples(iter([]), net())


def test_models_differ_by_weights_and_by_layers():
    model = net()
    same = tf_keras.models.clone_model(model)
    same.set_weights(model.get_weights())
    assert model_digest(same) == model_digest(model)
    same.set_weights([weight + 1 for weight in model.get_weights()])
    assert model_digest(same) != model_digest(model)
    other = net(activation="sigmoid")
    other.set_weights(model.get_weights())
    assert model_digest(other) != model_digest(model)


@pytest.mark.parametrize(
    ("units", "activation", "labels", "loss", "holds"),
    [
        (3, "softmax", [0, 2, 1], "sparse_categorical_crossentropy", "classes"),
        (3, None, [[0], [2], [1]], "sparse_categorical_crossentropy", "classes"),
        (3, "softmax", np.eye(3), "categorical_crossentropy", "classes"),
        (3, None, np.eye(3), "categorical_crossentropy", "classes"),
        (3, "sigmoid", [[1, 1, 0]], "binary_crossentropy", "labels"),
        (1, "sigmoid", [0.0, 1.0], "binary_crossentropy", "classes"),
        (1, None, [0, 1], "binary_crossentropy", "classes"),
        (1, None, [0.0, 1.0], "mse", "values"),
        (1, None, [3, 17], "mse", "values"),
        (3, None, [[0.1, 0.2, 0.7]], "mse", "values"),
    ],
)
def test_losses_that_suit_labels_and_last_layer(units, activation, labels, loss, holds):
    model = net(units, activation)
    task = task_of(model, model, np.array(labels))
    assert (task.text.split(",")[0], task.holds) == (loss, holds)
    logits = activation is None and loss != "mse"
    assert getattr(task.loss, "get_config", dict)().get("from_logits", False) == logits


def test_what_teaches_suits_the_task():
    names = [
        type(task_of(model, model, np.array(labels)).teaching(4)[0]).__name__
        for model, labels in (
            (net(), [0, 1]), (net(3, "sigmoid"), [[1, 1, 0]]), (net(1, None), [0.5, 1.5]),
        )
    ]  # fmt: skip
    assert names == ["SoftTarget", "BinarySoftTarget", "RegressionTarget"]


def test_compiled_losses_count_before_labels():
    model = net()
    model.compile("sgd", tf_keras.losses.Poisson())
    assert task_of(model, model, np.array([0, 1])).text == "poisson, from the compiled model"
    assert task_of(model, model, np.array([0, 1]), "mae").text == "mae, as given"
    with pytest.raises(ArgumentError, match="'maee' is no loss"):
        task_of(model, model, np.array([0, 1]), "maee")


def test_losses_are_told_apart_by_their_settings():
    kinds = tf_keras.losses.CategoricalCrossentropy
    assert identity_of(kinds()) == identity_of(kinds()) != identity_of(kinds(label_smoothing=0.1))
    assert identity_of(kinds()) in identity_of({"a": kinds(), "b": "mse"})


@pytest.mark.parametrize(("name", "larger"), [("accuracy", True), ("top_5", True), ("mse", False)])
def test_directions_of_metrics(name, larger):
    assert larger_is_better(name) is larger
