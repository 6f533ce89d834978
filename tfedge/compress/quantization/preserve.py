"""What of a pruned or clustered model is kept while it is trained in integers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError
from tfedge.models.kernels import KernelLayer, kernel_layers
from tfedge.models.wrappers import is_clustered, is_pruned, is_shared, unwrapped

SPARSITY, CLUSTERS = "sparsity", "clusters"
ENOUGH_ZEROS = 0.1
"""Fraction of zeros in some kernel from which a model counts as pruned."""

MOST_CLUSTERS = 64
FEWEST_WEIGHTS = 4
"""A kernel with at most so many values, each used so often on average, counts as clustered."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """What of one kernel is kept.

    Attributes:
        zeros: Whether weights that are 0 stay 0.
        clusters: Number of values of each row, the kept zero left out; None where they are free.
        cluster_axis: The axis, from the last, whose entries have values of their own; None if all
            weights share them.
    """

    zeros: bool = False
    clusters: int | None = None
    cluster_axis: int | None = None


def what_to_keep(preserve: Any, wrapped: Any, plain: Any) -> dict[str, Kept]:
    """Return what is kept of the kernels, by the name of their layer.

    Args:
        preserve: ``"sparsity"``, ``"clusters"``, several of them, or None to look at the model.
        wrapped: The model as it came, a tf_keras model.
        plain: The same without wrappers, as it is to be quantized.

    Raises:
        ArgumentError: If ``preserve`` holds something unknown, or clusters are to be kept and
            there are none.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> head = keras.layers.Dense(2, kernel_initializer="zeros", name="head")
        >>> model = keras.Model(inputs, head(inputs))
        >>> what_to_keep("sparsity", model, model)
        {'head': Kept(zeros=True, clusters=None, cluster_axis=None)}
    """
    layers = kernel_layers(plain)
    axes = {unwrapped(one).name: _axis(one) for one in wrapped.layers if is_shared(one)}
    names = _names(preserve, wrapped, layers)
    zeros = SPARSITY in names
    found = {}
    for layer in layers:
        kernel = layer.variables()[0].numpy()
        kept = Kept(zeros and bool(np.any(kernel == 0)))
        if CLUSTERS in names:
            kept = _with_clusters(kept, kernel, axes.get(layer.name, False))
        found[layer.name] = kept
    if (
        preserve is not None
        and CLUSTERS in names
        and all(k.clusters is None for k in found.values())
    ):
        raise ArgumentError(
            f"preserve='clusters': no kernel of {plain.name!r} has few distinct values. Cluster "
            f"it first: tfedge.cluster(model, ...)."
        )
    return found


def _names(preserve: Any, wrapped: Any, layers: list[KernelLayer]) -> set[str]:
    """Return what is asked for, or what is there."""
    if preserve is not None:
        names = [preserve] if isinstance(preserve, str) else list(preserve)
        for name in names:
            one_of("preserve", name, [SPARSITY, CLUSTERS])
        return set(names)
    kernels = [layer.variables()[0].numpy() for layer in layers]
    names = []
    if is_pruned(wrapped) or any(np.mean(kernel == 0) >= ENOUGH_ZEROS for kernel in kernels):
        names.append(SPARSITY)
    if is_clustered(wrapped) or 2 * sum(map(_is_clustered, kernels)) > len(kernels):
        names.append(CLUSTERS)
    return set(names)


def _axis(layer: Any) -> int | None:
    """Return the axis, from the last, whose entries have values of their own."""
    axis = layer.axes[0]
    return None if axis is None else axis - len(layer.shapes[0])


def _with_clusters(kept: Kept, kernel: np.ndarray, axis: Any) -> Kept:
    """Return what is kept of a kernel, its shared values too if it has some."""
    if axis is False:
        axis = None if _is_clustered(kernel) else -1
    rows = rows_of(kernel, axis)
    most = max(len(_values(row, kept.zeros)) for row in rows)
    constant = len(np.unique(kernel)) < 2
    if constant or most > MOST_CLUSTERS or most * FEWEST_WEIGHTS > rows.shape[1]:
        return kept
    return dataclasses.replace(kept, clusters=max(most, 1), cluster_axis=axis)


def rows_of(kernel: np.ndarray, axis: int | None) -> np.ndarray:
    """Return a kernel with a row for each set of values.

    Example:
        >>> rows_of(np.zeros((3, 4)), -1).shape
        (4, 3)
    """
    if axis is None:
        return kernel.reshape(1, -1)
    return np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)


def _is_clustered(kernel: np.ndarray) -> bool:
    """Return whether a kernel has few values for its size."""
    values = len(np.unique(kernel))
    return 1 < values <= MOST_CLUSTERS and values * FEWEST_WEIGHTS <= kernel.size


def _values(row: np.ndarray, zeros: bool) -> np.ndarray:
    """Return the distinct values of a row, the kept zero left out."""
    return np.unique(row[row != 0] if zeros else row)


def centroids_of(kernel: np.ndarray, kept: Kept) -> np.ndarray:
    """Return the values of each row, filled up with its largest: ``(rows, clusters)``.

    Example:
        >>> centroids_of(np.array([[1.0, 2.0], [1.0, 0.0]]), Kept(True, 2))
        array([[1., 2.]])
    """
    rows = [_values(row, kept.zeros) for row in rows_of(kernel, kept.cluster_axis)]
    clusters = kept.clusters or 1
    return np.stack([_filled(row, clusters) for row in rows])


def _filled(values: np.ndarray, clusters: int) -> np.ndarray:
    """Return a row of so many values."""
    values = values if len(values) else np.zeros(1)
    return np.concatenate([values, np.repeat(values[-1:], clusters - len(values))])
