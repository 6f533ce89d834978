"""How many multiply-accumulates one call of a layer costs for one sample.

Counted are products with weights and between activations (convolutions, dense layers, recurrent
steps, attention, matrix products). Normalization, activations, pooling and sums count nothing:
they fold into their neighbours or are small beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.edges import tensors_in
from tfedge.models.graph import Step, read_graph
from tfedge.models.nodes import has_graph
from tfedge.models.wrappers import unwrapped

Shape = tuple[int | None, ...]
Formula = Callable[[Any, list[Shape], Shape], int]


def macs_of(step: Step) -> int:
    """Return the multiply-accumulates of one call, for one sample.

    Args:
        step: A call in a layer graph.

    Raises:
        ModelError: If the count depends on a dimension that is open; names the layer.
    """
    inputs = [tensor.shape for tensor in tensors_in((step.args, step.kwargs))]
    layer = unwrapped(step.layer)
    formula = _formula(layer)
    if formula is None:
        return 0
    try:
        return formula(layer, inputs, step.outputs[0].shape)
    except ModelError as error:
        raise ModelError(
            f"The multiply-accumulates of {step.name!r} depend on an open dimension: it is called "
            f"on {inputs}. Give the model's Input a fixed size."
        ) from error


def _formula(layer: Any) -> Formula | None:
    """Return the formula of a layer class, its ancestors' if it has none of its own."""
    if getattr(layer, "function", None) in ("tf:linalg.matmul", "tf:matmul"):
        return _product
    if str(getattr(layer, "function", "")).endswith(":Matmul"):
        return _product
    for kind in type(layer).__mro__:
        if kind.__name__ in _FORMULAS:
            return _FORMULAS[kind.__name__]
    return None


def _size(weight: Any) -> int:
    """Return the number of values of a weight."""
    return math.prod(int(side) for side in weight.shape)


def _times(shape: Shape) -> int:
    """Return the product of the sides."""
    sides = [side for side in shape if side is not None]
    if len(sides) < len(shape):
        raise ModelError("A dimension is open.")
    return math.prod(sides)


def _conv(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every output position applies the whole kernel (of its group)."""
    return _times(output[1:]) // layer.filters * _size(layer.kernel)


def _depthwise(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every output position applies the whole kernel."""
    kernel = getattr(layer, "depthwise_kernel", None)
    kernel = layer.kernel if kernel is None else kernel
    channels = int(kernel.shape[-1]) * int(kernel.shape[-2])
    return _times(output[1:]) // channels * _size(kernel)


def _separable(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Both kernels at every output position."""
    kernels = _size(layer.depthwise_kernel) + _size(layer.pointwise_kernel)
    return _times(output[1:]) // layer.filters * kernels


def _transposed(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every input position is spread with the whole kernel."""
    return _times(inputs[0][1:]) // int(layer.kernel.shape[-1]) * _size(layer.kernel)


def _dense(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """The kernel at every position."""
    return _times(output[1:-1]) * _size(layer.kernel)


def _einsum(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """The product of the sizes of all letters but the batch, as in a full loop."""
    left, _, right = layer.equation.partition("->")
    first, _, second = left.partition(",")
    sides: dict[str, int | None] = {}
    for letters, shape in ((first, inputs[0]), (second, layer.kernel.shape), (right, output)):
        found = letters.replace("...", "")
        spread = shape[: len(shape) - len(found)] if "..." in letters else ()
        sides.update(zip(found, shape[len(spread) :], strict=True))
        sides.update({f"...{index}": side for index, side in enumerate(spread)})
    batch = "...0" if "..." in first else first[0]
    return _times(tuple(side for letter, side in sides.items() if letter != batch))


def _recurrent(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every step applies both kernels, all gates together."""
    return _times(inputs[0][1:2]) * _cell(getattr(layer, "cell", layer))


def _cell(cell: Any) -> int:
    """Return the cost of one step of a cell or of stacked cells."""
    cells = getattr(cell, "cells", None)
    if cells is not None:
        return sum(_cell(one) for one in cells)
    return _size(cell.kernel) + _size(cell.recurrent_kernel)


def _conv_recurrent(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every step and output position applies both kernels."""
    first = 2 if layer.return_sequences else 1
    positions = _times(output[first:]) // layer.filters
    return _times(inputs[0][1:2]) * positions * _cell(layer.cell)


def _bidirectional(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Both directions."""
    pair = (layer.forward_layer, layer.backward_layer)
    return sum(_recurrent(one, inputs, output) for one in pair)


def _distributed(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """The layer, or the model, inside at every step."""
    steps = _times(inputs[0][1:2])
    if has_graph(layer.layer):
        return steps * sum(macs_of(step) for step in read_graph(layer.layer).steps)
    formula = _formula(layer.layer)
    one, out = inputs[0][:1] + inputs[0][2:], output[:1] + output[2:]
    return 0 if formula is None else steps * formula(layer.layer, [one], out)


def _multi_head(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Four projections, then scores and mixture over all pairs of positions."""
    query, value = _times(inputs[0][1:-1]), _times(inputs[1][1:-1])
    kernels = [
        _size(dense.kernel)
        for dense in (
            layer._query_dense, layer._output_dense, layer._key_dense, layer._value_dense
        )
    ]  # fmt: skip
    heads, key_dim, value_dim = layer._num_heads, layer._key_dim, layer._value_dim
    pairs = heads * query * value * (key_dim + (value_dim or key_dim))
    return query * sum(kernels[:2]) + value * sum(kernels[2:]) + pairs


def _attention(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Scores and mixture over all pairs of positions; the keys are the values unless given."""
    query, value = inputs[0], inputs[1]
    pairs = _times(query[1:-1]) * _times(value[1:-1])
    return pairs * (_times(query[-1:]) + _times(value[-1:]))


def _product(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every output value sums over the shared side of its factors."""
    return _times(output[1:]) * _times(inputs[0][-1:])


def _dot(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Every output value sums over the axis that is contracted."""
    axes = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return _times(output[1:]) * _times((inputs[0][axes],))


_FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _transposed),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN"), _recurrent),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _conv_recurrent),
    **dict.fromkeys(("Attention", "AdditiveAttention"), _attention),
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Dot": _dot,
    "EinsumDense": _einsum,
    "Matmul": _product,
    "MultiHeadAttention": _multi_head,
    "TimeDistributed": _distributed,
}
