"""A small classifier in which one activation does not fit into 8 bits."""

import pytest

SCALE = 3000.0


@pytest.fixture(scope="session")
def outliers(keras, digits):
    """A trained classifier; one channel between 'pointwise' and 'wide' is 3000 times as large.

    Weights before and after cancel each other, so that the float model computes what it did.
    """
    layers = keras.layers
    keras.utils.set_random_seed(0)
    same = {"padding": "same", "activation": "relu"}
    image = keras.Input((8, 8, 1), name="image")
    y = layers.Conv2D(8, 3, name="first", **same)(image)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(y)
    y = layers.Conv2D(8, 1, name="pointwise", **same)(y)
    y = layers.Conv2D(8, 3, name="wide", **same)(y)
    y = layers.Flatten(name="flat")(y)
    y = layers.Dense(10, activation="softmax", name="head")(y)
    model = keras.Model(image, y, name="outliers")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits[0][:1400], digits[1][:1400], epochs=6, batch_size=16, verbose=0)
    before, bias = model.get_layer("pointwise").get_weights()
    after, rest = model.get_layer("wide").get_weights()
    before[..., 0] *= SCALE
    bias[0] = SCALE * (abs(bias[0]) + 0.1)
    after[:, :, 0] /= SCALE
    model.get_layer("pointwise").set_weights([before, bias])
    model.get_layer("wide").set_weights([after, rest])
    return model
