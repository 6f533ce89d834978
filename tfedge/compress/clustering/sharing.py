"""Weight clustering: kernels whose weights share a few values, which training moves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfedge.compress.clustering.centroids import INITS, starting_centroids
from tfedge.compress.clustering.scope import is_left_out, shareable
from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import tf_keras
from tfedge.models.kernels import weights_at
from tfedge.models.layers import kernels_of
from tfedge.models.selection import select
from tfedge.models.strip import strip
from tfedge.models.training.clustered import Clustered, as_rows
from tfedge.models.training.trainable import TrainableModel, trainable
from tfedge.models.wrappers import is_clustered, is_pruned, is_quantized, is_shared

ENOUGH_ZEROS = 0.1
"""Fraction of zeros in a kernel from which they are kept unless said otherwise."""

ANY_ZERO = 1e-12
"""The same, if they are asked for: one zero is enough."""


def cluster(
    model: Any,
    clusters: int = 16,
    *,
    init: str = "kmeans++",
    per_channel: bool = False,
    preserve: Any = None,
    layers: Any = None,
    exclude: Any = (),
    refine: bool = True,
    average: bool = True,
) -> TrainableModel:
    """Return a copy of a model whose kernels have few distinct weights, also while it trains.

    Each weight is replaced by the nearest of a few values of its kernel. Compile and ``fit``
    the result as usual: the values follow the gradients of the weights that use them, and
    weights may change over to another value. Then hand it to :func:`tfedge.convert`, or take
    the wrappers off with :func:`tfedge.strip`. :func:`tfedge.unique_weights` counts the values
    and says what the sharing saves.

    Args:
        model: A Keras model of either flavour, or the path of one, pruned or not. Nested models
            are flattened. Nothing of it is changed.
        clusters: Number of distinct values of a kernel, at least 2. Kernels that have no more
            weights than that are left as they are.
        init: Where the values start: ``"kmeans++"``, ``"linear"``, ``"density"`` or
            ``"random"`` (:func:`~tfedge.compress.clustering.centroids.starting_centroids`).
        per_channel: Give each output channel of a convolution ``clusters`` values of its own.
            Other layers have one set of values.
        preserve: ``("sparsity",)`` keeps zeros zero, ``()`` treats them as other weights. 0
            then is one of the ``clusters`` values, so at least 3 are needed. Default: kept in
            layers that have a kernel with at least 10 % zeros.
        layers: Which layers to cluster: names, regular expressions, classes. Default: each
            layer with a kernel, except depthwise convolutions.
        exclude: Which layers to leave out, in the same way.
        refine: Whether k-means moves the values from where they start.
        average: Whether a value follows the mean of the gradients of its weights, or the sum.

    Returns:
        A new tf_keras model, a :class:`~tfedge.models.training.trainable.TrainableModel`.

    Raises:
        ArgumentError: If a setting is unknown or out of range, or an entry of ``layers`` or
            ``exclude`` matches nothing or means a layer without a kernel only.
        ModelError: If the model is clustered or quantized already, a kernel holds a number that
            is not finite, or no kernel is left.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="head")])
        >>> shared = cluster(model, clusters=4)
        >>> kernel = tfedge.strip(shared).get_layer("head").kernel.numpy()
        >>> len(np.unique(kernel))
        4

    Reference:
        Han et al., ICLR 2016, arXiv:1510.00149, section 3.
    """
    kept_from = _checked(clusters, init, preserve)
    copy = adopt(model)
    _refuse_wrapped(copy)
    plain = strip(copy) if is_pruned(copy) else copy
    paths = _to_share(plain, clusters, per_channel, layers, exclude)

    def wrapped(layer: Any) -> Any:
        """Return the layer of the new model that stands for a layer of the copy."""
        if layer.name not in paths:
            return layer
        kernels, axes = zip(*paths[layer.name].items(), strict=True)
        zeros = _keeps_zeros(layer, kernels, clusters, kept_from)
        made = Clustered(layer, clusters, kernels, None, axes, zeros, average)
        made.trainable = layer.trainable
        return made

    shared = trainable(tf_keras().models.clone_model(plain, clone_function=wrapped))
    for layer in filter(is_shared, shared.layers):
        _set_centroids(layer, init, refine)
    return shared


def _checked(clusters: Any, init: Any, preserve: Any) -> float:
    """Check the settings; return the fraction of zeros from which a layer keeps them."""
    whole_number("clusters", clusters, least=2)
    one_of("init", init, list(INITS))
    if preserve is None:
        return ENOUGH_ZEROS
    names = [preserve] if isinstance(preserve, str) else list(preserve)
    for name in names:
        one_of("preserve", name, ["sparsity"])
    return ANY_ZERO if names else math.inf


def _refuse_wrapped(model: Any) -> None:
    """Refuse a model on which clustering would be put twice, or after quantization."""
    if is_clustered(model):
        raise ModelError(
            f"{model.name!r} is clustered already: values shared by two wrappers would be neither "
            f"one's. Go on with fit, or take the wrappers off: cluster(tfedge.strip(model), ...)."
        )
    if is_quantized(model):
        raise ModelError(
            f"{model.name!r} is quantized already: its kernels are behind fake quantization. "
            f"Cluster first, then convert with quantize='int8' and calibration=..."
        )


def _to_share(
    model: Any, clusters: int, per_channel: bool, layers: Any, exclude: Any
) -> dict[str, dict[str, int | None]]:
    """Return the kernels to wrap, by layer name: their paths and channel axes."""
    names = _chosen(model, layers, exclude)
    chosen = [layer for layer in model.layers if layer.name in names]
    found = {layer.name: shareable(layer, clusters, per_channel) for layer in chosen}
    found = {name: paths for name, paths in found.items() if paths}
    if not found:
        each = "output channel" if per_channel else "kernel"
        raise ModelError(
            f"No kernel of {model.name!r} has more weights than values to share: clusters="
            f"{clusters}, and of {len(chosen)} chosen layers no {each} has more weights than "
            f"that. Take fewer clusters, or name other layers in layers=."
        )
    return found


def _chosen(model: Any, layers: Any, exclude: Any) -> set[str]:
    """Return the names of the layers that are asked for and have a kernel."""
    with_kernel = {layer.name for layer in model.layers if kernels_of(layer)}
    if layers is None:
        chosen = {layer.name for layer in model.layers if not is_left_out(layer)} & with_kernel
    else:
        asked = select(model, layers, "layers")
        chosen = asked & with_kernel
        if not chosen:
            raise ArgumentError(
                f"layers={layers!r} means only layers without a kernel "
                f"({', '.join(sorted(asked))}), so there is nothing to cluster in them."
            )
    chosen -= select(model, exclude, "exclude")
    if not chosen:
        raise ModelError(
            f"{model.name!r} has no kernel left to cluster: {len(with_kernel)} layers have one, "
            f"and all are left out. Name some in layers=, or leave fewer out."
        )
    return chosen


def _keeps_zeros(layer: Any, paths: tuple[str, ...], clusters: int, least: float) -> bool:
    """Return whether a layer has enough zeros to keep; refuse what cannot be clustered."""
    kernels = [weight.numpy() for weight in weights_at(layer, paths)]
    for path, kernel in zip(paths, kernels, strict=True):
        if not np.isfinite(kernel).all():
            raise ModelError(
                f"{path!r} of the layer {layer.name!r} holds {np.sum(~np.isfinite(kernel)):,} "
                f"numbers of {kernel.size:,} that are not finite, so it has no means to share. "
                f"Train the model again, or leave the layer out with exclude=[{layer.name!r}]."
            )
    keeps = max(float(np.mean(kernel == 0)) for kernel in kernels) >= least
    if keeps and clusters < 3:
        raise ArgumentError(
            f"clusters={clusters} with zeros kept leaves one value for all other weights of "
            f"{layer.name!r}. Take at least 3, or let the zeros go with preserve=()."
        )
    return keeps


def _set_centroids(layer: Any, init: str, refine: bool) -> None:
    """Let the values of a wrapped layer start where its weights are, and mark its zeros."""
    kernels = [weight.numpy() for weight in weights_at(layer.layer, layer.kernels)]
    for mask, kernel in zip(layer.masks, kernels, strict=False):
        mask.assign(kernel != 0)
    for centroids, kernel, axis in zip(layer.centroids, kernels, layer.axes, strict=True):
        rows = as_rows(kernel, axis).numpy()
        values = [_start(row, centroids.shape[1], init, refine, layer.keep_zeros) for row in rows]
        centroids.assign(np.stack(values).astype(centroids.dtype.as_numpy_dtype))


def _start(row: np.ndarray, values: int, init: str, refine: bool, keep_zeros: bool) -> np.ndarray:
    """Return where the values of one row start; weights that stay 0 have no say."""
    weights = row[row != 0] if keep_zeros else row
    return starting_centroids(weights, values, init, refine) if weights.size else np.zeros(values)
