from __future__ import annotations

import functools

import numpy as np
import pytest

from tfedge.models.flavours import keras3, tf_keras


@functools.cache
def _digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype("float32").reshape(-1, 8, 8, 1)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order].astype("int64")
    return x[:1400], y[:1400], x[1400:], y[1400:]


@pytest.fixture(scope="session")
def digits():
    """(x_train, y_train, x_test, y_test): 8×8 grey digits in [0, 1]."""
    return _digits()


def small_cnn(keras):
    """Return an untrained CNN for the digits, as either Keras."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv1")(inputs)
    x = layers.BatchNormalization(name="bn1")(x)
    x = layers.ReLU(name="relu1")(x)
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(10, activation="softmax", name="head")(x)
    return keras.Model(inputs, outputs, name="digits_cnn")


@functools.cache
def _trained(flavour):
    keras = keras3() if flavour == "keras3" else tf_keras()
    x, y, _, _ = _digits()
    model = small_cnn(keras)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=64, epochs=6, verbose=0)
    return model


@pytest.fixture(scope="session")
def trained():
    """The CNN trained in Keras 3, about 97 % on the test digits. Shared: never change it."""
    return _trained("keras3")
