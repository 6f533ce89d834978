"""A wrapper that lets the kernels of any layer share a few values."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.models.flavours import tf_keras
from tfedge.models.kernels import weights_at
from tfedge.models.training.passing import PassingWrapper
from tfedge.models.training.shared_values import shared_values
from tfedge.models.training.stand_in import stand_in

keras: Any = tf_keras()


@keras.saving.register_keras_serializable("tfedge", "Clustered")
class Clustered(PassingWrapper):
    """Calls a layer with kernels whose weights were replaced by the nearest shared values.

    As in tfmot's ``ClusterWeights``, the layer keeps its own weights: they decide, at every
    call, which value each uses, and train along. Here the layer's variables stay where they
    are, so files hold all of them; any layer works; the search for the nearest value sorts the
    centroids, where tfmot compares each weight with each.

    Args:
        layer: The layer whose kernels share values.
        clusters: Number of distinct values of a kernel, or of each of its output channels.
        kernels: Attribute paths of the kernels, such as ``"cell.recurrent_kernel"``.
        shapes: Their shapes. Default: looked up, if the layer is built.
        axes: For each kernel the axis of the output channels that have values of their own;
            None where all weights share them. Default: None for each.
        keep_zeros: Whether weights that are 0 at the start stay 0. The value 0 counts as one
            of the ``clusters``.
        average: Whether a centroid's gradient is the mean of those of its weights, or the sum.
        **settings: What else a Keras layer takes.

    Example:
        >>> head = keras.layers.Dense(8, name="head")
        >>> head.build((None, 4))
        >>> layer = Clustered(head, clusters=3)
        >>> layer(keras.Input((4,))).shape, layer.centroids[0].shape
        (TensorShape([None, 8]), TensorShape([1, 3]))
    """

    def __init__(
        self,
        layer: Any,
        clusters: int,
        kernels: Sequence[str] = ("kernel",),
        shapes: Any = None,
        axes: Any = None,
        keep_zeros: bool = False,
        average: bool = True,
        **settings: Any,
    ) -> None:
        own = {"name": layer.name, "dtype": "float32", "autocast": False}
        super().__init__(layer, **{**settings, **own})
        found = shapes or [weight.shape for weight in weights_at(layer, tuple(kernels))]
        self.clusters = clusters
        self.kernels = tuple(kernels)
        self.shapes = tuple(tuple(int(size) for size in shape) for shape in found)
        self.axes = tuple(axes or [None] * len(self.kernels))
        self.keep_zeros = keep_zeros
        self.average = average
        self.supports_masking = layer.supports_masking

    @property
    def centroids(self) -> list[Any]:
        """The values of each kernel, variables of shape ``(rows, values)``."""
        return list(self._trainable_weights)

    @property
    def masks(self) -> list[Any]:
        """Where each kernel was not 0 at the start; empty unless zeros are kept."""
        return list(self._non_trainable_weights)

    def build(self, input_shape: Any = None) -> None:
        """Make the centroids, and where zeros are kept their masks."""
        for number, (shape, axis) in enumerate(zip(self.shapes, self.axes, strict=True)):
            size = (1 if axis is None else shape[axis], self.clusters - self.keep_zeros)
            dtype = self.layer.variable_dtype
            self.add_weight(f"centroids_{number}", shape=size, dtype=dtype, initializer="zeros")
        for number, shape in enumerate(self.shapes if self.keep_zeros else ()):
            kind = {"dtype": "bool", "initializer": "ones", "trainable": False}
            self.add_weight(f"mask_{number}", shape=shape, **kind)
        self.built = True

    def call(self, inputs: Any, *args: Any, **arguments: Any) -> Any:
        """Call the layer with shared values in place of its kernels."""
        known = inspect.signature(self.layer.call).parameters
        if all(one.kind != one.VAR_KEYWORD for one in known.values()):
            arguments = {name: value for name, value in arguments.items() if name in known}
        if not self._has_kernels():
            self.layer(inputs, *args, **arguments)
        with stand_in(self.layer, dict(zip(self.kernels, self.shared_kernels(), strict=True))):
            return self.layer(inputs, *args, **arguments)

    def shared_kernels(self) -> list[Any]:
        """Return the kernels that the layer computes with, as tensors in its weights' dtype."""
        kernels = weights_at(self.layer, self.kernels)
        return [self._shared_kernel(*one) for one in enumerate(kernels)]

    def shared_weights(self) -> list[np.ndarray]:
        """Return the weights of the layer inside as arrays, its kernels with shared values."""
        kernels = weights_at(self.layer, self.kernels)
        shared = [kernel.numpy() for kernel in self.shared_kernels()]
        by_id = {id(kernel): value for kernel, value in zip(kernels, shared, strict=True)}
        return [by_id.get(id(weight), weight.numpy()) for weight in self.layer.weights]

    def get_config(self) -> dict[str, Any]:
        """Return what a file needs to make the wrapper again."""
        own = {
            "clusters": self.clusters,
            "kernels": list(self.kernels),
            "shapes": [list(shape) for shape in self.shapes],
            "axes": list(self.axes),
            "keep_zeros": self.keep_zeros,
            "average": self.average,
        }
        return {**super().get_config(), **own}

    def _has_kernels(self) -> bool:
        """Return whether the layer has its kernels yet; some layers make them when called."""
        try:
            weights_at(self.layer, self.kernels)
        except AttributeError:
            return False
        return True

    def _shared_kernel(self, number: int, kernel: Any) -> Any:
        """Return one kernel with shared values."""
        axis = self.axes[number]
        used = as_rows(self.masks[number], axis) if self.keep_zeros else None
        values = shared_values(
            as_rows(kernel, axis), self.centroids[number], used, average=self.average
        )
        return from_rows(values, self.shapes[number], axis)


def as_rows(kernel: Any, axis: int | None) -> Any:
    """Return a kernel as a tensor of shape ``(rows, weights that share values)``.

    Args:
        kernel: Array or tensor.
        axis: The axis whose every entry becomes a row; None for one row of all weights.

    Example:
        >>> as_rows(np.zeros((3, 3, 8, 16)), axis=3).shape
        TensorShape([16, 72])
    """
    if axis is None:
        return tf.reshape(kernel, (1, -1))
    front = tf.transpose(kernel, _front(len(kernel.shape), axis))
    return tf.reshape(front, (kernel.shape[axis], -1))


def from_rows(rows: Any, shape: Sequence[int], axis: int | None) -> Any:
    """Return the kernel of a shape whose rows these are: the inverse of :func:`as_rows`.

    Example:
        >>> kernel = np.arange(24).reshape(2, 3, 4)
        >>> bool((from_rows(as_rows(kernel, 1), (2, 3, 4), 1) == kernel).numpy().all())
        True
    """
    if axis is None:
        return tf.reshape(rows, shape)
    order = _front(len(shape), axis)
    return tf.transpose(tf.reshape(rows, [shape[one] for one in order]), np.argsort(order))


def _front(rank: int, axis: int) -> list[int]:
    """Return the order of axes that brings one to the front."""
    return [axis, *(one for one in range(rank) if one != axis)]
