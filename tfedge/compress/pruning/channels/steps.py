"""Removal in several steps, with training between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.planning.limits import Limits
from tfedge.compress.pruning.channels.planning.request import Request, request_of
from tfedge.compress.pruning.channels.prune import opened
from tfedge.compress.pruning.channels.removal import narrowed, widths_in_the_end
from tfedge.core.checks import whole_number


def channel_steps(model: Any, ratio: Any = None, *, steps: int, **settings: Any) -> Iterator[Any]:
    """Yield smaller and smaller models on the way to a target; train each before the next.

    How wide each layer is in the end is settled by the first model, whose weights are trained, and
    widths fall in equal steps. Which channels go is settled anew before each step, from the
    weights that the model of the last one has by then.

    Args:
        model: As :func:`tfedge.prune_channels` takes it; it is not changed.
        ratio: As :func:`tfedge.prune_channels` takes it, like all settings.
        steps: Number of models; the last one meets the target.
        **settings: Other arguments of :func:`tfedge.prune_channels`. Where importance needs a
            loss and none is given, it is the one that the model at hand is compiled with.

    Returns:
        An iterator over models, each smaller than the last where widths permit.

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
    sizes = {group.name: group.size for group in read_channels(model).groups}
    limits = dataclasses.replace(request.choice.limits, originals=sizes)
    first_loss = getattr(model, "loss", None)
    ends = widths_in_the_end(model, _ready(request, limits, first_loss))
    for left in np.linspace(1.0, 0.0, steps + 1)[1:]:
        loss = getattr(model, "loss", None) or first_loss
        widths = {name: end + (sizes[name] - end) * left for name, end in ends.items()}
        model = narrowed(model, _ready(request, limits, loss), widths)
        yield model


def _ready(request: Request, limits: Limits, loss: Any) -> Request:
    """Return the request with limits, and with a loss if the user gave none."""
    loss = request.choice.loss or loss
    choice = dataclasses.replace(request.choice, loss=loss, limits=limits)
    return dataclasses.replace(request, choice=choice)
