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


def _small_cnn(keras):
    """Return an untrained CNN for the digits: a normalized, an activated and a plain layer."""
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
    model = _small_cnn(keras)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=64, epochs=6, verbose=0)
    return model


@pytest.fixture(scope="session")
def trained():
    """The CNN trained in Keras 3, about 97 % on the test digits. Shared: never change it."""
    return _trained("keras3")


@pytest.fixture
def mlp():
    """Return a function that makes a small Dense network of either Keras."""

    def make(keras, units=16, classes=10, activation="softmax", seed=1):
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((64,), name="pixels")
        x = keras.layers.Dense(units, activation="relu", name="hidden")(inputs)
        outputs = keras.layers.Dense(classes, activation=activation, name="head")(x)
        return keras.Model(inputs, outputs, name="mlp")

    return make


@pytest.fixture(scope="session")
def flat(digits):
    """(x, y): 512 digits as vectors of 64."""
    return digits[0][:512].reshape(512, 64), digits[1][:512]


@pytest.fixture(scope="session")
def accuracy(digits):
    """Return a function that gives the accuracy of a model on the test digits."""

    def of(model):
        predicted = np.argmax(model.predict(digits[2], verbose=0), axis=1)
        return float(np.mean(predicted == digits[3]))

    return of


def magnitude_mask(kernel, sparsity):
    """The second source for masks: zero the smallest magnitudes, count rounded as in the paper."""
    kept = max(round(kernel.size * (1 - sparsity)), 1)
    order = np.argsort(-np.abs(kernel).ravel(), kind="stable")
    mask = np.zeros(kernel.size, bool)
    mask[order[:kept]] = True
    return mask.reshape(kernel.shape)


@pytest.fixture
def expected_mask():
    return magnitude_mask
