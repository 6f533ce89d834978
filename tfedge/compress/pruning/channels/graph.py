"""The channel groups of a model."""

from __future__ import annotations

from typing import Any

from tfedge.compress.pruning.channels.dependency.grouping import group_channels
from tfedge.compress.pruning.channels.dependency.trace import Trace
from tfedge.compress.pruning.channels.group import ChannelGraph


def read_channels(model: Any) -> ChannelGraph:
    """Find which channels of a model belong together, and which may go.

    Args:
        model: A built functional or sequential model of Keras 3 or tf_keras, nested or not.

    Returns:
        The groups, in the order in which their layers run. Layers that are unknown, and what
        reaches the model's outputs, are in groups that are fixed, with the reason.

    Raises:
        ModelError: If ``model`` is no Keras model, is not built, or is subclassed.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
        >>> y = keras.layers.Conv2D(4, 3, padding="same", name="branch")(x)
        >>> x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([x, y]))
        >>> read_channels(keras.Model(inputs, keras.layers.Dense(2, name="head")(x)))
        ChannelGraph
          stem: 4 × channel, 6 weights
          head: 2 × channel, fixed: it is an output of the model
    """
    return group_channels(Trace(model)).graph
