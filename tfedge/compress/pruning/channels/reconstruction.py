"""The channels that stay take over what those that go contributed.

What a removed channel held is often a mixture of the others. Where that mixture is known from
data, the layers that consume the channels can take it from those that stay, in closed form and
without labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.dependency.rules_kernels import channel_axis
from tfedge.compress.pruning.channels.group import IN, ChannelGroup, Member
from tfedge.compress.pruning.channels.running import inference, run
from tfedge.compress.pruning.channels.samples import first_samples
from tfedge.compress.pruning.channels.weights import variable_of
from tfedge.models.graph import Step, read_graph
from tfedge.models.layers import class_names

SAMPLES = 1024
_BATCH = 64
_ROWS = 4096
_RIDGE = 1e-4


class Reconstruction:
    """What flows into the consumers of channels, and their kernels without some channels.

    Dense layers, convolutions and the input kernels of recurrent layers are reconstructed; layers
    that do not mix the channels of one input (depthwise, grouped, attention) stay as they are.

    Args:
        model: A functional or Sequential model of either Keras; it is not changed.
        groups: Channel groups that may lose units.
        data: Samples, in any form that `tfedge.core.data.batches` reads; labels are not used.
        samples: Number of samples.

    Raises:
        DataError: If there are no samples, or they do not fit the model.

    Example:
        >>> from tfedge.compress.pruning.channels.graph import read_channels
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((1,)), layers.Dense(2, name="a"), layers.Dense(1, name="b")]
        >>> model = keras3().Sequential(stack)
        >>> model.set_weights([np.array([[1.0, 2.0]]), np.zeros(2), np.ones((2, 1)), np.zeros(1)])
        >>> x = np.linspace(-1, 1, 9)[:, None]
        >>> found = Reconstruction(model, read_channels(model).groups, x).weights({"a": [0]})
        >>> kernel = found[id(model.get_layer("b").kernel)]  # channel 0 is half of channel 1
        >>> kernel.round(2).ravel().tolist()
        [1.0, 1.5]

    Reference:
        Least squares on the inputs of consumers as in He et al., "Channel Pruning for
        Accelerating Very Deep Neural Networks", ICCV 2017, arXiv:1707.06168, section 3.1; one
        mixture of channels for all positions of a kernel as in Kim et al., "Neuron Merging",
        NeurIPS 2020, arXiv:2010.13160.
    """

    def __init__(
        self, model: Any, groups: Iterable[ChannelGroup], data: Any, *, samples: int = SAMPLES
    ) -> None:
        graph = read_graph(model)
        self._layers = graph.layers()
        self._seen = {
            (group.name, place): Moments(member)
            for group in groups
            for place, member in enumerate(group.members)
            if mixes(self._layers[member.layer], member)
        }
        by_layer: dict[str, list[Moments]] = {}
        for moments in self._seen.values():
            by_layer.setdefault(moments.member.layer, []).append(moments)

        def seen(step: Step, args: tuple, kwargs: dict) -> Any:
            """Add what goes into a consumer."""
            for moments in by_layer.get(step.name, ()):
                moments.add(_rows(step.layer, args[0]))
            return inference(step, args, kwargs)

        for batch in first_samples(model, data, samples, _BATCH):
            run(graph, batch.x, seen)

    def weights(self, drop: Mapping[str, Sequence[int]]) -> dict[int, np.ndarray]:
        """Return the kernels and biases of consumers that make up for some units.

        Args:
            drop: Group name to the units that go.

        Returns:
            New values, in the shapes of the old ones, by the identity of the variable.
        """
        found: dict[int, np.ndarray] = {}
        for (group, _), moments in self._seen.items():
            if group in drop and moments.count:
                self._reconstruct(moments, np.asarray(drop[group], int), found)
        return found

    def _reconstruct(self, moments: Moments, gone: np.ndarray, found: dict) -> None:
        """Write the new kernel of one consumer, and its bias where it has one."""
        member = moments.member
        kernel, bias = self._variables(member)
        mixture, rest = moments.mixture(gone, centred=bias is not None)
        stays = np.setdiff1d(np.arange(len(member.positions)), gone)
        value = np.moveaxis(found.setdefault(id(kernel), _value(kernel)), member.axis, 0)
        lost = value[member.positions[gone]]
        value[member.positions[stays]] += np.tensordot(mixture, lost, ((0,), (0,)))
        if bias is not None:
            moved = np.tensordot(rest, lost, 1)
            found.setdefault(id(bias), _value(bias))[:] += moved.reshape(-1, moved.shape[-1]).sum(0)

    def _variables(self, member: Member) -> tuple[Any, Any]:
        """Return the kernel of a consumer and the bias that a constant can be added to, if any."""
        layer = self._layers[member.layer]
        bias = None
        if member.weight == "kernel" and not _is_transposed(layer) and layer.use_bias:
            bias = layer.bias
        return variable_of(self._layers, member), bias


@dataclasses.dataclass(eq=False)
class Moments:
    """First and second moments of the units of a group where one member consumes them.

    Positions that a unit occupies several of (flattened images) are taken as further samples.

    Args:
        member: The kernel that consumes them.
    """

    member: Member
    count: int = 0
    sums: Any = 0.0
    products: Any = 0.0

    def add(self, rows: np.ndarray) -> None:
        """Add inputs of the layer: float32, shape (rows, axis of the kernel)."""
        places = self.member.positions.T
        values = rows[:, places].reshape(-1, places.shape[1])
        self.count += len(values)
        self.sums = self.sums + values.sum(0, dtype=np.float64)
        self.products = self.products + (values.T @ values).astype(np.float64)

    def mixture(self, gone: np.ndarray, *, centred: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return how the units that go are best made of those that stay.

        ``x[gone] = mixture @ x[stays] + rest``, by least squares with a small ridge.

        Args:
            gone: Units that go.
            centred: Whether there is a ``rest``; it is 0 otherwise.

        Returns:
            float64, shapes (gone, stays) and (gone,).
        """
        mean = self.sums / self.count if centred else np.zeros(len(self.sums))
        spread = self.products / self.count - np.outer(mean, mean)
        stays = np.setdiff1d(np.arange(len(mean)), gone)
        ridge = _RIDGE * np.trace(spread) / len(spread) + np.finfo(np.float32).tiny
        inner = spread[np.ix_(stays, stays)] + ridge * np.eye(len(stays))
        mixture = np.linalg.solve(inner, spread[np.ix_(stays, gone)]).T
        return mixture, mean[gone] - mixture @ mean[stays]


def mixes(layer: Any, member: Member) -> bool:
    """Return whether a member is a kernel that mixes all channels of the layer's one input.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> member = Member("a", "kernel", 0, np.arange(2)[:, None], IN)
        >>> mixes(keras3().layers.Dense(1), member), mixes(keras3().layers.Multiply(), member)
        (True, False)
    """
    kinds = class_names(layer)
    plain = any(kind.startswith("Conv") or kind in ("Dense", "LSTM", "GRU") for kind in kinds)
    path = member.weight in ("kernel", "cell.kernel")
    return member.role == IN and path and plain and getattr(layer, "groups", 1) == 1


def _is_transposed(layer: Any) -> bool:
    """Return whether a layer is a transposed convolution, whose taps do not meet everywhere."""
    return any("Transpose" in kind for kind in class_names(layer))


def _rows(layer: Any, x: Any) -> np.ndarray:
    """Return positions of a layer's input, some of many, each with all its channels."""
    last = tf.experimental.numpy.moveaxis(tf.cast(x, tf.float32), channel_axis(layer), -1)
    rows = np.asarray(tf.reshape(last, (-1, last.shape[-1])))
    if len(rows) <= _ROWS:
        return rows
    return rows[np.random.default_rng(0).choice(len(rows), _ROWS, replace=False)]


def _value(variable: Any) -> np.ndarray:
    """Return the values of a variable, to be written to."""
    return np.array(variable.numpy(), np.float64)
