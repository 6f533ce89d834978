"""Learned rounding of one kernel, beside all roundings that there are."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.quantization.rounding.adaround import (
    Grid,
    Task,
    errors,
    learned,
    rectified_sigmoid,
)
from tfedge.compress.quantization.rounding.kernel_grid import along, grid_of, narrowed_range
from tfedge.compress.quantization.rounding.windows import Windows
from tfedge.models.flavours import tf_keras
from tfedge.models.training.fake_quant import fake_quantized_kernel
from tfedge.models.training.kernel_scheme import KernelScheme

layers = tf_keras().layers
SETTINGS = {"steps": 400, "batch_size": 32, "learning_rate": 0.1, "seed": 0}


def _correlated(seed, inputs=8, channels=3):
    """Return rows whose columns go together, and weights."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(256, 4)) @ rng.normal(size=(4, inputs))
    rows += 0.1 * rng.normal(size=rows.shape)
    return rows.astype("float32"), rng.normal(size=(inputs, channels)).astype("float32")


def _task(rows, weights, ends=(-1e9, 1e9), shift=0.0):
    channels = weights.shape[1]
    target = np.clip(rows @ weights + shift, *ends).astype("float32")
    ones = tf.ones(channels)
    ends = tf.constant(ends, tf.float32)
    return Task(tf.constant(rows)[:, None], target, ones, shift * ones, ends)


def _grid(weights, size=0.5, most=7.0):
    floor = np.floor(weights / size)
    parts = (floor, weights / size - floor, np.ones_like(floor), np.full_like(floor, size))
    return Grid(*(tf.constant(part[None], tf.float32) for part in parts), most=tf.constant(most))


def test_it_is_among_the_best_of_all_roundings():
    better, ratio = [], []
    for seed in range(3):
        rows, weights = _correlated(seed)
        task, grid = _task(rows, weights), _grid(weights)
        nearest = errors(task, grid.weights(tf.round(grid.rest))).numpy()
        found = errors(task, grid.weights(learned(task, grid, **SETTINGS))).numpy()
        assert np.all(found <= nearest)
        ratio.append(np.mean(found / nearest))
        ups = np.array(list(itertools.product((0.0, 1.0), repeat=len(weights)))).T
        for channel, expected in enumerate((rows @ weights).T):
            codes = np.clip(grid.floor.numpy()[0, :, channel, None] + ups, -7, 7)
            squares = np.mean((rows @ (codes * 0.5) - expected[:, None]) ** 2, axis=0)
            better.append(np.mean(squares < 0.999 * found[channel]))
    assert np.mean(ratio) < 0.6
    assert np.median(better) < 0.03 and np.max(better) < 0.15


def test_what_a_relu_cuts_off_does_not_count():
    rows, weights = _correlated(0, inputs=32, channels=8)
    task, grid = _task(rows, weights, (0.0, 1e9), shift=-10.0), _grid(weights)
    linear = _task(rows, weights, shift=-10.0)
    with_relu = errors(task, grid.weights(learned(task, grid, **SETTINGS)))
    without = errors(task, grid.weights(learned(linear, grid, **SETTINGS)))
    assert np.sum(with_relu) < 0.9 * np.sum(without)


def test_settled_weights_stay_and_seeds_repeat():
    rows, weights = _correlated(1)
    task, grid = _task(rows, weights), _grid(weights)
    settled = grid._replace(free=tf.zeros_like(grid.free), rest=tf.zeros_like(grid.rest))
    up = learned(task, settled, **SETTINGS)
    assert np.array_equal(settled.weights(up), grid.floor * 0.5)
    again = [learned(task, grid, **SETTINGS).numpy() for _ in range(2)]
    assert np.array_equal(*again)
    assert set(np.unique(again[0])) <= {0.0, 1.0}


def test_rectified_sigmoid_is_the_formula():
    x = np.linspace(-6, 6, 25)
    expected = np.minimum(np.maximum(1.2 / (1 + np.exp(-x)) - 0.1, 0), 1)
    assert np.allclose(rectified_sigmoid(tf.constant(x)), expected, atol=1e-6)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("axes", [(), (3,)])
def test_the_nearest_integers_are_those_of_fake_quantization(bits, axes):
    conv = layers.Conv2D(5, 3)
    conv.build((None, 8, 8, 4))
    scheme, windows = KernelScheme("kernel", axes, bits), Windows(conv)
    kernel = np.random.default_rng(bits).normal(size=conv.kernel.shape).astype("float32")
    kernel[..., 2] = 0
    largest = np.abs(kernel).max((0, 1, 2)) if axes else np.abs(kernel).max()
    grid = grid_of(windows, kernel, scheme, largest)
    found = windows.kernel(grid.weights(tf.round(grid.rest)))
    expected = fake_quantized_kernel(tf.constant(kernel), largest, axes, bits)
    assert np.allclose(found, expected, atol=1e-6 * float(np.max(largest)))
    every = windows.kernel(grid.weights(tf.ones_like(grid.rest))).numpy()
    ends = np.abs(every).max((0, 1, 2)) if axes else np.abs(every).max()
    assert np.allclose(ends, largest), "rounding up must not move the range"


def test_a_range_is_narrowed_where_that_does_less_harm():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(400, 2))
    kernel[0] = 20.0, 0.01
    scheme = KernelScheme("kernel", (1,), 4)
    largest = np.abs(kernel).max(0)
    found = narrowed_range(kernel, largest, np.ones_like(kernel), scheme)
    squares = {
        share: np.sum((np.clip(np.round(kernel / size), -7, 7) * size - kernel) ** 2, 0)
        for share in np.linspace(0.3, 1, 36)
        for size in [along(share * largest / 7, kernel, scheme)]
    }
    for channel in range(2):
        best = min(squares, key=lambda share: squares[share][channel])
        assert np.isclose(found[channel], best * largest[channel])
    assert np.all(found < largest)
