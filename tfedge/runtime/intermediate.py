"""Every tensor that a file computes on its way from inputs to outputs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from tfedge.runtime.facts import inspect_file
from tfedge.runtime.feeds import arrange, decode, encode
from tfedge.runtime.model import TFLiteModel


def intermediate_outputs(lite: TFLiteModel, x: Any) -> dict[str, np.ndarray]:
    """Return every tensor that a file computes, as real values.

    Delegates are off, so each operator of the file computes its own output with the reference
    arithmetic of the runtime, and nothing is overwritten. Samples run one by one.

    Args:
        lite: The file.
        x: Samples, as `tfedge.runtime.runner.Runner.predict` takes them. A few are enough.

    Returns:
        float32 arrays by name of tensor, samples along the first axis, in the order of
        execution. Names that occur twice get ``#index``. Tensors that are no numbers, have no
        axis for samples or change their shape are left out.

    Raises:
        DataError: If ``x`` does not fit the inputs.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> list(intermediate_outputs(sample_model(), np.ones((5, 3))).values())[0].shape
        (5, 3)
    """
    arrays = arrange(x, lite.inputs)
    feeds = [encode(array, tensor) for array, tensor in zip(arrays, lite.inputs, strict=True)]
    found = inspect_file("activations", lite.content, lite.name, feeds)
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    twice = Counter(tensors[index].name for index, _ in found)
    result = {}
    for index, value in found:
        tensor = tensors[index]
        if isinstance(tensor.scale, tuple):  # a kernel on its way to its operator
            continue
        name = tensor.name if twice[tensor.name] == 1 else f"{tensor.name}#{index}"
        result[name] = decode(value, tensor)
    return result
