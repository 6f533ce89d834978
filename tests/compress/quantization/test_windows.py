"""Layers as matrix products compute what Keras computes."""

import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.quantization.rounding.windows import Windows
from tfedge.models.flavours import tf_keras

keras = tf_keras()
layers = keras.layers
SIZES = ((1, 1), (2, 3), (3, 3))


def _convolutions():
    """Yield convolutions of all kinds over an image of 9 by 7 with 4 channels."""
    for padding in ("same", "valid"):
        for size in SIZES:
            for strides in (1, 2, 3):
                common = {"kernel_size": size, "strides": strides, "padding": padding}
                yield layers.Conv2D(6, **common)
                yield layers.Conv2D(6, groups=2, **common)
                yield layers.Conv2DTranspose(6, **common)
                yield layers.DepthwiseConv2D(depth_multiplier=2, **common)
        yield layers.Conv2D(6, 3, dilation_rate=2, padding=padding)
        yield layers.DepthwiseConv2D(3, dilation_rate=(2, 1), padding=padding)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shape", [(4, 6), (4, 5, 6), (4, 9, 7, 4)])
def test_windows_times_matrices_are_what_keras_makes(shape):
    rng = np.random.default_rng(0)
    for layer in [layers.Dense(3)] if len(shape) < 4 else _convolutions():
        layer.use_bias = False
        x = rng.normal(size=shape).astype("float32")
        made = layer(x).numpy()
        windows, [kernel] = Windows(layer), layer.weights
        matrices = windows.matrices(kernel)
        places = windows.places(x.shape, 5, rng)
        found = tf.einsum("rgd,gdo->rgo", windows.rows(x, places), matrices)
        expected = np.take_along_axis(
            made.reshape(len(x), -1, made.shape[-1]), places[..., None], axis=1
        )
        config = layer.get_config()
        assert np.allclose(np.reshape(found, expected.shape), expected, atol=1e-4), config
        assert np.array_equal(windows.kernel(matrices), kernel), config


def test_positions_are_drawn_without_repetition_and_none_is_left_out():
    windows, rng = Windows(layers.Conv2D(1, 3, padding="valid")), np.random.default_rng(0)
    some = windows.places((5, 10, 8, 3), 20, rng)
    assert some.shape == (5, 20) and some.max() < 48
    assert all(len(set(row)) == 20 for row in some.tolist())
    every = windows.places((5, 10, 8, 3), 99, rng)
    assert np.array_equal(every, np.tile(np.arange(48), (5, 1)))
