"""The layer table: which weights of a layer are kernels, and where their input channels are.

Keras 3 and tf_keras call some base classes differently; both names are here. Of a separable
convolution the depthwise part, a few weights for each channel, does not count as a kernel.
"""

from __future__ import annotations

import functools
from typing import Any

_PROJECTIONS = tuple(f"_{name}_dense.kernel" for name in ("query", "key", "value", "output"))
_KERNELS = {
    "Dense": ("kernel",),
    "EinsumDense": ("kernel",),
    "DepthwiseConv": ("depthwise_kernel",),
    "BaseDepthwiseConv": ("kernel",),
    "SeparableConv": ("pointwise_kernel",),
    "BaseSeparableConv": ("pointwise_kernel",),
    "Conv": ("kernel",),
    "BaseConv": ("kernel",),
    "BaseConvTranspose": ("kernel",),
    "LocallyConnected1D": ("kernel",),
    "LocallyConnected2D": ("kernel",),
    "Embedding": ("embeddings",),
    "MultiHeadAttention": _PROJECTIONS,
    "GroupedQueryAttention": _PROJECTIONS,
    "ConvLSTMCell": ("kernel", "recurrent_kernel"),
    "SimpleRNNCell": ("kernel", "recurrent_kernel"),
    "GRUCell": ("kernel", "recurrent_kernel"),
    "LSTMCell": ("kernel", "recurrent_kernel"),
}


def kernels_of(layer: Any) -> tuple[str, ...]:
    """Return the attribute paths of the kernels of a layer; empty if it has none.

    Args:
        layer: A layer of either Keras. The nearest known ancestor of its class decides.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> kernels_of(layers.Conv2D(4, 3)), kernels_of(layers.ReLU())
        (('kernel',), ())
        >>> kernels_of(layers.Bidirectional(layers.LSTM(4)))[:2]
        ('forward_layer.cell.kernel', 'forward_layer.cell.recurrent_kernel')
    """
    names = class_names(layer)
    for name in names:
        if name in _KERNELS:
            return _KERNELS[name]
    if "Bidirectional" in names:
        return _inside(layer, "forward_layer") + _inside(layer, "backward_layer")
    if "TimeDistributed" in names or "SpectralNormalization" in names:
        return _inside(layer, "layer")
    if "StackedRNNCells" in names:
        paths = [(f"cells.{i}", kernels_of(cell)) for i, cell in enumerate(layer.cells)]
        return tuple(f"{path}.{kernel}" for path, kernels in paths for kernel in kernels)
    return _inside(layer, "cell") if "RNN" in names else ()


def input_axis_of(layer: Any, path: str) -> int | None:
    """Return the axis of a kernel along which its outputs sum over input channels.

    Args:
        layer: A built layer of either Keras.
        path: Attribute path of a kernel, as :func:`kernels_of` gives it.

    Returns:
        A negative axis. Where there are several, as in the output projection of attention, the
        last one. None for depthwise kernels and embeddings, which do not sum over channels.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> [input_axis_of(layer, "kernel") for layer in (
        ...     layers.Conv2D(4, 3), layers.Conv2DTranspose(4, 3), layers.Embedding(9, 4))]
        [-2, -1, None]
    """
    *owners, _ = path.split(".")
    owner = functools.reduce(part_of, owners, layer)
    names = class_names(owner)
    if any("Depthwise" in name or name == "Embedding" for name in names):
        return None
    if "EinsumDense" in names:
        return _summed_axis(owner.equation)
    return -1 if any("Transpose" in name for name in names) else -2


def part_of(owner: Any, name: str) -> Any:
    """Return one step of an attribute path: an attribute, or with digits an item of a list.

    Example:
        >>> part_of([4, 5], "1"), part_of(3, "real")
        (5, 3)
    """
    return owner[int(name)] if name.isdigit() else getattr(owner, name)


def _summed_axis(equation: str) -> int | None:
    """Return the last axis of an EinsumDense kernel that its output does not have."""
    operands, output = equation.split("->")
    kernel = operands.split(",")[1]
    summed = [axis - len(kernel) for axis, letter in enumerate(kernel) if letter not in output]
    return summed[-1] if summed else None


def class_names(layer: Any) -> list[str]:
    """Return the names of a layer's class and its ancestors, nearest first.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> class_names(tf_keras().layers.ReLU())[:2]
        ['ReLU', 'Layer']
    """
    return [base.__name__ for base in type(layer).__mro__]


def _inside(layer: Any, attribute: str) -> tuple[str, ...]:
    """Return the kernels of a layer, or of a model's layers, held by another."""
    inner = getattr(layer, attribute)
    if "Model" in class_names(inner):
        parts = [(f"{attribute}.layers.{i}", kernels_of(one)) for i, one in enumerate(inner.layers)]
        return tuple(f"{part}.{path}" for part, paths in parts for path in paths)
    return tuple(f"{attribute}.{path}" for path in kernels_of(inner))
