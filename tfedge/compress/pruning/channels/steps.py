"""Removal in several steps, with training between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.planning.progress import partial_target
from tfedge.compress.pruning.channels.planning.request import Request, request_of
from tfedge.compress.pruning.channels.prune import opened, pruned
from tfedge.core.checks import whole_number
from tfedge.models.graph import read_graph


def channel_steps(model: Any, ratio: Any = None, *, steps: int, **settings: Any) -> Iterator[Any]:
    """Yield smaller and smaller models on the way to a target; train each before the next.

    Each step starts from the model that the last one yielded, with the weights that it has by
    then, and ranks its channels anew. The quantity that is asked for falls on a straight line.

    Args:
        model: As :func:`tfedge.prune_channels` takes it; it is not changed.
        ratio: As :func:`tfedge.prune_channels` takes it, like all settings.
        steps: Number of models; the last one meets the target.
        **settings: Other arguments of :func:`tfedge.prune_channels`. Where importance needs a
            loss and none is given, it is the one that the model at hand is compiled with.

    Returns:
        An iterator over models, each smaller than the last.

    Raises:
        ArgumentError: If a setting is wrong; at once, or where a step cannot be reached, there.
        ModelError: As :func:`tfedge.prune_channels`.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((6,)), layers.Dense(8, name="hidden"), layers.Dense(2)]
        >>> for slim in channel_steps(keras3().Sequential(stack), ratio=0.5, steps=2):
        ...     slim.compile("adam", "mse")
        ...     history = slim.fit(np.ones((8, 6)), np.ones((8, 2)), verbose=0)
        ...     print(slim.get_layer("hidden").units)
        6
        4
    """
    whole_number("steps", steps)
    request = request_of(ratio, **settings)
    return _steps(opened(model), request, steps)


def _steps(model: Any, request: Request, steps: int) -> Iterator[Any]:
    """Yield the model of each step."""
    whole = request.target.whole(model, read_graph(model))
    sizes = {group.name: group.size for group in read_channels(model).groups}
    first_loss = getattr(model, "loss", None)
    for step in range(steps):
        target = partial_target(request.target, step / steps, (step + 1) / steps, whole)
        loss = request.choice.loss or getattr(model, "loss", None) or first_loss
        limits = dataclasses.replace(request.choice.limits, originals=sizes)
        choice = dataclasses.replace(request.choice, loss=loss, limits=limits)
        model = pruned(model, dataclasses.replace(request, target=target, choice=choice))
        yield model
