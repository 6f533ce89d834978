"""Quantizing inputs at the speed of memory: in blocks that stay in the processor's cache."""

from __future__ import annotations

import numpy as np

_BLOCK = 1 << 15


def to_codes(
    real: np.ndarray, scale: float, zero_point: int, dtype: str, out: np.ndarray | None = None
) -> np.ndarray | None:
    """Return the codes of real values, the same as `tfedge.core.affine.quantize` gives.

    Largest and smallest value of each block tell at once whether it must be clipped and whether
    a value is not finite.

    Args:
        real: Real values, any shape.
        scale: Real size of one step, > 0.
        zero_point: Code of the real value 0.
        dtype: Integer type of the codes.
        out: Contiguous memory for the codes, shaped like ``real``; new memory by default.

    Returns:
        Codes, shaped like ``real``, or None if a value is NaN or infinite.

    Example:
        >>> to_codes(np.array([-1.0, 0.0, 100.0]), 0.5, 3, "int8")
        array([  1,   3, 127], dtype=int8)
        >>> to_codes(np.array([np.nan]), 0.5, 3, "int8") is None
        True
    """
    flat = np.ascontiguousarray(real).reshape(-1)
    codes = np.empty(flat.size, dtype) if out is None else out.reshape(-1)
    work = np.empty(min(_BLOCK, flat.size), np.float32)
    inverse, offset = np.float32(1.0 / scale), np.float32(zero_point)
    low, high = np.float32(np.iinfo(dtype).min), np.float32(np.iinfo(dtype).max)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _BLOCK):
            block = flat[start : start + _BLOCK]
            values = np.multiply(block, inverse, out=work[: block.size], dtype=np.float32)
            np.rint(values, out=values)
            values += offset
            least, most = values.min(), values.max()
            if not (least >= low and most <= high):
                if not np.isfinite(block.astype(np.float32)).all():
                    return None
                np.clip(values, low, high, out=values)
            codes[start : start + _BLOCK] = values
    return codes.reshape(real.shape)
