"""The integers of one kernel: how large a step is, and between which two each weight lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.quantization.rounding.adaround import Grid
from tfedge.compress.quantization.rounding.windows import Windows
from tfedge.models.training.fake_quant import BITS
from tfedge.models.training.kernel_scheme import KernelScheme

_SHARES = np.linspace(0.3, 1.0, 36)
_ALMOST = 1e-3


def narrowed_range(
    kernel: np.ndarray, largest: np.ndarray, importance: np.ndarray, scheme: KernelScheme
) -> np.ndarray:
    """Return the range in which rounding a kernel to the nearest does the least harm.

    Few bits have steps so large that it pays to cut the largest weights off.

    Args:
        kernel: The weights.
        largest: Their largest magnitude, one for each range.
        importance: What a squared error of each weight counts.
        scheme: Which axes have ranges, and how many bits there are.

    Returns:
        The new range, between 0.3 and 1 times ``largest``.

    Example:
        >>> kernel = np.array([1.0, 0.3, 0.3, -0.3, -0.3])
        >>> scheme = KernelScheme("kernel", bits=2)
        >>> float(narrowed_range(kernel, np.array(1.0), kernel == 0.3, scheme).round(2))
        0.3

    Reference:
        Nagel et al., ICML 2020, arXiv:2004.10568, section 5 (the range of least squared error).
    """
    most = 2 ** (scheme.bits - 1) - 1
    others = tuple(axis for axis in range(kernel.ndim) if axis not in scheme.axes)
    best, least = largest, np.full(np.shape(largest), np.inf)
    for share in _SHARES:
        size = along(share * np.maximum(largest, np.finfo("f").tiny) / most, kernel, scheme)
        codes = np.clip(np.round(kernel / size), -most, most)
        harm = np.sum(importance * (codes * size - kernel) ** 2, axis=others).reshape(least.shape)
        if scheme.common:
            harm = np.full_like(harm, harm.sum())
        best = np.where(harm < least, share * largest, best)
        least = np.minimum(harm, least)
    return best


def along(values: np.ndarray, kernel: np.ndarray, scheme: KernelScheme) -> np.ndarray:
    """Return one value for each range in a shape that goes with the kernel.

    Example:
        >>> scheme = KernelScheme("kernel", axes=(1,))
        >>> along(np.array([1.0, 2.0]), np.ones((3, 2)), scheme).tolist()
        [[1.0, 2.0]]
    """
    axes = {axis % kernel.ndim for axis in scheme.axes}
    return np.reshape(values, [n if axis in axes else 1 for axis, n in enumerate(kernel.shape)])


def grid_of(windows: Windows, kernel: Any, scheme: KernelScheme, largest: np.ndarray) -> Grid:
    """Return the integers of a kernel.

    Weights at the ends of their range are settled, so that rounding does not move it, and so
    are channels of zeros, and zeros that are kept.

    Args:
        windows: The layer as a product of matrices.
        kernel: Its kernel, with the zeros that are kept.
        scheme: How it is quantized.
        largest: Its range.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> head = tf_keras().layers.Dense(1)
        >>> head.build((None, 2))
        >>> kernel = tf.constant([[-1.27], [0.255]])
        >>> grid = grid_of(Windows(head), kernel, KernelScheme("kernel"), np.array(1.27))
        >>> grid.floor[0, :, 0].numpy().tolist(), grid.free[0, :, 0].numpy().tolist()
        ([-127.0, 25.0], [0.0, 1.0])
    """
    most = 2.0 ** (min(scheme.bits, BITS) - 1) - 1
    values = np.asarray(kernel, np.float64)
    size = np.where(largest > 0, largest, 1.0) / most
    size = np.broadcast_to(along(size, values, scheme), values.shape)
    codes = values / size
    settled = (np.abs(codes) >= most - _ALMOST) | (along(largest, values, scheme) == 0)
    if scheme.keep_zeros:
        settled |= values == 0
    floor = np.where(settled, np.clip(np.round(codes), -most, most), np.floor(codes))
    rest = np.where(settled, 0.0, codes - floor)
    below, above, free, steps = (
        windows.matrices(one.astype("float32")) for one in (floor, rest, ~settled, size)
    )
    return Grid(below, above, free, steps, tf.constant(most))
