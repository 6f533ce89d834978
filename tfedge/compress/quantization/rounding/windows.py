"""What a kernel is multiplied with: the windows of a tensor that one output value is made of."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.quantization.rules import kind_of

PRODUCTS = frozenset({"Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D"})
"""Layers whose output values are each a product of a window and a column of a matrix."""


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """A linear layer as one matrix product for each group of channels.

    Args:
        layer: A built layer of one of :data:`PRODUCTS`.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> conv = tf_keras().layers.Conv2D(4, 3, padding="same")
        >>> conv.build((None, 8, 8, 2))
        >>> windows = Windows(conv)
        >>> x = tf.ones((5, 8, 8, 2))
        >>> rows = windows.rows(x, windows.places(x.shape, 10, np.random.default_rng(0)))
        >>> rows.shape, windows.matrices(conv.kernel).shape
        (TensorShape([50, 1, 18]), TensorShape([1, 18, 4]))
    """

    layer: Any

    @property
    def groups(self) -> int:
        """Number of groups of channels that know nothing of each other."""
        if self._kind == "DepthwiseConv2D":
            return int(self.layer.depthwise_kernel.shape[2])
        return int(getattr(self.layer, "groups", 1))

    def matrices(self, kernel: Any) -> Any:
        """Return a kernel as matrices ``(groups, inputs of a value, output channels)``."""
        kernel = tf.convert_to_tensor(kernel)
        if self._kind == "Dense":
            return kernel[None]
        if self._kind == "Conv2DTranspose":
            kernel = tf.transpose(tf.reverse(kernel, [0, 1]), (0, 1, 3, 2))
        elif self._kind == "DepthwiseConv2D":
            kernel = tf.transpose(kernel, (0, 1, 3, 2))
        height, width, *_, last = kernel.shape
        if self._kind == "DepthwiseConv2D":
            return tf.transpose(tf.reshape(kernel, (height * width, -1, last)), (2, 0, 1))
        columns = tf.reshape(kernel, (-1, self.groups, last // self.groups))
        return tf.transpose(columns, (1, 0, 2))

    def kernel(self, matrices: Any) -> Any:
        """Return the kernel of which :meth:`matrices` makes these."""
        if self._kind == "Dense":
            return matrices[0]
        height, width = self.layer.kernel_size
        groups, _, channels = matrices.shape
        columns = tf.transpose(matrices, (1, 0, 2))
        if self._kind == "DepthwiseConv2D":
            return tf.reshape(columns, (height, width, groups, channels))
        kernel = tf.reshape(columns, (height, width, -1, groups * channels))
        if self._kind == "Conv2DTranspose":
            kernel = tf.reverse(tf.transpose(kernel, (0, 1, 3, 2)), [0, 1])
        return kernel

    def places(self, shape: Any, most: int, rng: np.random.Generator) -> np.ndarray:
        """Choose output positions at random, the same number in each sample.

        Args:
            shape: Shape of the layer's input, samples first.
            most: Largest number of positions in a sample.
            rng: Chooses.

        Returns:
            Position numbers of shape ``(samples, positions)``.
        """
        count = int(np.prod(self._grid(shape)))
        if most >= count:
            return np.tile(np.arange(count), (shape[0], 1))
        return np.stack([rng.choice(count, most, replace=False) for _ in range(shape[0])])

    def rows(self, x: Any, places: np.ndarray) -> Any:
        """Return what the kernel is multiplied with at some positions.

        Args:
            x: The layer's input.
            places: Position numbers, from :meth:`places`.

        Returns:
            Float32 tensor of shape ``(samples * positions, groups, inputs of a value)``.
        """
        x = tf.cast(x, tf.float32)
        samples = len(places)
        if self._kind == "Dense":
            flat = tf.reshape(x, (samples, -1, x.shape[-1]))
            return tf.reshape(tf.gather(flat, places, batch_dims=1), (-1, 1, x.shape[-1]))
        columns = self._grid(x.shape)[1]
        padded = self._padded(x)
        flat = tf.reshape(padded, (samples, -1, padded.shape[-1]))
        found = tf.gather(flat, self._taps(places, columns, padded.shape[2]), batch_dims=1)
        split = tf.reshape(found, (places.size, found.shape[2], self.groups, -1))
        split = tf.transpose(split, (0, 2, 1, 3))
        return tf.reshape(split, (places.size, self.groups, -1))

    @property
    def _kind(self) -> str:
        """Class of the layer."""
        return kind_of(self.layer)

    @property
    def _strides(self) -> tuple[int, int]:
        """Steps over the padded input; those of a transposed convolution are in the padding."""
        return (1, 1) if self._kind == "Conv2DTranspose" else self.layer.strides

    def _grid(self, shape: Any) -> tuple[int, ...]:
        """Return the number of positions of the output along each axis."""
        if self._kind == "Dense":
            return tuple(shape[1:-1])
        return tuple(self.layer.compute_output_shape(tf.TensorShape(shape)))[1:3]

    def _padded(self, x: Any) -> Any:
        """Return the input with the zeros around it, and between its values, that are read."""
        if self._kind == "Conv2DTranspose":
            x = _spread(x, self.layer.strides)
        return tf.pad(x, [(0, 0), self._around(x, 0), self._around(x, 1), (0, 0)])

    def _around(self, x: Any, axis: int) -> tuple[int, int]:
        """Return how many zeros go before and after an axis."""
        layer, length = self.layer, x.shape[axis + 1]
        size, same = layer.kernel_size[axis], layer.padding == "same"
        if self._kind == "Conv2DTranspose":
            stride = layer.strides[axis]
            return size - 1 - max(size - stride, 0) // 2 * same, size - 1 + stride
        stride, reach = self._strides[axis], (size - 1) * layer.dilation_rate[axis] + 1
        total = max((-(-length // stride) - 1) * stride + reach - length, 0) * same
        return total // 2, total - total // 2

    def _taps(self, places: np.ndarray, columns: int, width: int) -> np.ndarray:
        """Return where in the flattened padded input the values of each window lie."""
        corners = np.divmod(places, columns)
        rows, cols = (
            corner[..., None] * stride + np.arange(size) * dilation
            for corner, stride, size, dilation in zip(
                corners,
                self._strides,
                self.layer.kernel_size,
                self.layer.dilation_rate,
                strict=True,
            )
        )
        taps = rows[..., :, None] * width + cols[..., None, :]
        return np.reshape(taps, (*places.shape, -1))


def _spread(x: Any, strides: tuple[int, int]) -> Any:
    """Return an image whose values are so far apart, with zeros between them."""
    samples, height, width, channels = x.shape
    down, right = strides
    between = [(0, 0), (0, 0), (0, down - 1), (0, 0), (0, right - 1), (0, 0)]
    wide = tf.pad(x[:, :, None, :, None], between)
    wide = tf.reshape(wide, (samples, height * down, width * right, channels))
    return wide[:, : (height - 1) * down + 1, : (width - 1) * right + 1]
