"""Arithmetic of fake quantization: values that an int8 file can hold, with gradients."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

BITS = 8
"""Width of the integers in a file; fewer bits are codes of a narrower range in the same bytes."""


def fake_quantized(values: Any, low: Any, high: Any) -> Any:
    """Return values rounded to the 256 steps of a range, clipped to it.

    The range is shifted so that 0 is a step. The gradient goes straight through inside of it.

    Args:
        values: Float tensor.
        low: Scalar, at most 0.
        high: Scalar, at least 0.

    Example:
        >>> print(fake_quantized(tf.constant([2.1, 900.0]), 0.0, 255.0).numpy())
        [  2. 255.]

    Reference:
        Jacob et al., CVPR 2018, arXiv:1712.05877, equation 12.
    """
    wide = tf.cast(values, tf.float32)
    made = tf.quantization.fake_quant_with_min_max_vars(wide, low, high, num_bits=BITS)
    return tf.cast(made, values.dtype)


def fake_quantized_kernel(kernel: Any, largest: Any, axes: tuple[int, ...], bits: int) -> Any:
    """Return a kernel rounded to symmetric steps, ``2**bits - 1`` of them.

    Args:
        kernel: Float32 tensor.
        largest: Largest magnitude that can be kept, scalar, or one for each channel.
        axes: The last axes, which make the channels; empty for one range for the kernel. Such
            axes are flattened while rounding: the form from which the converter takes
            ranges for each channel of a depthwise kernel.
        bits: Width of the integers, 2 to 8.

    Returns:
        A tensor shaped like ``kernel``.

    Example:
        >>> kernel = tf.constant([[0.26, 1.0], [-0.5, 3.0]])
        >>> fake_quantized_kernel(kernel, tf.constant([0.5, 3.0]), (1,), 2).numpy().tolist()
        [[0.5, 0.0], [-0.5, 3.0]]

    Reference:
        Jacob et al., CVPR 2018, arXiv:1712.05877, section 3.
    """
    shape = kernel.shape
    if len(axes) > 1:
        kernel = tf.reshape(kernel, (*shape[: -len(axes)], math.prod(shape[-len(axes) :])))
    if bits < BITS:
        kernel, size = _in_steps(kernel, largest, bits)
        largest = size * (2 ** (BITS - 1) - 1)
    made = _rounded(kernel, largest, bool(axes))
    return tf.reshape(made, shape) if len(axes) > 1 else made


def rounded_constant(values: Any, largest: Any, bits: int) -> Any:
    """Return values rounded to symmetric steps in plain arithmetic, without a range to export.

    For constants whose range the converter reads from the values themselves.

    Args:
        values: Float32 tensor.
        largest: Largest magnitude that can be kept, scalar.
        bits: Width of the integers, 2 to 8.

    Example:
        >>> rounded_constant(tf.constant([0.26, -0.5]), 0.5, 2).numpy().tolist()
        [0.5, -0.5]
    """
    return _in_steps(values, largest, bits)[0]


def _in_steps(values: Any, largest: Any, bits: int) -> tuple[Any, Any]:
    """Return values in ``2**bits - 1`` symmetric steps, and the size of a step."""
    steps = 2 ** (bits - 1) - 1
    size = tf.where(largest > 0, largest, 1.0) / steps
    rounded = tf.clip_by_value(tf.round(values / size), -steps, steps) * size
    return values + tf.stop_gradient(rounded - values), size


def _rounded(kernel: Any, largest: Any, channels: bool) -> Any:
    """Round to 255 symmetric steps, with one range or one for each entry of the last axis."""
    maker = tf.quantization.fake_quant_with_min_max_vars
    if channels:
        maker = tf.quantization.fake_quant_with_min_max_vars_per_channel
    return maker(kernel, -largest, largest, num_bits=BITS, narrow_range=True)


def largest_magnitude(kernel: Any, axes: tuple[int, ...]) -> Any:
    """Return the largest magnitude of a kernel, or of each of its channels, as a vector.

    Example:
        >>> largest_magnitude(tf.constant([[0.25, 1.0], [-0.5, 3.0]]), (1,)).numpy().tolist()
        [0.5, 3.0]
    """
    rank = len(kernel.shape)
    summed = [axis for axis in range(rank) if axis not in {one % rank for one in axes}]
    found = tf.reduce_max(tf.abs(kernel), axis=summed)
    return tf.reshape(found, [-1]) if axes else found


def learned_steps(values: Any, low: Any, high: Any, ratio: Any) -> Any:
    """Return values rounded to the 256 steps of a range whose step size is learned.

    The size of a step is ``ratio * (high - low) / 255``; the zero point stays. The gradient of
    the step size is that of LSQ, scaled by ``1 / sqrt(values of a sample * 127)``. It arrives at
    ``ratio`` divided by the first step size: gradient descent moves the step size as in the
    reference, and optimizers that normalize gradients move it relative to its size.

    Args:
        values: Float32 tensor, samples first.
        low: Lower end of the range at the start, scalar.
        high: Upper end of the range at the start, scalar.
        ratio: Step size as a multiple of the one at the start, scalar.

    Example:
        >>> print(learned_steps(tf.constant([4.9, 900.0]), 0.0, 255.0, 2.0).numpy())
        [  4. 510.]

    Reference:
        Esser et al., ICLR 2020, arXiv:1902.08153, sections 2.1 and 2.2.
    """
    most = 2**BITS - 1
    low, high = tf.cast(low, tf.float32), tf.cast(high, tf.float32)
    start = (high - low) / most
    zero = tf.clip_by_value(tf.round(-low / start), 0.0, float(most))

    @tf.custom_gradient
    def rounded(values: Any, ratio: Any) -> Any:
        """Round; hand gradients to the values inside of the range, and to the ratio."""
        size = tf.maximum(ratio, 1e-3) * start
        codes = values / size + zero
        inside = (codes >= 0) & (codes <= most)
        kept = tf.clip_by_value(tf.round(codes), 0.0, float(most)) - zero

        def gradient(upstream: Any) -> tuple[Any, Any]:
            """Return the gradients of the values and of the ratio."""
            slope = tf.where(inside, kept - values / size, kept)
            count = tf.cast(tf.size(values) // tf.shape(values)[0], tf.float32)
            scale = tf.math.rsqrt(count * (2 ** (BITS - 1) - 1))
            own = tf.where(inside, upstream, tf.zeros_like(upstream))
            return own, tf.reduce_sum(upstream * slope) * scale / start

        return kept * size, gradient

    return rounded(values, ratio)
