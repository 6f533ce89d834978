"""Fake quantization against NumPy and the formulas of the papers."""

import numpy as np
import pytest
import tensorflow as tf

from tfedge.models.flavours import tf_keras
from tfedge.models.training.activation_range import Range
from tfedge.models.training.fake_quant import fake_quantized_kernel, learned_steps
from tfedge.models.training.quantized import QuantizeLayer

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("axes", [(), (3,), (2, 3)])
def test_kernels_are_rounded_to_symmetric_steps(bits, axes):
    kernel = RNG.normal(size=(3, 3, 4, 5)).astype("float32")
    kept = tuple(axis for axis in range(4) if axis not in axes)
    largest = np.abs(kernel).max(kept, keepdims=True)
    step = largest / (2 ** (bits - 1) - 1)
    found = fake_quantized_kernel(
        tf.constant(kernel), largest.ravel() if axes else largest.item(), axes, bits
    )
    np.testing.assert_allclose(found, np.round(kernel / step) * step, atol=1e-5)


def test_gradients_of_learned_steps_are_those_of_the_paper():
    values = RNG.normal(scale=2.0, size=(6, 10)).astype("float32")
    low, high = np.float32(-1.28), np.float32(1.27)
    ratio, inputs = tf.Variable(1.0), tf.Variable(values)
    with tf.GradientTape() as tape:
        made = learned_steps(inputs, low, high, ratio)
        loss = tf.reduce_sum(made * made) / 2
    to_inputs, to_ratio = tape.gradient(loss, [inputs, ratio])
    size = (high - low) / 255
    v = values / size
    inside = (v >= -128) & (v <= 127)
    rounded = np.clip(np.round(v), -128, 127)
    np.testing.assert_allclose(made, rounded * size, atol=1e-5)
    np.testing.assert_allclose(to_inputs, np.where(inside, made, 0), atol=1e-5)
    slope = np.where(inside, rounded - v, rounded)
    expected = np.sum(made * slope) / np.sqrt(10 * 127) / size
    np.testing.assert_allclose(to_ratio, expected, rtol=1e-3)


def watched(layer):
    """Return the range of a layer."""
    _, variables = layer.ranges["output"]
    return float(variables["min_var"]), float(variables["max_var"])


def test_a_range_starts_at_the_first_batch_follows_and_freezes():
    layer = QuantizeLayer(Range(freeze_after=3), name="r")
    batches = [RNG.normal(size=(4, 5)).astype("float32") for _ in range(6)]
    lows, highs = ([f(b) for b in batches] for f in (np.min, np.max))
    for batch in batches:
        layer(batch, training=True)
    low, high = lows[0], highs[0]
    for a, b in zip(lows[1:3], highs[1:3], strict=True):
        low, high = 0.99 * low + 0.01 * a, 0.99 * high + 0.01 * b
    np.testing.assert_allclose(watched(layer), (low, high), rtol=1e-5)
    layer(10 * batches[0], training=False)
    np.testing.assert_allclose(watched(layer), (low, high), rtol=1e-5)


def test_all_values_and_symmetric_ranges():
    widest, even = (
        QuantizeLayer(one, name="r") for one in (Range("all_values"), Range(symmetric=True))
    )
    for batch in ([[-1.0, 3.0]], [[0.5, 7.0]], [[-2.0, 1.0]]):
        widest(tf.constant(batch), training=True)
    assert watched(widest) == (-2.0, 7.0)
    even(tf.constant([[-1.0, 12.7]]), training=True)
    np.testing.assert_allclose(watched(even), (-12.8, 12.7), rtol=1e-6)


def test_a_learned_range_ends_to_learn():
    layer = QuantizeLayer(Range("learned", freeze_after=2), name="r")
    batch = tf.constant(RNG.normal(size=(4, 5)), "float32")
    slopes = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(batch, training=True) ** 2)
        slopes.append(float(tape.gradient(loss, layer.trainable_variables[0])))
    assert all(slopes[:2]) and not any(slopes[2:])


def test_the_learning_phase_may_be_a_tensor():
    layer = QuantizeLayer(Range(), name="r")
    layer.build((None, 2))
    run = tf.function(lambda x, training: layer(x, training=training))
    run(tf.constant([[1.0, 2.0]]), tf.constant(False))
    assert watched(layer) == (-6.0, 6.0)
    run(tf.constant([[-1.0, 2.0]]), tf.constant(True))
    assert watched(layer) == (-1.0, 2.0)
    assert tf_keras().backend.learning_phase() in (0, 1, False, True)
