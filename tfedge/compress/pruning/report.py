"""How sparse a model is, layer by layer."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from tfedge.core.openers import open_path
from tfedge.core.records import Record
from tfedge.models.adopt import adopt
from tfedge.models.layers import kernels_of
from tfedge.models.training.pruned import weights_at
from tfedge.models.wrappers import is_pruning, unwrapped
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
    """

    name: str
    kind: str
    weights: int
    zeros: int
    pruned: bool

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
            f"  {layer.name:<{width}}  {layer.sparsity:6.1%} of {layer.weights:>9,}"
            f"{'  pruned' if layer.pruned else ''}"
            for layer in self.layers
        ]
        total = f"  {'total':<{width}}  {self.sparsity:6.1%} of {self.weights:>9,}"
        return "\n".join(["SparsityReport", *lines, total])


def sparsity(model: Any) -> SparsityReport:
    """Return the fraction of zeros in the kernels of a model or a file, per layer and in total.

    Args:
        model: A Keras model of either flavour, wrapped or not, or the path of one. In a QAT
            model the kernels that training changes are counted, before fake quantization. Of a
            :class:`tfedge.TFLiteModel` the weights as they lie in the file are counted: codes
            of the real value 0.

    Returns:
        A :class:`SparsityReport`.

    Raises:
        ModelError: If ``model`` cannot be adopted.

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
    return tuple(_row(layer) for layer in adopt(model).layers if kernels_of(unwrapped(layer)))


def _file_rows(lite: TFLiteModel) -> tuple[LayerSparsity, ...]:
    """Return one record per stored tensor that an operator uses as weights."""
    readers = {index: item.name for item in lite.operators for index in item.inputs}
    return tuple(
        LayerSparsity(
            name=tensor.name,
            kind=readers[tensor.index],
            weights=values.size,
            zeros=int(np.count_nonzero(values == np.max(tensor.zero_point or 0))),
            pruned=False,
        )
        for tensor, values in lite.stored()
        if tensor.index in readers and values.ndim > 1 and values.dtype in _WEIGHT_TYPES
    )


def _row(layer: Any) -> LayerSparsity:
    """Return the record of one layer."""
    inner = unwrapped(layer)
    kernels = _kernel_values(layer, inner)
    return LayerSparsity(
        name=inner.name,
        kind=type(inner).__name__,
        weights=sum(kernel.size for kernel in kernels),
        zeros=sum(int(np.count_nonzero(kernel == 0)) for kernel in kernels),
        pruned=is_pruning(layer),
    )


def _kernel_values(layer: Any, inner: Any) -> list[np.ndarray]:
    """Return the kernels; fake quantization keeps the variable in its wrapper."""
    quantized = [weight.numpy() for weight, *_ in getattr(layer, "_weight_vars", ())]
    return quantized or [weight.numpy() for weight in weights_at(inner, kernels_of(inner))]
