"""The mapping between real values and integers that LiteRT kernels assume.

``real = scale * (q - zero_point)``: Jacob et al., CVPR 2018, arXiv:1712.05877, section 2.1.
"""

from __future__ import annotations

import numpy as np

from tfedge.core.errors import ArgumentError


def quantize(real, scale: float, zero_point: int, dtype) -> np.ndarray:
    """Round real values to the nearest integer code, ties to even, saturating.

    Args:
        real: Real values, any shape.
        scale: Real size of one step, > 0.
        zero_point: Code of the real value 0.
        dtype: Integer dtype of the codes, for example ``"int8"``.

    Returns:
        Codes, shaped like ``real``, of ``dtype``.

    Raises:
        ArgumentError: If ``scale`` is not a positive finite number.

    Example:
        >>> quantize([-1.0, 0.0, 100.0], scale=0.5, zero_point=3, dtype="int8")
        array([  1,   3, 127], dtype=int8)
    """
    if not (np.isfinite(scale) and scale > 0):
        raise ArgumentError(f"scale={scale!r} must be a positive finite number.")
    limits = np.iinfo(dtype)
    codes = np.multiply(real, np.float32(1.0 / scale), dtype=np.float32)
    np.rint(codes, out=codes)
    codes += np.float32(zero_point)
    np.clip(codes, limits.min, limits.max, out=codes)
    return codes.astype(dtype)


def dequantize(codes, scale: float, zero_point: int) -> np.ndarray:
    """Return the real values that integer codes stand for.

    Args:
        codes: Integer codes, any shape.
        scale: Real size of one step.
        zero_point: Code of the real value 0.

    Returns:
        float32 values, shaped like ``codes``.

    Example:
        >>> dequantize(np.array([1, 3], "int8"), scale=0.5, zero_point=3)
        array([-1.,  0.], dtype=float32)
    """
    centred = np.asarray(codes).astype(np.float32) - np.float32(zero_point)
    return centred * np.float32(scale)
