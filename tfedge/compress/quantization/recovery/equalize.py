"""Cross-layer equalization: scales moved from one layer to the next, so that ranges are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfedge.compress.quantization.recovery.linear_layers import Linear
from tfedge.compress.quantization.recovery.scale_groups import ScaleGroup
from tfedge.compress.quantization.rules import kind_of

_ROUNDS = 50
_SETTLED = 1e-4


def equalize(groups: Sequence[ScaleGroup]) -> int:
    """Scale channels between layers, in place, so that kernels have ranges that are alike.

    With scales ``s`` a channel of the producer is divided by ``s_i`` and that of the consumer
    multiplied, which a ReLU in between lets pass, so the outputs of the model stay. With
    ``s_i = sqrt(r1_i r2_i) / r2_i`` both ranges become ``sqrt(r1_i r2_i)``. Ranges of producers
    are those of the kernel that the file holds, normalization folded in. A layer may belong to
    two groups, so this is repeated until scales stay.

    Args:
        groups: As `scale_groups` finds them.

    Returns:
        The number of groups.

    Example:
        >>> from tfedge.compress.quantization.recovery.scale_groups import scale_groups
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> inputs = tf_keras().Input((1,))
        >>> hidden, head = layers.Dense(2, "relu", name="a"), layers.Dense(1, name="b")
        >>> model = tf_keras().Model(inputs, head(hidden(inputs)))
        >>> hidden.set_weights([np.array([[16.0, 1.0]]), np.zeros(2)])
        >>> head.set_weights([np.array([[1.0], [4.0]]), np.zeros(1)])
        >>> equalize(scale_groups(model))
        1
        >>> hidden.kernel.numpy().tolist(), head.kernel.numpy().tolist()
        ([[4.0, 2.0]], [[4.0], [2.0]])

    Reference:
        Nagel et al., ICCV 2019, arXiv:1906.04721, section 4.1, equation 11.
    """
    for _ in range(_ROUNDS):
        steps = [_equalize(group) for group in groups]
        if max(steps, default=0.0) < _SETTLED:
            break
    return len(groups)


def _equalize(group: ScaleGroup) -> float:
    """Equalize one group, and return the largest change of a scale, as a logarithm."""
    first = np.max([output_range(one) for one in group.producers], axis=0)
    second = np.max([input_range(one, group.channels) for one in group.consumers], axis=0)
    alive = (first > 0) & (second > 0)
    scales = np.ones(group.channels)
    scales[alive] = np.sqrt(first[alive] / second[alive])
    rescale(group, scales)
    return float(np.abs(np.log(scales)).max())


def rescale(group: ScaleGroup, scales: np.ndarray) -> None:
    """Divide the channels of a group by scales, and multiply them where they are taken in.

    Example:
        >>> rescale(ScaleGroup(2, (), ()), np.array([0.5, 2.0]))
    """
    for one in group.producers:
        if one.norm is not None:
            parts = [one.norm.gamma, one.norm.beta]
        else:
            one.kernel.assign(one.kernel / scales[_outputs(one)])
            parts = [one.layer.bias]
        for part in parts:
            part.assign(part / scales)
    for one in group.consumers:
        one.kernel.assign(one.kernel * scales[_inputs(one) % group.channels])


def output_range(one: Linear) -> np.ndarray:
    """Return the largest magnitude that each output channel has in the kernel of the file.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layer = tf_keras().layers.Dense(2, use_bias=False)
        >>> layer.build((None, 1))
        >>> layer.set_weights([np.array([[-3.0, 2.0]])])
        >>> output_range(Linear(layer)).tolist()
        [3.0, 2.0]
    """
    return _largest(one, _outputs(one))


def input_range(one: Linear, channels: int) -> np.ndarray:
    """Return the largest magnitude that each input channel has in the kernel of the file.

    Args:
        one: The layer.
        channels: Number of channels; where the input was flattened they repeat.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layer = tf_keras().layers.Dense(1, use_bias=False)
        >>> layer.build((None, 4))
        >>> layer.set_weights([np.array([[-3.0], [2.0], [1.0], [5.0]])])
        >>> input_range(Linear(layer), 2).tolist()
        [3.0, 5.0]
    """
    return _largest(one, _inputs(one) % channels, channels)


def _largest(one: Linear, channel: np.ndarray, channels: int | None = None) -> np.ndarray:
    """Return the largest magnitude of the weights of each channel, normalization folded in."""
    kernel = np.abs(one.kernel.numpy())
    if one.norm is not None:
        deviation = np.sqrt(one.norm.moving_variance.numpy() + one.norm.epsilon)
        kernel = kernel * (np.abs(one.norm.gamma.numpy()) / deviation)[_outputs(one)]
    found = np.zeros(channels or int(channel.max()) + 1)
    np.maximum.at(found, np.broadcast_to(channel, kernel.shape), kernel)
    return found


def _outputs(one: Linear) -> np.ndarray:
    """Return the output channel of each weight of a kernel, in a shape that broadcasts to it."""
    shape, kind = tuple(one.kernel.shape), kind_of(one.layer)
    if kind == "DepthwiseConv2D":
        return np.arange(shape[2] * shape[3]).reshape(1, 1, *shape[2:])
    if kind == "Conv2DTranspose":
        return np.arange(shape[2])[None, None, :, None]
    return np.arange(shape[-1])


def _inputs(one: Linear) -> np.ndarray:
    """Return the input channel of each weight of a kernel, in a shape that broadcasts to it."""
    shape, kind = tuple(one.kernel.shape), kind_of(one.layer)
    if kind == "Conv2DTranspose":
        return np.arange(shape[3])
    column = np.arange(shape[-2])[:, None]
    groups = getattr(one.layer, "groups", 1)
    if kind != "Conv2D" or groups == 1:
        return column
    return np.arange(shape[3]) // (shape[3] // groups) * shape[2] + column
