"""The masks of :mod:`tfedge.core.masks` as TensorFlow operations, for masks that change in a graph.

Sparsity may be a tensor. Masks come in the dtype of the weights: 1 where a weight stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.core.patterns import Pattern


def magnitude_mask(kernel: Any, sparsity: Any, pattern: Pattern, axis: int | None) -> Any:
    """Return the mask of one kernel; see :func:`tfedge.core.masks.magnitude_mask`.

    Args:
        kernel: Weights, with a static shape.
        sparsity: Fraction of zeros, number or scalar tensor.
        pattern: Where zeros may lie.
        axis: The axis of the input channels, for N:M.

    Example:
        >>> kernel = tf.constant([[0.1, -4.0], [3.0, 0.2]])
        >>> magnitude_mask(kernel, 0.5, Pattern(), None).numpy().tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    size = tf.abs(tf.convert_to_tensor(kernel))
    if pattern.m:
        return tf.cast(_groups(size, sparsity, pattern, axis), size.dtype)
    scores = _block_scores(size, pattern)
    kept = tf.reshape(_largest(tf.reshape(scores, [-1]), sparsity), scores.shape)
    return tf.cast(_spread(kept, pattern, size.shape), size.dtype)


def global_masks(kernels: Sequence[Any], sparsity: Any, pattern: Pattern) -> list[Any]:
    """Return the masks of several kernels under one threshold.

    See :func:`tfedge.core.masks.global_masks`.

    Args:
        kernels: Weights, with static shapes.
        sparsity: Fraction of zeros over all of them, number or scalar tensor.
        pattern: Single weights or blocks.

    Example:
        >>> masks = global_masks([tf.constant([4.0, 3.0]), tf.constant([1.0, 2.0])], 0.5, Pattern())
        >>> [mask.numpy().tolist() for mask in masks]
        [[1.0, 1.0], [0.0, 1.0]]
    """
    sizes = [tf.abs(tf.convert_to_tensor(kernel)) for kernel in kernels]
    scores = [_block_scores(size, pattern) for size in sizes]
    flat = [tf.reshape(tf.cast(score, tf.float32), [-1]) for score in scores]
    parts = tf.split(_largest(tf.concat(flat, 0), sparsity), [one.shape[0] for one in flat])
    masks = []
    for part, one, score, size in zip(parts, flat, scores, sizes, strict=True):
        best = tf.equal(tf.range(one.shape[0], dtype=tf.int64), tf.argmax(one))
        kept = tf.reshape(part | best, score.shape)
        masks.append(tf.cast(_spread(kept, pattern, size.shape), size.dtype))
    return masks


def _largest(scores: Any, sparsity: Any) -> Any:
    """Return True for the largest of a vector of scores, at least one."""
    count = scores.shape[0]
    stay = tf.maximum(tf.round(float(count) * (1.0 - tf.cast(sparsity, tf.float32))), 1.0)
    order = tf.math.top_k(scores, count).indices
    early = tf.range(count) < tf.cast(stay, tf.int32)
    return tf.scatter_nd(order[:, None], early, [count])


def _groups(size: Any, sparsity: Any, pattern: Pattern, axis: int | None) -> Any:
    """Return True for the largest of each group; padding is smaller than every weight."""
    m, order = pattern.m, _axis_last(size.shape.rank, axis)
    last = tf.transpose(size, order)
    length = last.shape[-1]
    pads = [[0, 0]] * (size.shape.rank - 1) + [[0, -length % m]]
    grouped = tf.reshape(tf.pad(last, pads, constant_values=-1), [-1, m])
    ranks = tf.argsort(tf.math.top_k(grouped, m).indices, axis=-1)
    zeros = tf.minimum(tf.round(tf.cast(sparsity, tf.float32) * m), float(m - pattern.n))
    kept = tf.reshape(ranks < m - tf.cast(zeros, tf.int32), [*last.shape[:-1], -1])
    return tf.transpose(kept[..., :length], np.argsort(order))


def _axis_last(rank: int, axis: int | None) -> list[int]:
    """Return the order of axes that puts one of them last."""
    wanted = rank - 1 if axis is None else axis % rank
    return [one for one in range(rank) if one != wanted] + [wanted]


def _block_scores(size: Any, pattern: Pattern) -> Any:
    """Return the mean of each block; blocks at the edge average what they have."""
    if not pattern.block:
        return size
    block = pattern.block_in(tuple(size.shape))
    inner = list(range(1, 2 * len(block), 2))
    counts = tf.reduce_sum(_tiled(tf.ones_like(size), block), inner)
    return tf.reduce_sum(_tiled(size, block), inner) / counts


def _tiled(values: Any, block: tuple[int, ...]) -> Any:
    """Return a tensor with each axis split into (blocks, side), padded with zeros."""
    pads = [(0, -axis % side) for axis, side in zip(values.shape, block, strict=True)]
    padded = tf.pad(values, pads)
    split = zip(padded.shape, block, strict=True)
    return tf.reshape(padded, [part for axis, side in split for part in (axis // side, side)])


def _spread(kept: Any, pattern: Pattern, shape: Any) -> Any:
    """Return the mask of a kernel from that of its blocks."""
    if not pattern.block:
        return kept
    for axis, side in enumerate(pattern.block_in(tuple(shape))):
        kept = tf.repeat(kept, side, axis)
    return kept[tuple(slice(axis) for axis in shape)]
