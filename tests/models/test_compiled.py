"""A TrainableModel comes back from its file ready to train on, and no file runs foreign code."""

import sys
import warnings

import keras as keras3
import numpy as np
import pytest
import tf_keras

import tfedge
from tfedge.models import load_model
from tfedge.models.training.trainable import TrainableModel

X = np.random.default_rng(0).random((32, 4), "float32")
Y = X[:, :1] - X[:, 1:2]

both_files = pytest.mark.parametrize("kind", ["keras", "h5"])


def own_loss(truth, answer):
    return tf_keras.losses.mean_squared_error(truth, answer)


def model(loss="mse", optimizer="adam", metrics=("mae",)):
    inputs = keras3.Input((4,))
    x = keras3.layers.Dense(3, activation="relu")(inputs)
    sparse = tfedge.prune(keras3.Model(inputs, keras3.layers.Dense(1, name="head")(x)))
    sparse.compile(optimizer, loss, metrics=metrics)
    sparse.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    return sparse


def saved(model, tmp_path, kind):
    path = tmp_path / f"model.{kind}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5")
        model.save(path)
    return path


def states(optimizer):
    return [np.asarray(variable) for variable in optimizer.variables]


@both_files
@pytest.mark.parametrize(
    ("loss", "metrics"),
    [
        ("mse", ("mae", "accuracy")),
        (keras3.losses.Huber(0.5), [keras3.metrics.MeanAbsoluteError(name="off")]),
        ({"head": "mae"}, {"head": ["mse"]}),
        (tf_keras.losses.mean_squared_error, None),
    ],
)
def test_training_goes_on(kind, loss, metrics, tmp_path):
    rate = keras3.optimizers.schedules.CosineDecay(0.05, 20)
    first = model(loss, keras3.optimizers.Adam(rate), metrics)
    again = tfedge.load(saved(first, tmp_path, kind))
    assert type(again) is TrainableModel
    assert len(states(first.optimizer)) > 5
    for ours, theirs in zip(states(first.optimizer), states(again.optimizer), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    one, two = (m.fit(X, Y, epochs=3, verbose=0, shuffle=False).history for m in (first, again))
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-5)
    assert len(one) == len(two)


@both_files
def test_other_models_and_untrained_ones_are_not_compiled(kind, tmp_path):
    inputs = tf_keras.Input((4,))
    plain = tf_keras.Model(inputs, tf_keras.layers.Dense(1)(inputs))
    plain.compile("adam", own_loss)
    assert not load_model(saved(plain, tmp_path, kind))._is_compiled
    assert not load_model(saved(tfedge.prune(plain), tmp_path, kind))._is_compiled


@both_files
def test_a_loss_of_ones_own_is_asked_for(kind, tmp_path):
    first = model(own_loss)
    path = saved(first, tmp_path, kind)
    with pytest.warns(UserWarning, match=r"uncompiled.*own_loss(.|\n)*custom_objects") as caught:
        again = load_model(path)
    assert caught[0].filename == __file__
    assert not again._is_compiled
    np.testing.assert_array_equal(again.get_weights()[0], first.get_weights()[0])
    again = load_model(path, custom_objects={"own_loss": own_loss})
    for ours, theirs in zip(states(first.optimizer), states(again.optimizer), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("loss", {"module": "stranger", "class_name": "Loss", "config": {}}),
        ("loss", {"module": "stranger", "class_name": "function", "config": "loss"}),
        ("loss", {"module": "builtins", "class_name": "function", "config": "exec"}),
        ("metrics", [{"module": "stranger", "class_name": "Metric", "config": {}}]),
        ("optimizer", {"module": "stranger", "class_name": "SGD", "config": {}}),
    ],
)
def test_compile_settings_import_nothing(key, settings, tmp_path, monkeypatch):
    (tmp_path / "stranger.py").write_text("Loss = Metric = SGD = loss = print")
    monkeypatch.syspath_prepend(tmp_path)
    first = model()
    honest = first.get_compile_config()
    monkeypatch.setattr(type(first), "get_compile_config", lambda self: {**honest, key: settings})
    path = saved(first, tmp_path, "keras")
    with pytest.warns(UserWarning, match="does not come with Keras"):
        assert not load_model(path)._is_compiled
    assert "stranger" not in sys.modules


def test_settings_that_keras_cannot_make_are_no_obstacle(tmp_path, monkeypatch):
    first = model()
    honest = first.get_compile_config()
    odd = {"module": "keras.losses", "class_name": "NoSuchLoss", "config": {}}
    monkeypatch.setattr(type(first), "get_compile_config", lambda self: {**honest, "loss": odd})
    with pytest.warns(UserWarning, match=r"uncompiled(.|\n)*NoSuchLoss"):
        assert not load_model(saved(first, tmp_path, "keras"))._is_compiled
