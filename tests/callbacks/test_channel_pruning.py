"""Channels that go inside fit: masks while training, surgery at the end."""

import itertools

import numpy as np
import pytest

import tfedge
from tfedge.callbacks import ChannelPruning
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import flavour_of, keras3, tf_keras
from tfedge.models.statistics import model_statistics

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])


def network(keras):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(12, 3, padding="same", name="stem")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    y = layers.Conv2D(12, 3, padding="same", activation="sigmoid", name="branch")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="add")([x, y]))
    x = layers.Dense(16, activation="sigmoid", name="hidden")(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    return generator.random((64, 8, 8, 2), "float32"), generator.integers(0, 3, 64)


@KERASES
@pytest.mark.parametrize("importance", ["l2", "taylor"])
def test_the_smaller_model_computes_what_the_masked_one_does(keras, importance, data):
    model = network(keras)
    whole = model_statistics(model).macs
    channels = ChannelPruning(macs=0.4, end_epoch=2, importance=importance, data=data)
    history = model.fit(*data, epochs=5, batch_size=16, verbose=0, callbacks=[channels])
    gone = history.history["channels_removed"]
    assert 0 < gone[0] < gone[1] < gone[2] == gone[3] == gone[4]
    slim = channels.pruned_model()
    assert flavour_of(slim) == flavour_of(model)
    assert 0.3 * whole <= model_statistics(slim).macs <= 0.4 * whole
    expected = model.predict(data[0], verbose=0)
    np.testing.assert_allclose(slim.predict(data[0], verbose=0), expected, atol=1e-5)
    again = channels.pruned_model(data[0])
    assert not np.allclose(again.get_layer("bn").moving_mean, slim.get_layer("bn").moving_mean)


@KERASES
def test_channels_that_went_stay_away(keras, data):
    model, seen = network(keras), []
    channels = ChannelPruning(ratio=0.5, scope="local", end_epoch=3)
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(dead(model.get_layer("head")))
    )
    model.fit(*data, epochs=6, batch_size=16, verbose=0, callbacks=[channels, watch])
    assert [len(one) for one in seen] == [2, 4, 6, 8, 8, 8]
    for before, after in itertools.pairwise(seen):
        assert before <= after


def dead(layer):
    return set(np.flatnonzero(~np.asarray(layer.kernel.numpy()).any(axis=1)).tolist())


def test_half_of_the_epochs_by_default_and_going_on(data):
    model = network(keras3())
    channels = ChannelPruning({"hidden": 0.5})
    settings = {"batch_size": 32, "verbose": 0, "callbacks": [channels]}
    first = model.fit(*data, epochs=4, **settings)
    assert len(set(first.history["channels_removed"])) == 2
    model.fit(*data, epochs=6, initial_epoch=4, **settings)
    assert channels.pruned_model().get_layer("hidden").units == 8
    assert len(dead(model.get_layer("head"))) == 8


def test_a_later_beginning(data):
    model = network(keras3())
    channels = ChannelPruning(0.5, begin_epoch=2, end_epoch=2)
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[channels])
    assert history.history["channels_removed"][:2] == [0, 0]
    assert history.history["channels_removed"][2] == pytest.approx(0.5, abs=0.02)


def test_what_cannot_work_is_refused_before_training(data):
    model = network(keras3())
    for settings, says in (
        ({"ratio": 1.5}, "ratio=1.5"),
        ({"ratio": 0.5, "begin_epoch": 3, "end_epoch": 2}, "end_epoch=2"),
        ({"ratio": 0.5, "begin_epoch": -1}, "begin_epoch=-1"),
        ({}, "One target is needed"),
    ):
        with pytest.raises(ArgumentError, match=says):
            ChannelPruning(**settings)
    measured = ChannelPruning(latency_ms=1.0, measure=lambda model: 1.0)
    with pytest.raises(ArgumentError, match="channels are only masked"):
        model.fit(*data, verbose=0, callbacks=[measured])
    with pytest.raises(ArgumentError, match="least possible"):
        model.fit(*data, verbose=0, callbacks=[ChannelPruning(macs=0.001)])
    with pytest.raises(ModelError, match="is pruned"):
        sparse = tfedge.prune(model)
        sparse.compile("sgd", "sparse_categorical_crossentropy")
        sparse.fit(*data, verbose=0, callbacks=[ChannelPruning(0.5)])


def test_no_smaller_model_before_channels_went(data):
    channels = ChannelPruning(0.5, begin_epoch=5, end_epoch=6)
    with pytest.raises(ModelError, match="No model was trained"):
        channels.pruned_model()
    network(keras3()).fit(*data, verbose=0, callbacks=[channels])
    with pytest.raises(ArgumentError, match="stopped before epoch 5"):
        channels.pruned_model()
