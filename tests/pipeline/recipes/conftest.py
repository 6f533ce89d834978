"""A small trained classifier of vectors, with data that differ from those it is judged by."""

import keras
import numpy as np
import pytest


def vectors(seed, count=160):
    """Return vectors whose largest of three coordinates is the class."""
    x = np.random.default_rng(seed).random((count, 6), "float32")
    return x, x[:, :3].argmax(1)


@pytest.fixture(scope="session")
def train_data():
    """(x, y) to train on."""
    return vectors(0)


@pytest.fixture(scope="session")
def val_data():
    """(x, y) to judge by."""
    return vectors(1, 80)


@pytest.fixture(scope="session")
def classifier(train_data):
    """Return a trained Keras 3 model with dropout, compiled without metrics."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,), name="features")
    x = keras.layers.Dense(16, activation="relu", name="hidden")(inputs)
    x = keras.layers.Dropout(0.1, name="drop")(x)
    outputs = keras.layers.Dense(3, activation="softmax", name="head")(x)
    model = keras.Model(inputs, outputs, name="vectors")
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(*train_data, batch_size=16, epochs=20, verbose=0)
    return model
