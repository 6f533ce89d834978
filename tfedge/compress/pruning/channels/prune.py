"""Removing whole channels: the public function."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tfedge.compress.pruning.channels.importance.score import ChannelImportance
from tfedge.compress.pruning.channels.planning.request import request_of
from tfedge.compress.pruning.channels.removal import pruned
from tfedge.core.errors import ModelError
from tfedge.core.openers import open_path
from tfedge.models.flavours import flavour_of
from tfedge.models.walk import any_layer
from tfedge.models.wrappers import is_clustering, is_pruning, is_quantizing


def prune_channels(
    model: Any,
    ratio: Any = None,
    *,
    macs: float | None = None,
    parameters: float | None = None,
    size_bytes: float | None = None,
    latency_ms: float | None = None,
    measure: Callable[[Any], float] | None = None,
    importance: ChannelImportance | str = "l2",
    scope: str = "local",
    exclude: Any = (),
    round_to: int = 1,
    minimum: float = 1,
    data: Any = None,
    loss: Any = None,
    reconstruct: bool = False,
    recalibrate: bool = True,
) -> Any:
    """Return a smaller model: whole channels are gone, with every weight that belongs to them.

    Channels that are tied (by a sum, a depthwise convolution, a normalization …) go together. The
    result is an ordinary model of the same Keras as the input, not compiled; fine-tune it.
    :func:`tfedge.channel_report` says what went, and what cannot go and why.

    Exactly one target is given. All but a ratio by layer are reached within 2 % from below where
    the permitted widths allow it:

    Args:
        model: A functional or Sequential model of either Keras, or the path of one. It is not
            changed.
        ratio: Fraction of the channels that goes, in (0, 1). A dict of ratios by layer name,
            regular expression or class takes channels from these layers only; later entries
            count where several mean one layer.
        macs: What is left of the multiply-accumulates: a fraction in (0, 1), or a number.
        parameters: What is left of the parameters: a fraction in (0, 1), or a number.
        size_bytes: What is left of the weights in bytes, as float32; or of what ``measure`` says.
        latency_ms: What is left of the milliseconds that ``measure`` returns.
        measure: A function of a model that returns milliseconds or bytes, such as
            :class:`tfedge.FileLatency` or :class:`tfedge.FileSize`.
        importance: What makes a channel matter: ``"l1"``, ``"l2"``, ``"bn_scale"``, ``"fpgm"``,
            ``"lamp"``, ``"random"``; with data ``"activation"``; with data and loss ``"taylor"``,
            ``"fisher"``, ``"hessian"``. :class:`tfedge.ChannelImportance` has more settings.
        scope: What is compared: channels of one group, so that all groups lose the same fraction
            (``"local"``), all channels with each other (``"global"``), or those of groups of the
            same structure (``"isomorphic"``).
        exclude: Layers that keep their channels: names, regular expressions, classes.
        round_to: Widths of channels are multiples of it; 8 suits vector units.
        minimum: Smallest width of a layer: a number of channels, or a fraction below 1.
        data: Samples, with labels where the loss is needed: arrays, ``(x, y)``, ``tf.data``,
            generators, Keras sequences.
        loss: A loss as ``compile`` takes it; default: the one that the model is compiled with.
        reconstruct: Let the channels that stay take over what those that go contributed, layer by
            layer, by least squares on the data. It saves most of the accuracy where no training
            follows; where one does, it is of little use.
        recalibrate: Estimate the statistics of BatchNormalization again where data are given.

    Returns:
        A new model with fewer channels.

    Raises:
        ArgumentError: If a setting is wrong, data or loss are missing, or the target cannot be
            reached; the message says what is the least possible and which layers bind.
        ModelError: If ``model`` is no Keras model or wears wrappers of training, or none of its
            channels can go.
        DataError: If the data do not fit the model.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((6,)), layers.Dense(8, name="hidden"), layers.Dense(2)]
        >>> slim = prune_channels(keras3().Sequential(stack), ratio=0.25)
        >>> slim.get_layer("hidden").units
        6

    Reference:
        Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR 2023, arXiv:2301.12900.
    """
    request = request_of(
        ratio,
        macs=macs,
        parameters=parameters,
        size_bytes=size_bytes,
        latency_ms=latency_ms,
        measure=measure,
        importance=importance,
        scope=scope,
        exclude=exclude,
        round_to=round_to,
        minimum=minimum,
        data=data,
        loss=loss,
        reconstruct=reconstruct,
        recalibrate=recalibrate,
    )
    return pruned(opened(model), request)


def opened(model: Any) -> Any:
    """Return a model that channels can be removed from, also of a path.

    Raises:
        ModelError: If it is no Keras model, or wears wrappers of training.
    """
    if isinstance(model, (str, os.PathLike)):
        model = open_path(model)
    flavour_of(model)
    wrappers = {"pruned": is_pruning, "clustered": is_clustering, "quantized": is_quantizing}
    for state, is_wrapper in wrappers.items():
        if any_layer(model, is_wrapper):
            raise ModelError(
                f"{model.name!r} is {state}: its kernels are behind wrappers of training, whose "
                f"masks and ranges fit the full width only. Remove channels first, then prune, "
                f"cluster or quantize; or take the wrappers off with tfedge.strip."
            )
    return model
