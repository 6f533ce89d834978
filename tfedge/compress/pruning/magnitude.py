"""Magnitude pruning while training, by tfmot's wrapper and schedules."""

from __future__ import annotations

from typing import Any

from tfedge.compress.pruning.plan import checked_schedule, plan
from tfedge.core.errors import ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import tf_keras
from tfedge.models.kernels import kernel_layers
from tfedge.models.training.pruned import Pruned
from tfedge.models.training.trainable import TrainableModel, trainable
from tfedge.models.wrappers import is_clustered, is_pruned, is_quantized


def prune(
    model: Any,
    schedule: Any = None,
    *,
    layers: Any = None,
    exclude: Any = (),
    scope: str = "layer",
    pattern: str = "element",
) -> TrainableModel:
    """Return a copy of a model that gets sparse while it is trained.

    Each kernel is wrapped: at the steps of the schedule its smallest weights by magnitude are
    masked, and the mask is applied at every step. Compile and ``fit`` the result as usual; then
    hand it to :func:`tfedge.quantize` or :func:`tfedge.convert`, or take the wrappers off with
    :func:`tfedge.strip`. Single zeros save storage, not time: LiteRT computes them on a CPU as
    any other number. Blocks ``"4x1"`` and ``"16x1"`` save time in dense layers, if the file is
    converted with ``sparse="auto"``.

    Args:
        model: A Keras model of either flavour, or the path of one. Nested models are flattened.
        schedule: :class:`tfedge.PolynomialDecay`, :class:`tfedge.ConstantSparsity`,
            :class:`tfedge.OneShot`, :class:`tfedge.CosineSparsity`,
            :class:`tfedge.LotteryTicket` or another tfmot schedule. Default: half of the weights
            (or what the pattern means) from the first step on.
        layers: Which layers to prune: names, regular expressions, classes. A dict of these gives
            each its own sparsity at the end, or its own schedule; of several entries that match,
            the first counts. Default: each layer with a kernel, except depthwise convolutions
            and embeddings, and except the first convolution and the last classifier where these
            hold at most a tenth of the weights. ``layers=".*"`` leaves nothing out.
        exclude: Which layers to leave out, in the same way.
        scope: ``"layer"``: each kernel gets the sparsity of its schedule. ``"global"``: all
            kernels together, by one threshold; at least one weight of each stays.
        pattern: ``"element"``: any weights. ``"2:4"`` and other N:M: of M consecutive input
            channels at most N stay, chosen anew at each step of the schedule; the schedule must
            end at ``1 - N/M``. ``"4x1"`` and others: blocks along the last axes of a kernel,
            ``*`` for a whole axis; see :func:`tfedge.core.patterns.parse_pattern`.

    Returns:
        A new tf_keras model, a :class:`~tfedge.models.training.trainable.TrainableModel`. Layers
        without a kernel are passed over. ``tfedge.sparsity(model)`` says what is pruned and what
        was left out, and why.

    Raises:
        ArgumentError: If ``schedule`` is none, settings contradict each other, or an entry of
            ``layers`` or ``exclude`` matches nothing or means a layer without a kernel only.
        ModelError: If the model is pruned or quantized already, no kernel is left to prune, or
            the pattern does not fit a kernel.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.training.schedules import ConstantSparsity
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
    schedule = checked_schedule(schedule, pattern)
    copy = adopt(model)
    refuse_wrapped(copy)
    found = [layer for layer in kernel_layers(copy) if layer.layer in copy.layers]
    planned = {
        id(layer.layer): (one, layer.paths)
        for layer, one in plan(copy, found, schedule, layers, exclude, scope, pattern)
    }

    def wrapped(layer: Any) -> Any:
        """Return the layer of the new model that stands for a layer of the copy."""
        if id(layer) not in planned:
            return layer
        return Pruned(layer, *planned[id(layer)], pattern=pattern, scope=scope)

    return trainable(tf_keras().models.clone_model(copy, clone_function=wrapped))


def refuse_wrapped(model: Any) -> None:
    """Raise if pruning would be put on a model twice, or after quantization.

    Raises:
        ModelError: If the model is pruned or quantized already.

    Example:
        >>> refuse_wrapped(tf_keras().Sequential())
    """
    if is_pruned(model):
        raise ModelError(
            f"{model.name!r} is pruned already: two wrappers would fight over one kernel. "
            f"Go on with fit, or take the wrappers off first: prune(tfedge.strip(model), ...)."
        )
    if is_clustered(model):
        raise ModelError(
            f"{model.name!r} is clustered already: its kernels are made of shared values. Prune "
            f"first, then cluster, which keeps zeros; or take the wrappers off with tfedge.strip."
        )
    if is_quantized(model):
        raise ModelError(
            f"{model.name!r} is quantized already: its kernels are behind fake quantization. "
            f"Prune first, then quantize with preserve=('sparsity',)."
        )
