"""Magnitude masks: which weights of a kernel stay. NumPy in, boolean NumPy out.

A mask is True where a weight stays. Of weights with equal magnitude those that come first in
memory stay, so a mask has exactly as many zeros as were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfedge.core.patterns import Pattern, parse_pattern


def magnitude_mask(
    kernel: np.ndarray, sparsity: float, pattern: str = "element", axis: int = -2
) -> np.ndarray:
    """Return the mask of one kernel.

    Args:
        kernel: Weights of any rank.
        sparsity: Fraction of zeros, in [0, 1). The number of weights (or blocks) that stay is
            rounded to the nearest, and is at least 1.
        pattern: As :func:`tfedge.core.patterns.parse_pattern` reads it. With N:M, a sparsity
            below ``1 - N/M`` gives the nearest number of zeros per group, one above it no more.
        axis: The axis of the input channels, along which N:M counts. A rest that is smaller
            than M keeps up to N weights.

    Returns:
        Boolean array shaped like ``kernel``.

    Raises:
        ArgumentError: If ``pattern`` is not known.

    Example:
        >>> kernel = np.array([[0.1, -4.0], [3.0, 0.2], [2.0, 0.3], [0.0, 5.0]])
        >>> magnitude_mask(kernel, 0.5).astype(int).tolist()
        [[0, 1], [1, 0], [1, 0], [0, 1]]
        >>> magnitude_mask(kernel, 0.75, "1:4").astype(int).tolist()
        [[0, 0], [1, 0], [0, 0], [0, 1]]

    Reference:
        Zhu and Gupta, 2017, arXiv:1710.01878 (element); Mishra et al., 2021, arXiv:2104.08378
        (2:4).
    """
    kind = parse_pattern(pattern)
    if kind.m:
        return _groups(np.abs(kernel), _zeros_per_group(kind, sparsity), kind.m, axis)
    scores = block_scores(kernel, kind)
    return _spread(_largest(scores, sparsity), kind, kernel.shape)


def global_masks(
    kernels: Sequence[np.ndarray], sparsity: float, pattern: str = "element"
) -> list[np.ndarray]:
    """Return the masks of several kernels under one threshold.

    Layers whose weights are small give up more of them. At least one weight (or block) of each
    kernel stays, so that no layer is cut off.

    Args:
        kernels: Weights of any ranks.
        sparsity: Fraction of zeros over all of them, in [0, 1).
        pattern: ``"element"`` or a block. Blocks compete by their mean magnitude, one block one
            vote, whatever its size.

    Returns:
        One boolean array per kernel.

    Raises:
        ArgumentError: If ``pattern`` is not known.

    Example:
        >>> masks = global_masks([np.array([4.0, 3.0]), np.array([1.0, 2.0])], 0.5)
        >>> [mask.tolist() for mask in masks]
        [[True, True], [False, True]]
    """
    kind = parse_pattern(pattern)
    scores = [block_scores(kernel, kind) for kernel in kernels]
    kept = _largest(np.concatenate([score.ravel() for score in scores]), sparsity)
    parts = np.split(kept, np.cumsum([score.size for score in scores])[:-1])
    for part, score in zip(parts, scores, strict=True):
        part[np.argmax(score)] = True
    return [
        _spread(part.reshape(score.shape), kind, kernel.shape)
        for part, score, kernel in zip(parts, scores, kernels, strict=True)
    ]


def block_scores(kernel: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Return the mean magnitude of each block; blocks at the edge average what they have.

    Example:
        >>> block_scores(np.array([[1.0, 3.0, 5.0]]), parse_pattern("1x2")).tolist()
        [[2.0, 5.0]]
    """
    if not pattern.block:
        return np.abs(kernel)
    block = pattern.block_in(kernel.shape)
    inner = tuple(range(1, 2 * kernel.ndim, 2))
    sums, counts = (
        _tiled(values, block).sum(inner) for values in (np.abs(kernel), np.ones(kernel.shape))
    )
    return sums / counts


def _tiled(values: np.ndarray, block: tuple[int, ...]) -> np.ndarray:
    """Return an array with each axis split into (blocks, side), padded with zeros."""
    pads = [(0, -axis % side) for axis, side in zip(values.shape, block, strict=True)]
    padded = np.pad(values, pads)
    split = zip(padded.shape, block, strict=True)
    return padded.reshape([part for axis, side in split for part in (axis // side, side)])


def _spread(kept: np.ndarray, pattern: Pattern, shape: tuple[int, ...]) -> np.ndarray:
    """Return the mask of a kernel from that of its blocks."""
    if not pattern.block:
        return kept
    for axis, side in enumerate(pattern.block_in(shape)):
        kept = kept.repeat(side, axis)
    return kept[tuple(slice(axis) for axis in shape)]


def _largest(scores: np.ndarray, sparsity: float) -> np.ndarray:
    """Return True for the largest scores, at least one."""
    stay = max(round(scores.size * (1 - sparsity)), 1)
    kept = np.zeros(scores.size, bool)
    kept[np.argsort(-scores.ravel(), kind="stable")[:stay]] = True
    return kept.reshape(scores.shape)


def _zeros_per_group(pattern: Pattern, sparsity: float) -> int:
    """Return how many weights of a group go."""
    return min(round(sparsity * pattern.m), pattern.m - pattern.n)


def _groups(scores: np.ndarray, zeros: int, m: int, axis: int) -> np.ndarray:
    """Return True for the largest of each group; padding is smaller than every weight."""
    last = np.moveaxis(scores, axis, -1)
    pads = [(0, 0)] * (last.ndim - 1) + [(0, -last.shape[-1] % m)]
    grouped = np.pad(last, pads, constant_values=-1).reshape(*last.shape[:-1], -1, m)
    order = np.argsort(-grouped, axis=-1, kind="stable")
    ranks = np.argsort(order, axis=-1, kind="stable")
    kept = (ranks < m - zeros).reshape(*last.shape[:-1], -1)[..., : last.shape[-1]]
    return np.moveaxis(kept, -1, axis)
