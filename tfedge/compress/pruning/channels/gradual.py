"""Channels that go little by little while a model trains: masked first, removed at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.group import IN, ChannelGroup
from tfedge.compress.pruning.channels.planning.plan import (
    Ranking,
    drop_by_group,
    drop_by_layer,
    ranking,
)
from tfedge.compress.pruning.channels.planning.request import Request
from tfedge.compress.pruning.channels.planning.search import Drop, drop_of
from tfedge.compress.pruning.channels.weights import plain_variable, variable_of
from tfedge.core.errors import ArgumentError
from tfedge.models.graph import read_graph


class GradualRemoval:
    """Which units count for nothing at each point of the way; those that went stay away.

    Args:
        model: A functional or Sequential model of either Keras; :meth:`apply` writes zeros into
            its kernels.
        request: What :func:`tfedge.prune_channels` would be asked.

    Attributes:
        drop: Units that are gone, by group.
        goal: Units that would go at once, by the importance at the beginning.

    Raises:
        ArgumentError: If the target is measured, or cannot be reached.
        ModelError: If no channel of the model can go.

    Example:
        >>> from tfedge.compress.pruning.channels.planning.request import request_of
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((6,)), layers.Dense(8, name="hidden"), layers.Dense(2)]
        >>> removal = GradualRemoval(keras3().Sequential(stack), request_of(ratio=0.5))
        >>> removal.advance(0.5)
        >>> len(removal.drop["hidden"])
        2
    """

    def __init__(self, model: Any, request: Request) -> None:
        if request.target.measure is not None:
            raise ArgumentError(
                f"{request.target.kind} is measured on a smaller model, and while training goes on "
                f"channels are only masked: use tfedge.channel_steps, or ask for macs."
            )
        self._model, self._request = model, request
        self._graph, self._channels = read_graph(model), read_channels(model)
        self._masks = ChannelMasks(self._graph.layers(), self._channels.groups)
        self.drop: Drop = {}
        self.goal = self._planned()

    def advance(self, progress: float) -> None:
        """Choose which units are gone after a fraction of the way, and mask them.

        Args:
            progress: In (0, 1]; 1 meets the target.
        """
        counts = {name: len(units) * progress for name, units in self.goal.items()}
        self.drop = drop_by_group(self._order(), counts, self._request.choice.limits)
        self._masks.choose(self.drop)
        self._masks.apply()

    def apply(self) -> None:
        """Set to zero again what training moved."""
        self._masks.apply()

    def ratio(self) -> float:
        """Return the fraction of the removable units that is gone."""
        total = sum(group.size for group in self._channels.removable)
        return sum(map(len, self.drop.values())) / total

    def _planned(self) -> Drop:
        """Return the units that would go at once."""
        target, order = self._request.target, self._order()
        if isinstance(target.value, Mapping):
            return drop_by_layer(order, target.value, self._request.choice.limits)
        return drop_of(order.towards(target))

    def _order(self) -> Ranking:
        """Return in which order units go; those that went come first."""
        choice = self._request.choice
        return ranking(self._model, self._graph, self._channels, choice, first=self.drop)


class ChannelMasks:
    """Zeros where channels are consumed, so that they count for nothing.

    Args:
        layers: Layers by flat name.
        groups: Channel groups.
    """

    def __init__(self, layers: Mapping[str, Any], groups: Sequence[ChannelGroup]) -> None:
        self._masks = []
        for group in groups:
            for member in (one for one in group.members if one.role == IN):
                variable = variable_of(layers, member)
                shape = [1] * len(variable.shape)
                shape[member.axis] = int(variable.shape[member.axis])
                plain = plain_variable(variable)
                mask = tf.Variable(tf.ones(shape, plain.dtype), trainable=False)
                self._masks.append((group.name, member, plain, mask))
        self._chosen: list[tuple[Any, Any]] = []
        self._write = tf.function(self._multiply)

    def choose(self, drop: Mapping[str, Sequence[int]]) -> None:
        """Take the units that are to count for nothing."""
        self._chosen = [one[2:] for one in self._masks if one[0] in drop]
        for name, member, _, mask in self._masks:
            if name in drop:
                ones = np.ones(mask.shape, mask.dtype.as_numpy_dtype)
                ones.reshape(-1)[member.positions[drop[name]].ravel()] = 0
                mask.assign(ones)
        self._write = tf.function(self._multiply)

    def apply(self) -> None:
        """Write the zeros."""
        self._write()

    def _multiply(self) -> None:
        """Multiply each kernel with its masks."""
        for variable, mask in self._chosen:
            variable.assign(variable * mask)
