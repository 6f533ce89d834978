"""Pictures for benchmarks of training: the same batches for every tool, in NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

SHIFT = 4


def augmented(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift images (n, side, side, channels) by up to 4 pixels and mirror half of them."""
    count, side = len(images), images.shape[1]
    padded = np.pad(images, [(0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)])
    top, left = rng.integers(0, 2 * SHIFT + 1, (2, count, 1))
    rows, columns = top + np.arange(side), left + np.arange(side)
    columns = np.where(rng.random((count, 1)) < 0.5, columns[:, ::-1], columns)
    return padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def batches(
    x: np.ndarray, y: np.ndarray, *, epochs: int, size: int, seed: int, augment: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield float32 batches of whole size, in a new order every epoch."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - size + 1, size):
            chosen = order[start : start + size]
            images = augmented(x[chosen], rng) if augment else x[chosen]
            yield images.astype(np.float32), y[chosen].astype(np.int64)


def load(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an ``.npz`` file by name."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}
