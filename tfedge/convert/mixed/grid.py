"""Kernels on a grid of few values: as accurate as 4-bit integers, stored in 8 bits.

No runtime for small devices has 4-bit kernels of every convolution, and older ones give wrong
values where there are some. So each code takes a byte, every runtime knows the file, and gzip
finds that few codes occur.
"""

from __future__ import annotations

import numpy as np

_LARGEST = 7
_SHARES = np.linspace(0.5, 1.0, 26)


def on_grid(kernel: np.ndarray, axis: int | None) -> np.ndarray:
    """Return a kernel of 15 values, -7 to 7 steps, for each output channel.

    The step is the one with the least squared error, among 26 from half of the largest weight's
    to all of it.

    Args:
        kernel: Weights.
        axis: Axis of the output channels; None for one step for all of them.

    Returns:
        Weights of the same shape, float32.

    Example:
        >>> on_grid(np.array([[7.0, 3.0], [0.7, 0.1]]), axis=0)
        array([[7. , 3. ],
               [0.7, 0.1]], dtype=float32)

    Reference:
        Banner et al., NeurIPS 2019, arXiv:1810.05723, section 3.
    """
    moved = np.moveaxis(kernel, axis, 0) if axis is not None else kernel[None]
    rows = moved.reshape(len(moved), -1).astype(np.float64)
    largest = np.abs(rows).max(axis=1, initial=0.0, keepdims=True)
    best, least = np.zeros_like(rows), np.full((len(rows), 1), np.inf)
    for share in _SHARES[::-1]:
        step = np.where(largest > 0, share * largest / _LARGEST, 1.0)
        found = step * np.clip(np.rint(rows / step), -_LARGEST, _LARGEST)
        error = np.sum((found - rows) ** 2, axis=1, keepdims=True)
        best, least = np.where(error < least, found, best), np.minimum(error, least)
    shaped = best.reshape(moved.shape).astype(np.float32)
    return np.moveaxis(shaped, 0, axis) if axis is not None else shaped[0]
