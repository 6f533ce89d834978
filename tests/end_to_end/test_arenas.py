"""Plans of networks with unusual operators, against what tflite-micro allocates for their files."""

import keras
import numpy as np
import pytest

import tfedge
from tfedge.runtime.memory.micro import micro_available

pytestmark = pytest.mark.skipif(not micro_available(), reason="tflite-micro is not installed")
layers = keras.layers


def upsampling(x):
    """Transposed convolutions, whose sums are wide, and an output that is read again."""
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="up")(x)
    return [x, layers.Conv2DTranspose(2, 2, strides=2, name="out")(layers.ReLU()(x))]


def branches(x):
    """A residual sum, a concatenation and reductions."""
    left = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    right = layers.DepthwiseConv2D(5, padding="same")(left)
    both = layers.Concatenate()([layers.Add()([left, right]), x])
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(both)
    return layers.Dense(5)(layers.GlobalMaxPooling2D()(layers.Multiply()([both, pooled])))


def attention(x):
    """Products of two activations."""
    flat = layers.Reshape((64, 4))(x)
    return layers.Dense(3)(layers.MultiHeadAttention(2, 6)(flat, flat))


def recurrent(x):
    """States, and the memory of four gates."""
    return layers.Dense(3)(layers.LSTM(12)(layers.Reshape((16, 16))(x)))


EVERY = ["int8", "float32", "int16x8"]
CASES = [(network, mode) for network in (upsampling, attention) for mode in EVERY]
CASES += [(network, mode) for network in (branches, recurrent) for mode in EVERY[:2]]


@pytest.mark.parametrize(("network", "quantize"), CASES)
def test_plans(network, quantize):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 4), name="x")
    model = keras.Model(inputs, network(inputs))
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 4)).astype("float32")
    calibration = None if quantize == "float32" else x
    lite = tfedge.convert(model, quantize, calibration=calibration, parity=False)
    found = tfedge.memory(lite, micro=True)
    assert found.arena_bytes == found.micro.head_bytes
