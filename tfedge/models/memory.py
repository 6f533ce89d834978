"""How much memory the values between layers need."""

from __future__ import annotations

from collections import Counter

from tfedge.core.errors import ModelError
from tfedge.models.edges import static_size, tensors_in
from tfedge.models.graph import LayerGraph

FLOAT_BYTES = 4


def activation_bytes(graph: LayerGraph) -> int:
    """Return the largest sum of the values that must be kept at one time, as float32.

    Calls run in the order of the graph. A call needs its inputs and its outputs at the same time;
    a tensor is kept until its last use. Interpreters also need room of their own, and reuse some
    buffers in place, so that they may need more or less.

    Args:
        graph: A layer graph; one sample is run.

    Returns:
        Bytes.

    Raises:
        ModelError: If the size of a tensor is open; names the layer.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.graph import read_graph
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((6,)), layers.Dense(4), layers.Dense(1)])
        >>> activation_bytes(read_graph(model))
        40
    """
    needed = [tensors_in((step.args, step.kwargs)) for step in graph.steps]
    uses = Counter(tensor for tensors in needed for tensor in tensors)
    uses.update(tensors_in(graph.outputs))
    sizes = {tensor: _size(tensor.shape, name) for name, _, tensor in graph.input_layers}
    largest = sum(sizes.values())
    for step, tensors in zip(graph.steps, needed, strict=True):
        sizes.update({tensor: _size(tensor.shape, step.name) for tensor in step.outputs})
        largest = max(largest, sum(sizes.values()))
        uses.subtract(tensors)
        sizes = {tensor: size for tensor, size in sizes.items() if uses[tensor] > 0}
    return FLOAT_BYTES * largest


def _size(shape: tuple, name: str) -> int:
    """Return the number of values of one sample of a tensor."""
    size = static_size(shape)
    if size is None:
        raise ModelError(
            f"The memory of {name!r} depends on an open dimension: its shape is {shape}. Give the "
            f"model's Input a fixed size."
        )
    return size
