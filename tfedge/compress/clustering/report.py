"""How many distinct weights a model has, kernel by kernel, and what that is worth in bytes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tfedge.compress.clustering.scope import channel_axis
from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.openers import open_path
from tfedge.core.records import Record
from tfedge.core.sizes import gzip_size, human_size, indexed_size
from tfedge.models.kernels import KernelLayer, kernel_layers
from tfedge.models.wrappers import is_clustering, is_shared
from tfedge.runtime.model import TFLiteModel

_BARS = {
    "size_bytes": ("raw", "#DDDDDD"),
    "gzip_bytes": ("gzip", "#4C72B0"),
    "indexed_bytes": ("indexed", "#55A868"),
}
_WEIGHT_TYPES = (np.int8, np.uint8, np.float16, np.float32)


@dataclasses.dataclass(frozen=True, repr=False)
class KernelValues(Record):
    """The distinct weights of one kernel.

    Attributes:
        name: Name of the layer and path of the kernel in it; of a file, name of the tensor.
        kind: Class of the layer, or name of the operator.
        weights: Number of weights.
        unique: How many of them are distinct.
        unique_per_channel: The same within one output channel; the largest of these numbers.
        size_bytes: Size as it lies in memory or in the file.
        gzip_bytes: Size after gzip.
        indexed_bytes: Size as indices of log2 of ``unique`` bits, rounded up, into a table of
            values, or one table per channel; never more than ``size_bytes``.
        clustered: Whether a clustering wrapper is around it.
    """

    name: str
    kind: str
    weights: int
    unique: int
    unique_per_channel: int
    size_bytes: int
    gzip_bytes: int
    indexed_bytes: int
    clustered: bool


@dataclasses.dataclass(frozen=True, repr=False)
class UniqueWeightsReport(Record):
    """The distinct weights in the kernels of a model.

    No runtime for small devices stores weights as indices, so ``indexed_bytes`` is what could
    be reached, and ``gzip_bytes`` what is: shared values make a file smaller to send, not to
    run.

    Attributes:
        weights: Number of weights in all kernels. Biases and normalizations do not count.
        size_bytes: Size of all kernels.
        gzip_bytes: The same after gzip.
        indexed_bytes: The same as indices into tables of values.
        kernels: One record for each kernel.
    """

    weights: int
    size_bytes: int
    gzip_bytes: int
    indexed_bytes: int
    kernels: tuple[KernelValues, ...]

    def __repr__(self) -> str:
        """Return one line per kernel, and the total."""
        names = [row.name if len(row.name) <= 36 else f"…{row.name[-35:]}" for row in self.kernels]
        width = max([5, *map(len, names)])
        titles = ("unique", "a channel", "raw", "gzip", "indexed")
        head = f"  {'':<{width}}  {'weights':>11}  {_columns(titles)}"
        lines = [
            f"  {name:<{width}}  {row.weights:>11,}  {_columns(_counts(row) + _sizes(row))}"
            f"{'  clustered' if row.clustered else ''}"
            for name, row in zip(names, self.kernels, strict=True)
        ]
        total = f"  {'total':<{width}}  {self.weights:>11,}  {_columns(('', '', *_sizes(self)))}"
        return "\n".join(["UniqueWeightsReport", head, *lines, total])

    def plot(self, axes: Any = None) -> Any:
        """Draw three bars per kernel: its size raw, after gzip, and as indices into a table.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        axes = plain_frame(new_axes(7, 1.5 + 0.4 * len(self.kernels)) if axes is None else axes)
        places = np.arange(len(self.kernels))
        for number, (field, (label, colour)) in enumerate(_BARS.items()):
            sizes = [getattr(row, field) / 1000 for row in self.kernels]
            axes.barh(places + (number - 1) * 0.27, sizes, 0.27, color=colour, label=label)
        axes.set_yticks(places, [f"{row.name} ({row.unique:,})" for row in self.kernels])
        axes.invert_yaxis()
        totals = [f"{human_size(getattr(self, key))} {label}" for key, (label, _) in _BARS.items()]
        axes.set(xlabel="kB", title=", ".join(totals))
        axes.legend()
        return axes


class _Kernel(NamedTuple):
    """A kernel to count."""

    name: str
    kind: str
    values: np.ndarray
    axis: int
    clustered: bool


def unique_weights(model: Any) -> UniqueWeightsReport:
    """Return how many distinct weights each kernel has, and the bytes that takes.

    Args:
        model: A built Keras model of either flavour, wrapped or not, or the path of one. Kernels of
            clustering wrappers are counted as they compute, with their shared values. Of a
            :class:`tfedge.TFLiteModel` the weights as they lie in the file are counted: codes.

    Returns:
        A :class:`UniqueWeightsReport`.

    Raises:
        ModelError: If ``model`` is no Keras model, or not built.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> head = keras.layers.Dense(100, kernel_initializer="ones", name="head")
        >>> report = unique_weights(keras.Sequential([keras.Input((8,)), head]))
        >>> report.kernels[0].unique, report.size_bytes, report.indexed_bytes
        (1, 3200, 4)
    """
    if isinstance(model, (str, os.PathLike)):
        model = open_path(model)
    found = _in_file(model) if isinstance(model, TFLiteModel) else _in_model(model)
    rows = tuple(_row(kernel) for kernel in found)
    return UniqueWeightsReport(
        weights=sum(row.weights for row in rows),
        size_bytes=sum(row.size_bytes for row in rows),
        gzip_bytes=sum(row.gzip_bytes for row in rows),
        indexed_bytes=sum(row.indexed_bytes for row in rows),
        kernels=rows,
    )


def _in_model(model: Any) -> Iterator[_Kernel]:
    """Yield the kernels of a model."""
    for found in kernel_layers(model):
        axis = channel_axis(found.inner)
        clustered = is_clustering(found.layer)
        for path, values in _values(found).items():
            name = f"{found.name}/{path}"
            yield _Kernel(name, found.kind, values, -1 if axis is None else axis, clustered)


def _values(found: KernelLayer) -> dict[str, np.ndarray]:
    """Return the kernels of a layer by path; wrappers keep them elsewhere."""
    quantized = [weight for weight, *_ in getattr(found.layer, "_weight_vars", ())]
    kernels = dict(zip(found.paths, quantized or found.variables(), strict=False))
    if is_shared(found.layer):
        shared = found.layer.shared_kernels()
        kernels |= dict(zip(found.layer.kernels, shared, strict=True))
    return {path: np.asarray(kernel) for path, kernel in kernels.items()}


def _in_file(lite: TFLiteModel) -> Iterator[_Kernel]:
    """Yield the stored tensors that an operator uses as weights."""
    readers = {index: item.name for item in lite.operators for index in item.inputs}
    for tensor, values in lite.stored():
        if tensor.index in readers and values.ndim > 1 and values.dtype in _WEIGHT_TYPES:
            yield _Kernel(tensor.name, readers[tensor.index], values, tensor.axis or 0, False)


def _row(kernel: _Kernel) -> KernelValues:
    """Return the record of one kernel."""
    values = kernel.values
    channels = np.moveaxis(values, kernel.axis, 0).reshape(values.shape[kernel.axis], -1)
    unique, in_channel = len(np.unique(values)), _most_unique(channels)
    one_table = indexed_size(values.size, unique, values.itemsize)
    tables = indexed_size(values.size, in_channel, values.itemsize, len(channels))
    return KernelValues(
        name=kernel.name,
        kind=kernel.kind,
        weights=values.size,
        unique=unique,
        unique_per_channel=in_channel,
        size_bytes=values.nbytes,
        gzip_bytes=gzip_size(values.tobytes()),
        indexed_bytes=min(values.nbytes, one_table, tables),
        clustered=kernel.clustered,
    )


def _most_unique(rows: np.ndarray) -> int:
    """Return the number of distinct values in the row that has most."""
    ranked = np.sort(rows, axis=1)
    return int(np.max(np.sum(ranked[:, 1:] != ranked[:, :-1], axis=1))) + 1


def _counts(row: KernelValues) -> tuple[str, ...]:
    """Return the numbers of distinct values, whole and in a channel, as text."""
    return f"{row.unique:,}", f"{row.unique_per_channel:,}"


def _sizes(record: KernelValues | UniqueWeightsReport) -> tuple[str, ...]:
    """Return the three sizes as text."""
    return tuple(human_size(getattr(record, field)) for field in _BARS)


def _columns(cells: tuple[str, ...]) -> str:
    """Return cells aligned to the right."""
    return "  ".join(f"{cell:>9}" for cell in cells)
