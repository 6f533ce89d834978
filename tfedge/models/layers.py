"""The layer table: which weights of a layer are kernels."""

from __future__ import annotations

from typing import Any

_KERNELS = {
    "Dense": ("kernel",),
    "EinsumDense": ("kernel",),
    "DepthwiseConv1D": ("depthwise_kernel",),
    "DepthwiseConv2D": ("depthwise_kernel",),
    "SeparableConv": ("pointwise_kernel",),
    "Conv": ("kernel",),
    "LocallyConnected1D": ("kernel",),
    "LocallyConnected2D": ("kernel",),
    "Embedding": ("embeddings",),
    "SimpleRNNCell": ("kernel", "recurrent_kernel"),
    "GRUCell": ("kernel", "recurrent_kernel"),
    "LSTMCell": ("kernel", "recurrent_kernel"),
}


def kernels_of(layer: Any) -> tuple[str, ...]:
    """Return the attribute paths of the kernels of a layer; empty if it has none.

    Args:
        layer: A tf_keras layer. The nearest known ancestor of its class decides.

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
    if "TimeDistributed" in names:
        return _inside(layer, "layer")
    if "StackedRNNCells" in names:
        paths = [(f"cells.{i}", kernels_of(cell)) for i, cell in enumerate(layer.cells)]
        return tuple(f"{path}.{kernel}" for path, kernels in paths for kernel in kernels)
    return _inside(layer, "cell") if "RNN" in names else ()


def class_names(layer: Any) -> list[str]:
    """Return the names of a layer's class and its ancestors, nearest first.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> class_names(tf_keras().layers.ReLU())[:2]
        ['ReLU', 'Layer']
    """
    return [base.__name__ for base in type(layer).__mro__]


def _inside(layer: Any, attribute: str) -> tuple[str, ...]:
    """Return the kernels of a layer held by another."""
    return tuple(f"{attribute}.{path}" for path in kernels_of(getattr(layer, attribute)))
