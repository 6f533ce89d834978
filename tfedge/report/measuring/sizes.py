"""Sizes of a file, and what lies in it: kernels and their values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfedge.compress.clustering.report import unique_weights
from tfedge.compress.pruning.report import sparsity
from tfedge.report.findings import FileSizes, WeightHistogram
from tfedge.runtime.costs import macs_of_file, tensor_bytes
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.model import TFLiteModel

_BINS = 41


class Kernel(NamedTuple):
    """A stored tensor that an operator uses as weights, with its codes."""

    tensor: TensorInfo
    operator: str
    values: np.ndarray


def kernels(lite: TFLiteModel) -> Iterator[Kernel]:
    """Yield the weights of a file in the order of execution: tensors of several axes.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> list(kernels(sample_model()))
        []
    """
    stored = {tensor.index: (tensor, values) for tensor, values in lite.stored()}
    readers = {index: item.name for item in lite.operators[::-1] for index in item.inputs}
    for index in dict.fromkeys(index for item in lite.operators for index in item.inputs):
        if index not in stored or len(stored[index][0].shape) < 2:
            continue
        tensor, values = stored[index]
        if values.dtype.kind == "f" or values.dtype.itemsize == 1:
            yield Kernel(tensor, readers[index], values)


def file_sizes(lite: TFLiteModel) -> FileSizes:
    """Return the four sizes of a file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> found = file_sizes(sample_model())
        >>> found.size_bytes == found.nonzero_bytes == found.theoretical_bytes
        True
    """
    zeros, unique = sparsity(lite), unique_weights(lite)
    return FileSizes(
        name=lite.name,
        size_bytes=lite.size_bytes,
        gzip_bytes=lite.gzip_bytes,
        nonzero_bytes=lite.size_bytes - sum(_zero_bytes(kernel) for kernel in kernels(lite)),
        theoretical_bytes=lite.size_bytes - unique.size_bytes + unique.indexed_bytes,
        weights=zeros.weights,
        zeros=zeros.zeros,
        macs=macs_of_file(lite),
    )


def _zero_bytes(kernel: Kernel) -> int:
    """Return the bytes that the zeros of a kernel take in the file."""
    if kernel.values.shape != kernel.tensor.shape:
        return 0  # stored sparsely: zeros are not in the file
    zeros = int(np.sum(kernel.values == np.max(kernel.tensor.zero_point or 0)))
    return zeros * tensor_bytes(kernel.tensor) // max(1, math.prod(kernel.tensor.shape))


def weight_histograms(lite: TFLiteModel) -> tuple[WeightHistogram, ...]:
    """Return how the real values of each kernel are spread, in 41 bins.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> weight_histograms(sample_model())
        ()
    """
    return tuple(_histogram(kernel) for kernel in kernels(lite) if kernel.values.size)


def _histogram(kernel: Kernel) -> WeightHistogram:
    """Return the record of one kernel."""
    real = real_values(kernel.tensor, kernel.values)
    counts, edges = np.histogram(real, _BINS)
    return WeightHistogram(
        name=kernel.tensor.name,
        operator=kernel.operator,
        dtype=kernel.tensor.dtype,
        weights=real.size,
        zeros=int(np.sum(real == 0)),
        low=float(edges[0]),
        high=float(edges[-1]),
        counts=tuple(int(count) for count in counts),
    )


def real_values(tensor: TensorInfo, values: np.ndarray) -> np.ndarray:
    """Return the real values of stored codes, float64.

    Example:
        >>> tensor = TensorInfo(0, "w", (1, 2), (1, 2), "int8", (0.5,), (0,), axis=0)
        >>> real_values(tensor, np.array([[2, -4]], "int8"))
        array([[ 1., -2.]])
    """
    if tensor.scale is None or values.dtype.kind == "f" or values.shape != tensor.shape:
        return values.astype(np.float64)
    shape = [1] * values.ndim
    if isinstance(tensor.scale, tuple):
        shape[tensor.axis or 0] = -1
    scale, zero = np.asarray(tensor.scale), np.asarray(tensor.zero_point)
    return (values.astype(np.float64) - zero.reshape(shape)) * scale.reshape(shape)
