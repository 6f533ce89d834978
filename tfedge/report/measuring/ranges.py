"""The values that activations of a file can take, and those that they took."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfedge.core.data import Batch, batches, regroup
from tfedge.report.findings import ActivationRange
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.intermediate import intermediate_outputs
from tfedge.runtime.model import TFLiteModel

_SAMPLES, _MOST_VALUES = 16, 64_000_000


def first_samples(lite: TFLiteModel, data: Any, most: int = _SAMPLES) -> Any:
    """Return inputs of the first samples: so few that all activations fit into memory.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> first_samples(sample_model(), np.ones((40, 3), "float32")).shape
        (16, 3)
    """
    shapes = {item.name: item.shape_signature[1:] for item in lite.inputs}
    values = sum(math.prod(item.shape) for item in lite.tensors() if not item.constant)
    few = max(1, min(most, _MOST_VALUES // max(1, values)))
    parts = (Batch(batch.x) for batch in batches(data, shapes=shapes))
    return next(regroup(parts, few)).x


def activation_ranges(lite: TFLiteModel, x: Any = None) -> tuple[ActivationRange, ...]:
    """Return the range of each activation, in the order of execution.

    What an integer can express follows from scale and zero point; what was seen, from running the
    samples one by one. In float there is only the latter.

    Args:
        lite: The file.
        x: A few samples, None to run none.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [row] = activation_ranges(sample_model(), np.array([[0.0, 2.0, 4.0]]))
        >>> row.low, row.seen_low, row.seen_high
        (None, 0.0, 2.0)
    """
    seen = {} if x is None else intermediate_outputs(lite, x)
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    rows = []
    for item in lite.operators:
        for index in item.outputs:
            tensor = tensors.get(index)
            if tensor is not None and not tensor.constant:
                values = seen.get(tensor.name, seen.get(f"{tensor.name}#{index}"))
                rows.append(_range(tensor, item.name, values))
    return tuple(row for row in rows if row.low is not None or row.seen_low is not None)


def _range(tensor: TensorInfo, operator: str, values: np.ndarray | None) -> ActivationRange:
    """Return the range of one activation."""
    low = high = seen_low = seen_high = None
    if isinstance(tensor.scale, float) and np.dtype(tensor.dtype).kind in "iu":
        kind = np.iinfo(tensor.dtype)
        zero = int(tensor.zero_point or 0)  # type: ignore[arg-type]
        low, high = (tensor.scale * (int(code) - zero) for code in (kind.min, kind.max))
    if values is not None and values.size and values.dtype.kind in "fiu":
        seen_low, seen_high = float(values.min()), float(values.max())
    return ActivationRange(tensor.name, operator, tensor.dtype, low, high, seen_low, seen_high)
