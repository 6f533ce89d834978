"""The channels that stay take over what those that go contributed.

What a removed channel held is often a mixture of the others. Where data tell the mixture, the
layers that consume the channels can take it from those that stay, in closed form, without labels
and before any training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.consumers import Consumer, consumers, losses
from tfedge.compress.pruning.channels.dependency.rules_kernels import channel_axis
from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.moments import Moments
from tfedge.compress.pruning.channels.recalibration import Totals, has_statistics
from tfedge.compress.pruning.channels.surgery import Drop
from tfedge.models.graph import LayerGraph, read_graph
from tfedge.models.kernels import weights_at
from tfedge.models.layers import class_names
from tfedge.models.running import Flow, inference
from tfedge.models.samples import first_samples

SAMPLES = 1024
_BATCH = 64
_ROWS = 4096
_BYTES = 512 << 20


def reconstruct(
    model: Any,
    slim: Any,
    groups: Sequence[ChannelGroup],
    gone: Drop,
    data: Any,
    *,
    statistics: bool = True,
    samples: int = SAMPLES,
) -> int:
    """Change the kernels of a model without channels so that it gives what the whole one gave.

    Both models run side by side, layer by layer. Before a Dense layer, a convolution or the input
    kernel of a recurrent layer runs, it gets the kernel that makes the best, by least squares, of
    what now arrives in place of what arrived before; so each layer also makes up for what those
    before it could not. Layers that do not mix the channels of one input (depthwise, grouped,
    attention), that are called several times, or that see too few samples stay as they are.

    Args:
        model: The model with all channels, of either Keras; it is not changed.
        slim: The model without some, as ``remove`` returns it; its weights are overwritten.
        groups: The channel groups of ``model``.
        gone: Group name to the units that went.
        data: Samples, in any form that `tfedge.core.data.batches` reads; labels are not used.
        statistics: Whether BatchNormalization is estimated anew on the way.
        samples: Largest number of samples; fewer where activations are large.

    Returns:
        The number of kernels that were changed.

    Raises:
        DataError: If there are no samples, or they do not fit the model.

    Example:
        >>> from tfedge.compress.pruning.channels.graph import read_channels
        >>> from tfedge.compress.pruning.channels.surgery import remove
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((1,)), layers.Dense(2, name="a"), layers.Dense(1, name="b")]
        >>> model = keras3().Sequential(stack)
        >>> model.set_weights([np.array([[1.0, 2.0]]), np.zeros(2), np.ones((2, 1)), np.zeros(1)])
        >>> slim = remove(model, {"a": [0]})  # channel 0 is half of channel 1
        >>> x = np.linspace(-1, 1, 9)[:, None]
        >>> reconstruct(model, slim, read_channels(model).groups, {"a": [0]}, x)
        1
        >>> slim.get_layer("b").kernel.numpy().round(1).ravel().tolist()
        [1.5]

    Reference:
        Layer by layer, on the inputs that the layers before now give: He et al., "Channel Pruning
        for Accelerating Very Deep Neural Networks", ICCV 2017, arXiv:1707.06168, section 3. One
        mixture of channels for all positions of a kernel: Kim et al., "Neuron Merging", NeurIPS
        2020, arXiv:2010.13160.
    """
    whole, thin = read_graph(model), read_graph(slim)
    parts = consumers(whole, groups, gone)
    lost = losses(groups, gone)
    batches = list(first_samples(model, data, _affordable(whole, samples), _BATCH))
    flows = [(Flow(whole, batch.x), Flow(thin, batch.x)) for batch in batches]
    changed = 0
    for old, new in zip(whole.steps, thin.steps, strict=True):
        calls = [(before.arguments(old), after.arguments(new)) for before, after in flows]
        mine = [part for part in parts if part.layer == old.name]
        if mine:
            inputs = [(a[0][0], b[0][0]) for a, b in calls]
            changed += _renewed(old.layer, new.layer, mine, inputs, lost)
        if statistics and has_statistics(new.layer):
            _estimate(new.layer, [args[0] for _, (args, _) in calls])
        for (before, after), (a, b) in zip(flows, calls, strict=True):
            before.made(old, inference(old, *a))
            after.made(new, inference(new, *b))
    return changed


def _affordable(graph: LayerGraph, samples: int) -> int:
    """Return how many samples can be kept where activations are largest."""
    sizes = (math.prod(side or 1 for side in t.shape[1:]) for s in graph.steps for t in s.outputs)
    return int(np.clip(_BYTES // (4 * max(sizes, default=1)), 1, samples))


def _renewed(old: Any, new: Any, parts: list[Consumer], inputs: list, lost: dict) -> int:
    """Give a layer the kernel that suits what arrives, and return how many were changed."""
    path = parts[0].weight
    kernel, bias = np.array(weights_at(old, (path,))[0].numpy(), np.float64), None
    if path == "kernel" and getattr(old, "use_bias", False) and not _is_transposed(old):
        bias = np.array(old.bias.numpy(), np.float64)
    done = sum(_mixed(old, part, inputs, kernel, bias) for part in parts)
    if done:
        _write(weights_at(new, (path,))[0], kernel, lost.get((parts[0].layer, path), ()))
        if bias is not None:
            _write(new.bias, bias, lost.get((parts[0].layer, "bias"), ()))
    return int(done > 0)


def _mixed(
    old: Any, part: Consumer, inputs: list, kernel: np.ndarray, bias: np.ndarray | None
) -> bool:
    """Write the rows of units that stay into a kernel of the old shape; return whether."""
    moments = Moments()
    for before, after in inputs:
        moments.add(*_rows(old, before, after, part))
    if not moments.enough():
        return False
    mixture, rest = moments.mixture(part.stays, centred=bias is not None)
    rows = np.moveaxis(kernel, part.axis, 0)
    taken = rows[part.positions]
    rows[part.positions[part.stays]] = np.tensordot(mixture, taken, 1)
    if bias is not None:
        bias += np.tensordot(rest, taken, 1).reshape(-1, len(bias)).sum(0)
    return True


def _rows(layer: Any, before: Any, after: Any, part: Consumer) -> tuple[np.ndarray, np.ndarray]:
    """Return what the units are at some positions of a layer's input, before and after."""
    found = []
    for x, places in ((before, part.positions), (after, part.places)):
        last = tf.experimental.numpy.moveaxis(tf.cast(x, tf.float32), channel_axis(layer), -1)
        rows = np.asarray(tf.reshape(last, (-1, last.shape[-1])))
        if len(rows) > _ROWS:
            rows = rows[np.random.default_rng(0).choice(len(rows), _ROWS, replace=False)]
        found.append(rows[:, places.T].reshape(-1, len(places)))
    return found[0], found[1]


def _estimate(layer: Any, inputs: list) -> None:
    """Give a BatchNormalization the statistics of what arrives."""
    total = Totals()
    for x in inputs:
        total.add_batch(layer, x)
    total.write(layer)


def _write(variable: Any, value: np.ndarray, lost: Any) -> None:
    """Write values without what is lost along some axes."""
    gone: dict[int, list] = {}
    for axis, indices in lost:
        gone.setdefault(axis % value.ndim, []).extend(indices)
    for axis, indices in gone.items():
        value = np.delete(value, indices, axis)
    variable.assign(value.astype(variable.numpy().dtype))


def _is_transposed(layer: Any) -> bool:
    """Return whether a layer is a transposed convolution, whose taps do not meet everywhere."""
    return any("Transpose" in kind for kind in class_names(layer))
