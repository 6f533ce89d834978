"""Statistics of BatchNormalization, estimated again on data.

Where channels went, what flows through a network has other means and variances than those that
its normalizations remember. Estimating them again costs a few forward passes and often brings
back most of what removal took.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.models.graph import Step, read_graph
from tfedge.models.layers import class_names
from tfedge.models.running import inference, run
from tfedge.models.samples import first_samples

SAMPLES = 1024
_BATCH = 64


def recalibrate(model: Any, data: Any, *, samples: int = SAMPLES) -> int:
    """Estimate the moving statistics of all BatchNormalization layers again, in place.

    Each layer normalizes with the statistics of the batch at hand, as in training; the means and
    variances over all samples are written at the end. Everything else runs as in inference. Frozen
    layers are estimated too; those inside wrappers such as TimeDistributed are not.

    Args:
        model: A functional or Sequential model of either Keras; its statistics are overwritten.
        data: Samples, in any form that `tfedge.core.data.batches` reads; labels are not used.
        samples: Number of samples.

    Returns:
        The number of layers that were estimated.

    Raises:
        DataError: If there are no samples, or they do not fit the model.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((1,)), layers.BatchNormalization()])
        >>> recalibrate(model, np.array([[1.0], [3.0]]))
        1
        >>> model.layers[0].moving_mean.numpy().tolist()
        [2.0]

    Reference:
        Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, arXiv:2105.07576, section 3
        ("PreciseBN"); after pruning: Li et al., "EagleEye", ECCV 2020, arXiv:2007.02491.
    """
    graph = read_graph(model)
    totals = {name: Totals() for name, layer in graph.layers().items() if has_statistics(layer)}
    if not totals:
        return 0

    def seen(step: Step, args: tuple, kwargs: dict) -> Any:
        """Normalize with the batch's own statistics, and add them up."""
        if step.name not in totals:
            return inference(step, args, kwargs)
        return _normalize(step.layer, args[0], totals[step.name])

    for batch in _even(first_samples(model, data, samples, _BATCH)):
        run(graph, batch.x, seen)
    layers = graph.layers()
    for name, total in totals.items():
        total.write(layers[name])
    return len(totals)


@dataclasses.dataclass
class Totals:
    """Sums over batches, in float64."""

    values: int = 0
    sums: Any = 0.0
    squares: Any = 0.0

    def add_batch(self, layer: Any, x: Any) -> tuple[Any, Any]:
        """Add what goes into a BatchNormalization, and return mean and variance of the batch."""
        kept = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
        kept %= len(x.shape)
        axes = [axis for axis in range(len(x.shape)) if axis != kept]
        mean, variance = tf.nn.moments(tf.cast(x, tf.float32), axes, keepdims=True)
        flat = [np.asarray(tf.reshape(one, [-1]), np.float64) for one in (mean, variance)]
        self.add(int(tf.size(x)) // len(flat[0]), *flat)
        return mean, variance

    def add(self, values: int, mean: np.ndarray, variance: np.ndarray) -> None:
        """Add the mean and the variance of so many values."""
        self.values += values
        self.sums = self.sums + values * mean
        self.squares = self.squares + values * (variance + mean**2)

    def write(self, layer: Any) -> None:
        """Make these the moving statistics of a layer."""
        layer.moving_mean.assign(self.mean().astype("float32"))
        layer.moving_variance.assign(self.variance().astype("float32"))

    def mean(self) -> np.ndarray:
        """Return the mean over all values."""
        return self.sums / self.values

    def variance(self) -> np.ndarray:
        """Return the variance over all values."""
        return np.maximum(self.squares / self.values - self.mean() ** 2, 0)


def has_statistics(layer: Any) -> bool:
    """Return whether a layer remembers the statistics of batches."""
    return "BatchNormalization" in class_names(layer)


def _even(parts: Any) -> Any:
    """Yield batches; a remainder after full ones is left out, because it says little."""
    for number, batch in enumerate(parts):
        if number == 0 or len(batch) == _BATCH:
            yield batch


def _normalize(layer: Any, x: Any, total: Totals) -> Any:
    """Return a batch normalized by its own statistics, and add these to the totals."""
    mean, variance = total.add_batch(layer, x)
    wide, shape = tf.cast(x, tf.float32), mean.shape
    gamma, beta = (
        None if one is None else tf.reshape(tf.cast(one, tf.float32), shape)
        for one in (layer.gamma, layer.beta)
    )
    made = tf.nn.batch_normalization(wide, mean, variance, beta, gamma, layer.epsilon)
    return tf.cast(made, x.dtype)
