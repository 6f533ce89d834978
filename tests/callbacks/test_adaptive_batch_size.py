"""A batch size that changes while every sample is seen once in each epoch."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfedge.callbacks import AdaptiveBatchSize
from tfedge.core.errors import ArgumentError, DataError
from tfedge.models.flavours import keras3, tf_keras

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])
SAMPLES = 203


class Seen:
    """Which samples each step of the training got, as the train step itself saw them."""

    def __init__(self, keras):
        seen = self.steps = []

        class Watched(keras.Model):
            def train_step(self, data):
                tf.py_function(lambda ids: seen.append(ids.numpy().tolist()), [data[1]], [])
                return super().train_step(data)

        inputs = keras.Input((1,))
        self.model = Watched(inputs, keras.layers.Dense(1)(inputs))
        self.model.compile(keras.optimizers.SGD(1e-9), "mse")


def data():
    ids = np.arange(SAMPLES, dtype="float32")
    return ids[:, None], ids[:, None]


def per_epoch(seen, sizes):
    """Return the ids of each epoch."""
    steps = iter(seen)
    return [
        np.concatenate([np.ravel(next(steps)) for _ in epoch]).astype(int).tolist()
        for epoch in sizes
    ]


@KERASES
@pytest.mark.parametrize("shape", ["arrays", "dataset"])
def test_every_sample_once_in_each_epoch_while_the_size_changes(keras, shape):
    seen = Seen(keras)
    swing = itertools.cycle([0.1, 0.1, 0.5, 0.99, 0.99, 0.99])
    adaptive = AdaptiveBatchSize(lambda: next(swing), initial=8, min_size=2, max_size=32, every=3)
    source = data()
    if shape == "dataset":
        source = tf.data.Dataset.from_tensor_slices(source).shuffle(SAMPLES).prefetch(4)
    wrapped = adaptive.wrap(source)
    history = seen.model.fit(wrapped, epochs=5, verbose=0, shuffle=False, callbacks=[adaptive])
    assert len(seen.steps) == sum(map(len, adaptive.sizes))
    for ids in per_epoch(seen.steps, adaptive.sizes):
        assert sorted(ids) == list(range(SAMPLES))
    assert len({len(sizes) for sizes in adaptive.sizes}) > 1
    used = {size for sizes in adaptive.sizes for size in sizes[:-1]}
    assert used >= {4, 8, 16, 32}
    assert used <= {2, 4, 8, 16, 32}
    assert [len(step) for step in seen.steps] == list(itertools.chain(*adaptive.sizes))
    assert len(history.history["batch_size"]) == 5
    assert {"epoch", "step", "size", "signal"} == set(adaptive.changes[0])


@KERASES
@pytest.mark.parametrize("grows", [True, False])
def test_epochs_grow_shorter_and_longer_than_the_first(keras, grows):
    seen = Seen(keras)
    adaptive = AdaptiveBatchSize(
        lambda: 0.0 if grows else 1.0, initial=16, min_size=4, max_size=64, every=13
    )
    with_validation = {"validation_data": data(), "validation_batch_size": 50}
    seen.model.fit(
        adaptive.wrap(data()),
        epochs=3,
        verbose=0,
        shuffle=False,
        callbacks=[adaptive],
        **with_validation,
    )
    steps = [len(sizes) for sizes in adaptive.sizes]
    assert steps == ([13, 7, 7] if grows else [13, 38, 51])


@KERASES
def test_others_may_still_stop_the_training(keras):
    for place in (0, 1):
        seen = Seen(keras)
        adaptive = AdaptiveBatchSize(lambda: 0.8, initial=64, min_size=8, max_size=64)
        stop = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=1e9)
        callbacks = [adaptive, stop] if place else [stop, adaptive]
        seen.model.fit(
            adaptive.wrap(data()), epochs=9, verbose=0, shuffle=False, callbacks=callbacks
        )
        assert len(adaptive.sizes) == 2


@KERASES
@pytest.mark.parametrize(("rule", "factor"), [("linear", 4.0), ("sqrt", 2.0), (None, 1.0)])
def test_the_learning_rate_follows(keras, rule, factor):
    seen = Seen(keras)
    seen.model.optimizer.learning_rate = 1e-8
    adaptive = AdaptiveBatchSize(
        lambda: 0.0, initial=16, min_size=8, max_size=64, every=2, learning_rate=rule
    )
    seen.model.fit(adaptive.wrap(data()), epochs=2, verbose=0, shuffle=False, callbacks=[adaptive])
    assert adaptive.size == 64
    assert float(seen.model.optimizer.learning_rate) == pytest.approx(factor * 1e-8, rel=1e-5)


@pytest.mark.parametrize("signal", ["memory", "cpu"])
def test_signals_of_the_machine(signal):
    seen = Seen(keras3())
    adaptive = AdaptiveBatchSize(signal, initial=16, every=1)
    seen.model.fit(adaptive.wrap(data()), epochs=1, verbose=0, shuffle=False, callbacks=[adaptive])
    assert sum(adaptive.sizes[0]) == SAMPLES


def test_what_cannot_work_is_refused():
    for settings, says in (
        ({"signal": "moon"}, "signal='moon'"),
        ({"low": 0.9}, "low=0.9"),
        ({"initial": 24}, "min_size=8 must be initial=24 times"),
        ({"initial": 4}, "initial=4 must lie between"),
        ({"every": 0}, "every=0"),
        ({"learning_rate": "cubic"}, "learning_rate='cubic'"),
    ):
        with pytest.raises(ArgumentError, match=says):
            AdaptiveBatchSize(**settings)
    ready = tf.data.Dataset.from_tensor_slices(data())
    for source, says in (
        (ready.batch(8), "batched already"),
        (ready.repeat(), "never ends"),
        ([1, 2], "cannot be wrapped"),
    ):
        with pytest.raises(DataError, match=says):
            AdaptiveBatchSize().wrap(source)


@KERASES
def test_what_cannot_work_is_refused_before_training(keras):
    seen = Seen(keras)
    with pytest.raises(ArgumentError, match="no data to batch"):
        seen.model.fit(*data(), verbose=0, callbacks=[AdaptiveBatchSize()])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    seen.model.compile(keras.optimizers.SGD(schedule), "mse")
    scaling = AdaptiveBatchSize(learning_rate="linear")
    with pytest.raises(ArgumentError, match="is a schedule"):
        seen.model.fit(scaling.wrap(data()), verbose=0, shuffle=False, callbacks=[scaling])
    seen.model.compile("sgd", "mse", steps_per_execution=4)
    plain = AdaptiveBatchSize()
    with pytest.raises(ValueError, match="steps_per_execution"):
        seen.model.fit(plain.wrap(data()), verbose=0, shuffle=False, callbacks=[plain])
