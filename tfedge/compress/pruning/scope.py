"""Which layers pruning leaves out unless they are named."""

from __future__ import annotations

from typing import Any

from tfedge.models.layers import class_names

LEFT_OUT = ("DepthwiseConv", "DepthwiseConv1D", "DepthwiseConv2D", "Embedding")


def is_left_out(layer: Any) -> bool:
    """Return whether a layer has kernels that are pruned only on request.

    Depthwise kernels hold few weights and each of their filters sees one channel only; rows of
    an embedding are looked up, not multiplied.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> is_left_out(tf_keras().layers.DepthwiseConv2D(3))
        True
    """
    return any(name in LEFT_OUT for name in class_names(layer))
