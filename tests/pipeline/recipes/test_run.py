"""Runs of recipes: what comes out, that it comes out again, on tasks and data of all kinds."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfedge
from tfedge.core.errors import ArgumentError, DataError

QUICK = {"epochs": 1, "learning_rate": 1e-2}
FLOAT = {"kind": "convert", "quantize": "float32"}
EVERYTHING = [
    {"kind": "prune_channels", "macs": 0.7, "importance": "taylor", "teacher": "original", **QUICK},
    {"kind": "train", **QUICK, "patience": 1},
    {"kind": "prune", "sparsity": 0.5, "layers": ".*", **QUICK},
    {"kind": "cluster", "clusters": 6, **QUICK},
    {"kind": "quantize", **QUICK},
    {"kind": "convert", "quantize": "int8"},
]


@pytest.fixture(scope="module")
def result(classifier, train_data, val_data):
    """Return what all kinds of wrappers, one after the other, make."""
    recipe = tfedge.Recipe(EVERYTHING, name="everything", seed=5)
    return tfedge.run(recipe, classifier, train_data, val_data, verbose=0)


def test_tells_of_every_stage(result, classifier, val_data):
    kinds = ["original", "prune_channels", "train", "prune", "cluster", "quantize", "convert"]
    assert [stage.kind for stage in result.stages] == kinds
    first, last = result.stages[0], result.stages[-1]
    assert (first.parameters, first.macs) == (6 * 16 + 16 + 16 * 3 + 3, 6 * 16 + 16 * 3)
    assert first.metrics["accuracy"] == pytest.approx(
        np.mean(classifier.predict(val_data[0], verbose=0).argmax(1) == val_data[1])
    )
    assert result.stages[1].macs <= 0.7 * first.macs
    assert (last.size_bytes, last.gzip_bytes) == (result.lite.size_bytes, result.lite.gzip_bytes)
    assert result.metrics == tfedge.evaluate(result.lite, *val_data, verbose=0).metrics
    assert (result.primary, result.larger_is_better, result.seed) == ("accuracy", True, 5)
    assert result.loss == "sparse_categorical_crossentropy, from the compiled model"
    assert result.data["train"].samples == result.data["train"].hashed_samples == 160
    assert result.versions["tfedge"] == tfedge.__version__
    assert len(repr(result).splitlines()) == 10


def test_zeros_and_shared_values_reach_the_file(result):
    kernels = [
        value for info, value in result.lite.stored() if value.ndim == 2 and value.dtype == np.int8
    ]
    assert len(kernels) == 2
    for kernel in kernels:
        assert np.mean(kernel == 0) >= 0.49
        assert len(np.unique(kernel)) <= 6


def test_saved_and_loaded(result, tmp_path):
    folder = result.save(tmp_path / "made")
    assert sorted(path.name for path in folder.iterdir()) == ["model.tflite", "recipe.json"]
    again = tfedge.RunResult.load(folder)
    assert again == result
    assert again.lite.notes.keys() == result.lite.notes.keys()
    assert tfedge.Recipe.load(folder / "recipe.json") == result.recipe


def test_the_recipe_beside_a_model_makes_it_again(
    result, tmp_path, classifier, train_data, val_data
):
    folder = result.save(tmp_path)
    state = random.getstate(), np.random.get_state()[1].tolist()
    again = tfedge.run(folder / "recipe.json", classifier, train_data, val_data, verbose=0)
    assert again.lite.content == result.lite.content
    assert [one.digest for one in again.stages] == [one.digest for one in result.stages]
    assert state == (random.getstate(), np.random.get_state()[1].tolist())


def test_another_seed_makes_another_file(classifier, train_data):
    steps = [{"kind": "train", **QUICK}, FLOAT]
    made = [
        tfedge.run(steps, classifier, train_data, seed=seed, verbose=0).lite.digest
        for seed in (0, 0, 1)
    ]
    assert made[0] == made[1] != made[2]


def test_a_file_that_is_another_is_refused(result, tmp_path):
    folder = result.save(tmp_path)
    content = bytearray((folder / "model.tflite").read_bytes())
    content[-1] ^= 1
    (folder / "model.tflite").write_bytes(content)
    with pytest.raises(DataError, match=r"is not the file that recipe\.json tells of"):
        tfedge.RunResult.load(folder)
    result.recipe.save(folder / "recipe.json")
    with pytest.raises(DataError, match="a recipe and no result"):
        tfedge.RunResult.load(folder)


def test_a_result_that_cannot_be_written_is_said(result, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ArgumentError, match="Cannot write"):
        result.save(tmp_path / "taken")


def test_the_model_is_left_alone(classifier, train_data):
    before = [weight.copy() for weight in classifier.get_weights()]
    tfedge.run([{"kind": "train", **QUICK}, FLOAT], classifier, train_data, verbose=0)
    for old, new in zip(before, classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_preserve_is_filled_in_and_can_be_set(classifier, train_data):
    steps = [{"kind": "prune", "sparsity": 0.75, "layers": ".*", **QUICK}]
    kept, lost = (
        tfedge.run([*steps, {"kind": "quantize", **QUICK, **more}], classifier, train_data,
                   verbose=0).lite
        for more in ({}, {"preserve": []})
    )  # fmt: skip
    assert zeros(kept) >= 0.74
    assert zeros(lost) < zeros(kept)


def zeros(lite):
    """Return the fraction of zeros in the kernels of an int8 file."""
    kernels = [v.ravel() for _, v in lite.stored() if v.ndim == 2 and v.dtype == np.int8]
    return np.mean(np.concatenate(kernels) == 0)


FORMS = {
    "tf.data": lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)).batch(10),
    "single samples": lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)),
    "generator": lambda x, y: ((x[i : i + 7], y[i : i + 7]) for i in range(0, len(x), 7)),
    "function": lambda x, y: lambda: zip(x, y, strict=True),
    "dict": lambda x, y: ({"features": x}, y),
    "weights": lambda x, y: (x, y, np.ones(len(x))),
}


@pytest.mark.parametrize("form", FORMS)
def test_data_of_any_form(form, classifier, train_data, val_data):
    steps = [{"kind": "prune_channels", "ratio": 0.25, "importance": "fisher", **QUICK}, FLOAT]
    train, val = (FORMS[form](*data) for data in (train_data, val_data))
    result = tfedge.run(steps, classifier, train, val, verbose=0)
    assert result.data["train"].samples == 160
    assert result.metrics["accuracy"] > 0.6


def test_keras_sequences_are_told_that_an_epoch_is_over(classifier, train_data):
    ended = []

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return tuple(part[index * 40 : index * 40 + 40] for part in train_data)

        def on_epoch_end(self):
            ended.append(1)

    tfedge.run([{"kind": "train", "epochs": 3}, FLOAT], classifier, Batches(), verbose=0)
    assert len(ended) == 3


def network(units, activation, flavour=keras):
    """Return an untrained network of two layers."""
    flavour.utils.set_random_seed(0)
    inputs = flavour.Input((6,))
    x = flavour.layers.Dense(12, activation="relu")(inputs)
    return flavour.Model(inputs, flavour.layers.Dense(units, activation=activation)(x), name="net")


TASKS = {
    "one-hot": (3, "softmax", lambda x, y: np.eye(3)[y], "categorical_crossentropy", "accuracy"),
    "logits": (3, None, lambda x, y: y, "sparse_categorical_crossentropy", "accuracy"),
    "binary": (1, "sigmoid", lambda x, y: (y > 0) * 1, "binary_crossentropy", "accuracy"),
    "labels": (2, "sigmoid", lambda x, y: (x[:, :2] > 0.5) * 1, "binary_crossentropy", "accuracy"),
    "values": (1, None, lambda x, y: x.sum(1, keepdims=True), "mse", "mae"),
}


@pytest.mark.parametrize("flavour", [keras, tf_keras])
@pytest.mark.parametrize("task", TASKS)
def test_tasks_are_told_from_labels_and_last_layer(task, flavour, train_data, val_data):
    units, activation, target, loss, metric = TASKS[task]
    train, val = ((x, target(x, y)) for x, y in (train_data, val_data))
    steps = [{"kind": "distill", "epochs": 1}, FLOAT]
    result = tfedge.run(steps, network(units, activation, flavour), train, val, verbose=0)
    assert result.loss.startswith(f"{loss}, told from")
    assert list(result.metrics) == [metric]


def test_training_on_inferred_losses_learns(train_data, val_data):
    steps = [{"kind": "train", "epochs": 40, "learning_rate": 1e-2}, FLOAT]
    result = tfedge.run(steps, network(3, None), train_data, val_data, verbose=0)
    assert result.stages[0].metrics["accuracy"] < 0.6 < 0.85 < result.metrics["accuracy"]


def test_losses_and_metrics_can_be_said(train_data, val_data):
    loss = {"name": "sparse_categorical_crossentropy", "from_logits": True}
    recipe = tfedge.Recipe([{"kind": "train", "epochs": 1}, FLOAT], loss=loss, metrics="top_2")
    result = tfedge.run(recipe, network(3, None), train_data, val_data, verbose=0)
    assert result.loss.endswith("as given")
    assert list(result.metrics) == ["top_2"]
    custom = tfedge.run(
        recipe, network(3, None), train_data, val_data, verbose=0,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"],
    )  # fmt: skip
    assert list(custom.metrics) == ["accuracy"]


@pytest.mark.parametrize("loss", ["mean_squared", {"name": "sparse"}, {"name": "mse", "power": 3}])
def test_losses_that_are_none_are_refused(loss, train_data):
    with pytest.raises(ArgumentError, match="loss="):
        tfedge.run([{"kind": "train"}], network(3, None), train_data, loss=loss, verbose=0)


def test_several_inputs_and_outputs(train_data):
    x, y = train_data
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    both = keras.layers.Dense(8, activation="relu")(keras.layers.Concatenate()([left, right]))
    outputs = {
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(both),
        "sum": keras.layers.Dense(1, name="sum")(both),
    }
    model = keras.Model([left, right], outputs)
    data = (
        {"left": x[:, :3], "right": x[:, 3:]},
        {"kind": y, "sum": x.sum(1, keepdims=True)},
    )
    with pytest.raises(ArgumentError, match="has 2 outputs and is not compiled"):
        tfedge.run([{"kind": "train", "epochs": 1}, FLOAT], model, data, verbose=0)
    model.compile("adam", {"kind": "sparse_categorical_crossentropy", "sum": "mse"})
    result = tfedge.run(
        [{"kind": "train", "epochs": 1}, FLOAT], model, data, data_of(data), verbose=0
    )
    assert set(result.metrics) == {"kind_accuracy", "sum_mae"}


def data_of(data):
    """Return data like others, none of them the same."""
    x, y = data
    return {name: part[::-1] + 1 for name, part in x.items()}, y


def test_a_path_is_a_model(classifier, train_data, tmp_path):
    classifier.save(tmp_path / "model.keras")
    result = tfedge.run("fast", tmp_path / "model.keras", train_data, verbose=0)
    assert (result.model, result.recipe.name) == ("vectors", "fast")


def test_leaking_validation_data_is_warned_of(classifier, train_data):
    x, y = train_data
    with pytest.warns(UserWarning, match="20 of 20 samples of val are in train too"):
        tfedge.run("fast", classifier, train_data, (x[:20], y[:20]), verbose=0)


def test_early_stopping_needs_validation_data(classifier, train_data):
    with pytest.raises(ArgumentError, match=r"Step 1 \(train\) ends training early, patience=2"):
        tfedge.run([{"kind": "train", "patience": 2}], classifier, train_data, verbose=0)


def test_data_without_labels_are_refused(classifier, train_data):
    with pytest.raises(DataError, match="train brings no labels"):
        tfedge.run("fast", classifier, train_data[0], verbose=0)


def test_mixed_precision_as_data(classifier, train_data, val_data):
    recipe = [{"kind": "convert", "quantize": {"float_layers": ["head"]}}]
    result = tfedge.run(recipe, classifier, train_data, val_data, verbose=0)
    assert result.lite.float_operators


def test_labels_that_do_not_fit_are_said_without_a_trace(train_data):
    x, y = train_data
    with pytest.raises(DataError, match=r"'net' cannot be trained on train .* as given") as caught:
        tfedge.run(
            [{"kind": "train", "epochs": 1}], network(3, "softmax"), (x, np.eye(4)[y]), verbose=0,
            loss="categorical_crossentropy",
        )  # fmt: skip
    assert len(str(caught.value).splitlines()) <= 3
