"""The weights of a channel group while a model trains: norms by unit, and units made smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.weights import (
    is_kernel,
    is_scale,
    plain_variable,
    variable_of,
)


class UnitWeights:
    """Kernels and normalization scales of a group, unit by unit.

    Args:
        layers: Layers by flat name.
        group: The group.

    Attributes:
        counts: Number of weights of one unit.

    Example:
        >>> from tfedge.compress.pruning.channels.group import Member
        >>> from tfedge.models.flavours import keras3
        >>> dense = keras3().layers.Dense(2, kernel_initializer="ones")
        >>> dense.build((None, 4))
        >>> member = Member("head", "kernel", 1, np.arange(2)[:, None], "out")
        >>> weights = UnitWeights({"head": dense}, ChannelGroup("head", 2, (member,)))
        >>> weights.norms().numpy().tolist()
        [2.0, 2.0]
    """

    def __init__(self, layers: Mapping[str, Any], group: ChannelGroup) -> None:
        self._size, self.counts = group.size, 0
        self._parts: list[tuple[Any, int, Any]] = []
        for member in group.members:
            variable = variable_of(layers, member)
            if is_scale(member) or is_kernel(member, variable):
                units = np.full(int(variable.shape[member.axis]), -1)
                units[member.positions.ravel()] = np.repeat(
                    np.arange(group.size), member.positions.shape[1]
                )
                plain = plain_variable(variable)
                self._parts.append((plain, member.axis, units))
                width = member.positions.shape[1] * int(np.prod(variable.shape))
                self.counts += width // int(variable.shape[member.axis])

    def norms(self) -> Any:
        """Return the Euclidean norm of all weights of each unit, shape (units,)."""
        squares = tf.zeros(self._size)
        for variable, axis, units in self._parts:
            others = [one for one in range(len(variable.shape)) if one != axis]
            along = tf.reduce_sum(tf.square(tf.cast(variable, tf.float32)), others)
            squares += tf.math.unsorted_segment_sum(along, units, self._size)
        return tf.sqrt(squares)

    def multiply(self, factors: Any) -> None:
        """Multiply all weights of each unit by a factor, shape (units,)."""
        padded = tf.concat([factors, tf.ones(1)], 0)  # position -1: what belongs to no unit
        for variable, axis, units in self._parts:
            shape = [1] * len(variable.shape)
            shape[axis] = len(units)
            scale = tf.reshape(tf.gather(padded, units % (self._size + 1)), shape)
            variable.assign(variable * tf.cast(scale, variable.dtype))
