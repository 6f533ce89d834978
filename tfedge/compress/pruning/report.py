"""How sparse a model is, layer by layer."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any

import numpy as np

from tfedge.compress.pruning.scope import left_out
from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.openers import open_path
from tfedge.core.records import Record
from tfedge.models.kernels import KernelLayer, kernel_layers
from tfedge.models.wrappers import is_pruning
from tfedge.runtime.model import TFLiteModel

_WEIGHT_TYPES = (np.int8, np.uint8, np.float16, np.float32)


@dataclasses.dataclass(frozen=True, repr=False)
class LayerSparsity(Record):
    """The zeros in the kernels of one layer.

    Attributes:
        name: Name of the layer, without a wrapper's prefix.
        kind: Its class.
        weights: Number of weights in its kernels.
        zeros: How many of them are 0.
        pruned: Whether a pruning wrapper is around it.
        left_out: In a model that is pruned, why this layer is not; empty otherwise.
    """

    name: str
    kind: str
    weights: int
    zeros: int
    pruned: bool
    left_out: str = ""

    @property
    def sparsity(self) -> float:
        """Fraction of zeros, in [0, 1]."""
        return self.zeros / self.weights


@dataclasses.dataclass(frozen=True, repr=False)
class SparsityReport(Record):
    """The zeros in the kernels of a model.

    Attributes:
        sparsity: Fraction of zeros over all kernels, in [0, 1].
        weights: Number of weights in all kernels. Biases and normalizations do not count.
        zeros: How many of them are 0.
        layers: One record for each layer with a kernel.
    """

    sparsity: float
    weights: int
    zeros: int
    layers: tuple[LayerSparsity, ...]

    def __repr__(self) -> str:
        """Return one line per layer, and the total."""
        width = max([5, *(len(layer.name) for layer in self.layers)])
        lines = [
            f"  {layer.name:<{width}}  {layer.sparsity:6.1%} of {layer.weights:>9,}{_note(layer)}"
            for layer in self.layers
        ]
        total = f"  {'total':<{width}}  {self.sparsity:6.1%} of {self.weights:>9,}"
        return "\n".join(["SparsityReport", *lines, total])

    def plot(self, axes: Any = None) -> Any:
        """Draw a bar per layer: the weights that are left, and the zeros.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        names = [layer.name for layer in self.layers]
        left = [layer.weights - layer.zeros for layer in self.layers]
        zeros = [layer.zeros for layer in self.layers]
        axes = plain_frame(new_axes(7, 1.5 + 0.25 * len(names)) if axes is None else axes)
        axes.barh(names, left, color="#4C72B0", label="weights left")
        bars = axes.barh(names, zeros, left=left, color="#DDDDDD", label="zeros")
        texts = [f"{layer.sparsity:.0%}" for layer in self.layers]
        axes.bar_label(bars, texts, padding=3, fontsize=8, color="#333333")
        axes.invert_yaxis()
        axes.set(xlabel="weights", title=f"{self.sparsity:.1%} zeros")
        axes.margins(x=0.12)
        axes.legend()
        return axes


def _note(layer: LayerSparsity) -> str:
    """Return what the table says about a layer."""
    reason = f"  left out: {layer.left_out}" if layer.left_out else ""
    return "  pruned" if layer.pruned else reason


def sparsity(model: Any) -> SparsityReport:
    """Return the fraction of zeros in the kernels of a model or a file, per layer and in total.

    Args:
        model: A built Keras model of either flavour, wrapped or not, subclassed too, or the path
            of one. In a QAT model the kernels that training changes are counted, before fake
            quantization. Of a :class:`tfedge.TFLiteModel` the weights as they lie in the file
            are counted: codes of the real value 0.

    Returns:
        A :class:`SparsityReport`, which prints a table and draws a chart: ``.plot()``.

    Raises:
        ModelError: If ``model`` is no Keras model, or not built.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> head = keras.layers.Dense(4, kernel_initializer="zeros", name="head")
        >>> sparsity(keras.Sequential([keras.Input((8,)), head]))
        SparsityReport
          head   100.0% of        32
          total  100.0% of        32
    """
    if isinstance(model, (str, os.PathLike)):
        model = open_path(model)
    rows = _file_rows(model) if isinstance(model, TFLiteModel) else _model_rows(model)
    weights, zeros = sum(row.weights for row in rows), sum(row.zeros for row in rows)
    return SparsityReport(zeros / weights if weights else 0.0, weights, zeros, rows)


def _model_rows(model: Any) -> tuple[LayerSparsity, ...]:
    """Return one record per layer with a kernel."""
    layers = kernel_layers(model)
    if not any(is_pruning(layer.layer) for layer in layers):
        return tuple(_row(layer, "") for layer in layers)
    reasons = left_out(model, layers)
    return tuple(_row(layer, reasons.get(id(layer.inner), "not chosen")) for layer in layers)


def _file_rows(lite: TFLiteModel) -> tuple[LayerSparsity, ...]:
    """Return one record per stored tensor that an operator uses as weights.

    Some sparsely stored tensors come as the values alone that are not zero.
    """
    readers = {index: item.name for item in lite.operators for index in item.inputs}
    rows = []
    for tensor, values in lite.stored():
        if tensor.index in readers and len(tensor.shape) > 1 and values.dtype in _WEIGHT_TYPES:
            weights = math.prod(tensor.shape)
            left = int(np.count_nonzero(values != np.max(tensor.zero_point or 0)))
            kind = readers[tensor.index]
            rows.append(LayerSparsity(tensor.name, kind, weights, weights - left, pruned=False))
    return tuple(rows)


def _row(layer: KernelLayer, reason: str) -> LayerSparsity:
    """Return the record of one layer."""
    kernels = _kernel_values(layer)
    pruned = is_pruning(layer.layer)
    return LayerSparsity(
        name=layer.name,
        kind=layer.kind,
        weights=sum(kernel.size for kernel in kernels),
        zeros=sum(int(np.count_nonzero(kernel == 0)) for kernel in kernels),
        pruned=pruned,
        left_out="" if pruned else reason,
    )


def _kernel_values(layer: KernelLayer) -> list[np.ndarray]:
    """Return the kernels; fake quantization keeps the variable in its wrapper."""
    quantized = [weight.numpy() for weight, *_ in getattr(layer.layer, "_weight_vars", ())]
    return quantized or [np.asarray(weight.numpy()) for weight in layer.variables()]
