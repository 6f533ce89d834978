"""One callback class that the fit loops of both Kerases accept."""

import keras as keras3
import numpy as np
import pytest
import tf_keras

from tfedge.callbacks.hooks import Callback

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
X = np.ones((8, 4), "float32")


def net(keras):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    return model


class Noting(Callback):
    """Notes what it is told, at the moments that it has hooks for."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append(("begin", self.params["epochs"]))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, sorted(logs)))

    def on_test_end(self, logs=None):
        self.seen.append("tested")


@both
def test_hooks_are_called_and_the_others_do_nothing(keras):
    model, noting = net(keras), Noting()
    model.fit(X, X[:, :1], epochs=2, verbose=0, callbacks=[noting], validation_data=(X, X[:, :1]))
    logs = ["loss", "val_loss"]
    assert noting.seen == [("begin", 2), "tested", (0, logs), "tested", (1, logs)]
    assert noting.model is model
    model.evaluate(X, X[:, :1], verbose=0, callbacks=[noting])
    model.predict(X, verbose=0, callbacks=[noting])
    assert noting.seen[-1] == "tested"


@both
def test_no_hook_at_all_is_fine(keras):
    net(keras).fit(X, X[:, :1], verbose=0, callbacks=[Callback()])


def test_other_attributes_are_missed():
    with pytest.raises(AttributeError, match=r"'Noting' has no attribute 'one_epoch_end'"):
        Noting().one_epoch_end  # noqa: B018
    assert Noting().on_batch_begin(3, logs={}) is None
    assert Noting()._implements_train_batch_hooks() is False
