"""Masks in a graph are those of NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfedge.core import masks
from tfedge.core.patterns import parse_pattern
from tfedge.models.training import graph_masks

RNG = np.random.default_rng(0)
SHAPES = [(7,), (16, 10), (3, 3, 8, 5), (2, 3, 3, 6, 4), (8, 2, 5)]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.97])
def test_one_kernel(sparsity, jit):
    for shape in SHAPES:
        for pattern in ("element", "4x1", "*x*x4x2", "2:4", "1:3"):
            kernel = RNG.normal(size=shape).astype("float32")
            axis = -1 if len(shape) == 1 else -2
            kind = parse_pattern(pattern)

            @tf.function(jit_compile=jit)
            def traced(kernel, share, kind=kind, axis=axis):
                return graph_masks.magnitude_mask(kernel, share, kind, axis)

            found = traced(tf.constant(kernel), tf.constant(sparsity))
            expected = masks.magnitude_mask(kernel, sparsity, pattern, axis)
            np.testing.assert_array_equal(found.numpy(), expected, err_msg=f"{shape} {pattern}")


@pytest.mark.parametrize("pattern", ["element", "4x1"])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.99])
def test_several_kernels(sparsity, pattern):
    kernels = [RNG.normal(size=shape).astype("float32") * (n + 1) for n, shape in enumerate(SHAPES)]
    found = graph_masks.global_masks([*map(tf.constant, kernels)], sparsity, parse_pattern(pattern))
    for mask, expected in zip(found, masks.global_masks(kernels, sparsity, pattern), strict=True):
        np.testing.assert_array_equal(mask.numpy(), expected)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_masks_have_the_dtype_of_the_weights(dtype):
    kernel = tf.constant(RNG.normal(size=(8, 4)), dtype)
    for pattern in ("element", "2:4", "4x1"):
        mask = graph_masks.magnitude_mask(kernel, 0.5, parse_pattern(pattern), -2)
        assert mask.dtype == dtype and float(tf.reduce_mean(mask)) == 0.5
