"""Channels that count for nothing already: closed gates, zeros, activations that never fire."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.group import IN, ChannelGroup
from tfedge.compress.pruning.channels.importance.activations import mean_magnitudes
from tfedge.compress.pruning.channels.prune import opened
from tfedge.compress.pruning.channels.surgery import remove
from tfedge.compress.pruning.channels.weights import rows, variable_of
from tfedge.models.graph import read_graph


def remove_dead_channels(model: Any, data: Any = None, *, samples: int = 512) -> Any:
    """Return the model without channels that none of their consumers takes anything from.

    A channel is dead if each kernel that consumes it has only zeros for it, as after
    :class:`tfedge.callbacks.ChannelShrinkage`. Where data are given, it is dead too if what flows
    into a consumer is 0 for every sample: behind a closed
    :class:`~tfedge.compress.pruning.regularizers.L0Gate`, or a ReLU that never fires.

    Args:
        model: A functional or Sequential model of either Keras, or the path of one.
        data: Samples, in any form; labels are not used.
        samples: Number of samples.

    Returns:
        A new model of the same Keras, not compiled. For these samples its outputs are the same.
        The last channel of a layer stays.

    Raises:
        ModelError: As :func:`tfedge.prune_channels`.
        DataError: If the data do not fit the model.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((3,)), layers.Dense(3, name="a"), layers.Dense(1, name="b")]
        >>> model = keras3().Sequential(stack)
        >>> model.get_layer("b").kernel.assign([[1.0], [0.0], [2.0]])
        <...>
        >>> remove_dead_channels(model).get_layer("a").units
        2
    """
    model = opened(model)
    layers = read_graph(model).layers()
    means = {} if data is None else mean_magnitudes(model, data, samples=samples)
    drop = {}
    for group in read_channels(model).removable:
        dead = np.flatnonzero(_is_dead(group, layers, means))
        drop[group.name] = (dead if len(dead) < group.size else dead[1:]).tolist()
    return remove(model, {name: units for name, units in drop.items() if units})


def _is_dead(group: ChannelGroup, layers: Any, means: dict[str, np.ndarray]) -> np.ndarray:
    """Return for each unit whether all consumers take nothing from it."""
    consumers = [member for member in group.members if member.role == IN]
    dead = np.full(group.size, bool(consumers))
    for member in consumers:
        weight = np.asarray(variable_of(layers, member).numpy())
        nothing = ~rows(weight, member).any(axis=1)
        mean = means.get(member.layer)
        if mean is not None and len(mean) == weight.shape[member.axis]:
            nothing |= ~mean[member.positions].any(axis=1)
        dead &= nothing
    return dead
