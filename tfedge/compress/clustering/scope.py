"""Which kernels share values, and along which axis each channel has values of its own."""

from __future__ import annotations

from typing import Any

from tfedge.models.kernels import weights_at
from tfedge.models.layers import class_names, kernels_of

LEFT_OUT = ("DepthwiseConv", "DepthwiseConv1D", "DepthwiseConv2D")


def is_left_out(layer: Any) -> bool:
    """Return whether a layer has kernels that are clustered only on request.

    Depthwise kernels hold few weights, and each of their filters sees one channel only.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> is_left_out(tf_keras().layers.DepthwiseConv2D(3))
        True
    """
    return any(name in LEFT_OUT for name in class_names(layer))


def channel_axis(layer: Any) -> int | None:
    """Return the axis of a convolution's output channels in its kernel, None for other layers.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layers = tf_keras().layers
        >>> [channel_axis(one) for one in (layers.Conv2D(4, 3), layers.Conv2DTranspose(4, 3))]
        [3, 2]
        >>> channel_axis(layers.Dense(4))
    """
    names = class_names(layer)
    if "Conv" not in names:
        return None
    inputs_last = any(name in LEFT_OUT or name.endswith("Transpose") for name in names)
    return layer.rank if inputs_last else layer.rank + 1


def shareable(layer: Any, clusters: int, per_channel: bool) -> dict[str, int | None]:
    """Return path and channel axis of each kernel that has more weights than values to share.

    Args:
        layer: A built tf_keras layer.
        clusters: Number of distinct values.
        per_channel: Whether each output channel of a convolution has values of its own.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> layer = tf_keras().layers.Conv2D(4, 3)
        >>> layer.build((None, 8, 8, 2))
        >>> shareable(layer, 16, True), shareable(layer, 18, True)
        ({'kernel': 3}, {})
    """
    axis = channel_axis(layer) if per_channel else None
    paths = kernels_of(layer)
    shapes = [weight.shape for weight in weights_at(layer, paths)]
    sharing = [shape.num_elements() // (1 if axis is None else shape[axis]) for shape in shapes]
    return {path: axis for path, size in zip(paths, sharing, strict=True) if size > clusters}
