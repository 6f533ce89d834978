"""Magnitude pruning while training, by tfmot."""

from __future__ import annotations

from typing import Any

from tfedge.compress.pruning.scope import is_left_out
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import describe, tf_keras, tfmot
from tfedge.models.layers import kernels_of
from tfedge.models.selection import select
from tfedge.models.training.pruned import Pruned
from tfedge.models.training.schedules import ConstantSparsity
from tfedge.models.training.trainable import TrainableModel, trainable
from tfedge.models.wrappers import is_pruned, is_quantized

DEFAULT_SPARSITY = 0.5


def prune(
    model: Any, schedule: Any = None, *, layers: Any = None, exclude: Any = ()
) -> TrainableModel:
    """Return a copy of a model that gets sparse while it is trained.

    Each kernel is wrapped by tfmot: at the steps of the schedule its smallest weights by
    magnitude are masked, and the mask is applied at every step. Compile and ``fit`` the result
    as usual; then hand it to :func:`tfedge.quantize` or :func:`tfedge.convert`, or take the
    wrappers off with :func:`tfedge.strip`.

    Args:
        model: A Keras model of either flavour, or the path of one. Nested models are flattened.
        schedule: :class:`tfedge.PolynomialDecay`, :class:`tfedge.ConstantSparsity` or another
            tfmot schedule. Default: half of the weights from the first step on.
        layers: Which layers to prune: names, regular expressions, classes. Default: each layer
            with a kernel, except depthwise convolutions and embeddings.
        exclude: Which layers to leave out, in the same way.

    Returns:
        A new tf_keras model, a :class:`~tfedge.models.training.trainable.TrainableModel`. Layers
        without a kernel are passed over. ``tfedge.sparsity(model)`` says what is pruned.

    Raises:
        ArgumentError: If ``schedule`` is none, or an entry of ``layers`` or ``exclude``
            matches nothing or means a layer without a kernel only.
        ModelError: If the model is pruned or quantized already, or no kernel is left to prune.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="head")])
        >>> sparse = prune(model, ConstantSparsity(0.75, begin_step=0))
        >>> sparse.compile("sgd", "mse")
        >>> history = sparse.fit(np.ones((8, 8)), np.ones((8, 4)), verbose=0)
        >>> kernel = sparse.get_layer("head").layer.kernel.numpy()
        >>> float(np.mean(kernel == 0))
        0.75

    Reference:
        Zhu and Gupta, 2017, arXiv:1710.01878.
    """
    schedule = _checked_schedule(schedule)
    copy = adopt(model)
    _refuse_wrapped(copy)
    names = _to_prune(copy, layers, exclude)

    def wrapped(layer: Any) -> Any:
        """Return the layer of the new model that stands for a layer of the copy."""
        return Pruned(layer, schedule, kernels_of(layer)) if layer.name in names else layer

    return trainable(tf_keras().models.clone_model(copy, clone_function=wrapped))


def _checked_schedule(schedule: Any) -> Any:
    """Return the schedule, or the default one."""
    if schedule is None:
        return ConstantSparsity(DEFAULT_SPARSITY, begin_step=0)
    if isinstance(schedule, tfmot().sparsity.keras.PruningSchedule):
        return schedule
    raise ArgumentError(
        f"schedule must be a schedule such as tfedge.PolynomialDecay(0.0, 0.8, begin_step=0, "
        f"end_step=2000) or tfedge.ConstantSparsity(0.5, begin_step=0), found {describe(schedule)}."
    )


def _refuse_wrapped(model: Any) -> None:
    """Refuse a model on which pruning would be put twice, or after quantization."""
    if is_pruned(model):
        raise ModelError(
            f"{model.name!r} is pruned already: two wrappers would fight over one kernel. "
            f"Go on with fit, or take the wrappers off first: prune(tfedge.strip(model), ...)."
        )
    if is_quantized(model):
        raise ModelError(
            f"{model.name!r} is quantized already: its kernels are behind fake quantization. "
            f"Prune first, then quantize with preserve=('sparsity',)."
        )


def _to_prune(model: Any, layers: Any, exclude: Any) -> set[str]:
    """Return the names of the layers to wrap."""
    with_kernel = {layer.name for layer in model.layers if kernels_of(layer)}
    if layers is None:
        chosen = {layer.name for layer in model.layers if not is_left_out(layer)} & with_kernel
    else:
        asked = select(model, layers, "layers")
        chosen = asked & with_kernel
        if not chosen:
            raise ArgumentError(
                f"layers={layers!r} means only layers without a kernel "
                f"({', '.join(sorted(asked))}), so there is nothing to prune in them."
            )
    chosen -= select(model, exclude, "exclude")
    if not chosen:
        raise ModelError(
            f"{model.name!r} has no kernel left to prune: {len(with_kernel)} layers have one, "
            f"and all are left out. Name some in layers=, or leave fewer out."
        )
    return chosen
