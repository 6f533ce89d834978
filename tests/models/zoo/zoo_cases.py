"""What tests of the zoo share: two input shapes for each architecture, and a short training."""

import numpy as np
import pytest

import tfedge
from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.names import ARCHITECTURES

SHAPES = {
    "image": {"small": (28, 28, 1), "large": (96, 96, 3)},
    "spectrogram": {"small": (25, 8, 1), "large": (49, 10, 1)},
    "series": {"small": (50, 3), "large": (128, 6)},
    "features": {"small": (64,), "large": (640,)},
}
NAMES = list(ARCHITECTURES)
CLASSES = 4
SAMPLES = 96


def some(quick):
    """Return all names as parameters of a test; those that are not listed are slow."""
    marks = {True: [], False: pytest.mark.slow}
    return [pytest.param(name, marks=marks[name in quick.split()]) for name in NAMES]


def shape_of(name, size):
    """Return one of the two input shapes of an architecture."""
    return SHAPES[ARCHITECTURES[name][2]][size]


def samples(shape):
    """Return smooth patterns with noise, and which pattern it is."""
    rng = np.random.default_rng(0)
    coarse = [min(side, 4) for side in shape[:-1]] + [shape[-1]]
    patterns = rng.normal(size=(CLASSES, *(coarse if len(shape) > 1 else shape)))
    for axis, side in enumerate(shape[:-1], 1):
        places = np.arange(side) * patterns.shape[axis] // side
        patterns = np.take(patterns, places, axis)
    y = np.arange(SAMPLES) % CLASSES
    return (patterns[y] + 0.3 * rng.normal(size=(SAMPLES, *shape))).astype("float32"), y


def made(name, size, epochs=4, **settings):
    """Return a network after a short training, inputs, and what is to come out."""
    tf_keras().utils.set_random_seed(0)
    x, y = samples(shape_of(name, size))
    if ARCHITECTURES[name][2] == "features":
        y = x
    else:
        settings["classes"] = CLASSES
    model = tfedge.zoo.build(name, input_shape=x.shape[1:], **settings)
    for one in model.layers:
        if type(one).__name__ == "BatchNormalization":
            one.momentum = 0.7  # few steps are to be enough
    train(model, x, y, epochs)
    return model, x, y


def train(model, x, y, epochs=1):
    """Train a network, and see that it changes."""
    loss = "mse" if y.ndim > 1 else "sparse_categorical_crossentropy"
    model.compile(tf_keras().optimizers.legacy.Adam(2e-3), loss)
    before = model.get_weights()
    history = model.fit(x, y, batch_size=SAMPLES // 4, epochs=epochs, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
