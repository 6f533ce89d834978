"""How one kernel is fake-quantized: bits, channels, zeros and shared values that are kept."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import tensorflow as tf

from tfedge.models.training.activation_range import is_watching
from tfedge.models.training.clustered import as_rows, from_rows
from tfedge.models.training.fake_quant import (
    BITS,
    fake_quantized_kernel,
    largest_magnitude,
    rounded_constant,
)
from tfedge.models.training.shared_values import shared_values


@dataclasses.dataclass(frozen=True)
class KernelScheme:
    """How a kernel is quantized, and what of its structure stays while it is trained.

    Args:
        path: Attribute of the layer that holds the kernel.
        axes: Its last axes, which have a range for each entry; empty for one range.
        bits: Width of the integers.
        common: Whether these ranges are all the same: one grid for the kernel, in the form into
            which a normalization folds.
        keep_zeros: Whether weights that are 0 at the start stay 0.
        clusters: Number of distinct values that each row of the kernel keeps, the kept zero left
            out; None where values are free.
        cluster_axis: The axis whose every entry has values of its own; None if all weights
            share them.
        constant: Whether the converter knows it as a constant only, whose range it reads from
            its values.

    Example:
        >>> KernelScheme("kernel", axes=(3,)).bits
        8
    """

    path: str
    axes: tuple[int, ...] = ()
    bits: int = BITS
    common: bool = False
    keep_zeros: bool = False
    clusters: int | None = None
    cluster_axis: int | None = None
    constant: bool = False

    def build(self, layer: Any, kernel: Any) -> dict[str, Any]:
        """Return new variables of a wrapper: range, and where asked for mask and shared values.

        :meth:`start` sets them from the kernel, or a file does.
        """
        name = self.path.rpartition(".")[2]
        size = [math.prod(kernel.shape[axis] for axis in self.axes)] if self.axes else []
        kind = {"dtype": tf.float32, "initializer": "ones", "trainable": False}
        mean = {"aggregation": tf.VariableAggregation.MEAN}
        state = {"max_var": layer.add_weight(f"{name}_max", size, **kind, **mean)}
        if self.keep_zeros:
            state["mask"] = layer.add_weight(f"{name}_mask", kernel.shape, **kind)
        if self.clusters is not None:
            rows = 1 if self.cluster_axis is None else kernel.shape[self.cluster_axis]
            shape = (rows, self.clusters)
            state["centroids"] = layer.add_weight(f"{name}_centroids", shape, initializer="zeros")
        return state

    def apply(self, kernel: Any, training: Any, state: dict[str, Any]) -> Any:
        """Return the kernel that the layer is to compute with, in float32.

        While ranges watch, 8 bits are as good as float; fewer make other activations.
        """
        values = self.structured(kernel, state)
        if is_watching() and self.bits == BITS:
            return values
        with tf.name_scope("LastValueQuant"):
            if tf.is_tensor(training) or training:
                self._follow(values, training, state)
            largest = tf.convert_to_tensor(state["max_var"])
            if self.constant:
                return rounded_constant(values, largest, self.bits)
            return fake_quantized_kernel(values, largest, self.axes, self.bits)

    def structured(self, kernel: Any, state: dict[str, Any]) -> Any:
        """Return the kernel with its zeros and shared values, not quantized."""
        values = tf.cast(tf.convert_to_tensor(kernel), tf.float32)
        mask = state["mask"] if self.keep_zeros else None
        if self.clusters is None:
            return values if mask is None else values * mask
        axis = self.cluster_axis
        used = None if mask is None else as_rows(tf.convert_to_tensor(mask) > 0, axis)
        rows = shared_values(as_rows(values, axis), state["centroids"], used)
        return from_rows(rows, values.shape, axis)

    def start(self, kernel: Any, state: dict[str, Any]) -> None:
        """Set range and mask from the kernel as it is now."""
        values = tf.cast(tf.convert_to_tensor(kernel), tf.float32)
        if self.keep_zeros:
            state["mask"].assign(tf.cast(values != 0, tf.float32))
        self.set_range(kernel, state)

    def set_range(self, kernel: Any, state: dict[str, Any]) -> None:
        """Set the range to the largest magnitudes of the kernel as it is now."""
        state["max_var"].assign(self._largest(self.structured(kernel, state)))

    def _largest(self, values: Any) -> Any:
        """Return the largest magnitudes of a kernel."""
        found = largest_magnitude(values, self.axes)
        return tf.fill(tf.shape(found), tf.reduce_max(found)) if self.common else found

    def _follow(self, values: Any, training: Any, state: dict[str, Any]) -> None:
        """Assign the range of this step's kernel."""
        largest = state["max_var"]
        found = self._largest(values)
        old = tf.convert_to_tensor(largest)
        largest.assign(tf.where(tf.cast(training, tf.bool), found, old))
