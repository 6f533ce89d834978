"""The weights of a group as rows: one row per unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.group import ChannelGroup, Member
from tfedge.models.kernels import weights_at
from tfedge.models.layers import class_names

Key = tuple[str, str]


def variable_of(layers: Mapping[str, Any], member: Member) -> Any:
    """Return the Keras variable of a member.

    Args:
        layers: Layers by flat name.
        member: Which weight of which layer.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> dense = keras3().layers.Dense(2)
        >>> dense.build((None, 3))
        >>> member = Member("head", "kernel", 1, np.arange(2)[:, None], "out")
        >>> tuple(variable_of({"head": dense}, member).shape)
        (3, 2)
    """
    return weights_at(layers[member.layer], (member.weight,))[0]


def variables_of(layers: Mapping[str, Any], groups: Iterable[ChannelGroup]) -> dict[Key, Any]:
    """Return the variables of all members, each once, by layer and weight."""
    members = (member for group in groups for member in group.members)
    return {(one.layer, one.weight): variable_of(layers, one) for one in members}


def rows(weight: np.ndarray, member: Member) -> np.ndarray:
    """Return the values of a weight that belong to each unit.

    Args:
        weight: The whole weight, or anything of its shape, such as its gradient.
        member: Axis and positions.

    Returns:
        Shape (units, values).

    Example:
        >>> member = Member("head", "kernel", 1, np.array([[0, 1], [2, 3]]), "out")
        >>> rows(np.array([[1, 2, 3, 4]]), member)
        array([[1, 2],
               [3, 4]])
    """
    picked = np.moveaxis(np.asarray(weight), member.axis, 0)[member.positions]
    return picked.reshape(len(member.positions), -1)


def is_kernel(member: Member, variable: Any) -> bool:
    """Return whether a member is a kernel: it multiplies, and has more than one axis."""
    return len(variable.shape) > 1 and "bias" not in member.weight


def is_scale(member: Member) -> bool:
    """Return whether a member is the scale of a normalization."""
    return member.weight.rpartition(".")[2] == "gamma"


def is_batch_scale(member: Member, layers: Mapping[str, Any]) -> bool:
    """Return whether a member is the scale of a BatchNormalization."""
    return is_scale(member) and "BatchNormalization" in class_names(layers[member.layer])


def is_statistic(member: Member) -> bool:
    """Return whether a member is a moving statistic, which no loss is differentiated by."""
    return member.weight.rpartition(".")[2] in ("moving_mean", "moving_variance")


def plain_variable(variable: Any) -> Any:
    """Return the TensorFlow variable of a variable of either Keras.

    Example:
        >>> float(plain_variable(tf.Variable(1.0)))
        1.0
    """
    return variable if isinstance(variable, tf.Variable) else variable.value
