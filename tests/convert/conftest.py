"""Small models of both flavours and the data they are trained on."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tfedge.models.flavours import keras3, tf_keras


@pytest.fixture(scope="session")
def digits():
    """Handwritten digits, 8x8, in [0, 1]: images and labels."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x / 16).reshape(-1, 8, 8, 1).astype("float32")[order], y[order]


@pytest.fixture(scope="session", params=["keras3", "tf_keras"])
def keras(request):
    """One of the two Kerases."""
    return keras3() if request.param == "keras3" else tf_keras()


@pytest.fixture(scope="session")
def cnn(keras, digits):
    """A trained classifier of digits."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(12, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm", momentum=0.9),
            layers.ReLU(name="relu"),
            layers.Flatten(name="flat"),
            layers.Dense(10, activation="softmax", name="classes"),
        ],
        name="digits",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*digits, epochs=4, verbose=0)
    return model


@pytest.fixture(scope="session")
def two_in_two_out(keras):
    """A model with two named inputs of different shape and two outputs."""
    layers = keras.layers
    left, right = keras.Input((4,), name="left"), keras.Input((3,), name="right")
    total = layers.Add(name="total")([layers.Dense(5)(left), layers.Dense(5)(right)])
    both = layers.Concatenate(name="both")([left, right])
    return keras.Model([left, right], [total, both], name="pair")
