"""Layers along one axis, as layers over a plane of height one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.models.flavours import tf_keras

CONVOLUTIONS = frozenset({"Conv1D", "SeparableConv1D", "DepthwiseConv1D"})
POOLING = frozenset({"GlobalAveragePooling1D", "GlobalMaxPooling1D"})
ALIKE = frozenset({"ReLU", "LeakyReLU", "Activation", "Dropout"})
MERGES = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate"})
WINDOWS = frozenset({"MaxPooling1D", "AveragePooling1D"})
SCALES = frozenset({"BatchNormalization", "Normalization", "Rescaling"})
RIDERS = POOLING | ALIKE | MERGES | WINDOWS | SCALES | {"ZeroPadding1D"}
"""Layers that follow a convolution into the plane; the others get the flat tensor back."""


def has_twin(layer: Any) -> bool:
    """Return whether a layer has a planar twin that computes the same.

    Example:
        >>> layers = tf_keras().layers
        >>> has_twin(layers.Conv1D(4, 3)), has_twin(layers.LSTM(4))
        (True, False)
    """
    kind = type(layer).__name__
    config = layer.get_config()
    if config.get("data_format", "channels_last") != "channels_last":
        return False
    if kind in CONVOLUTIONS or kind == "Dense":
        return not any(value for key, value in config.items() if key.endswith("_constraint"))
    if kind in ("BatchNormalization", "Normalization"):
        return _treats_the_last_axis(layer)
    if kind == "Rescaling":
        return np.ndim(layer.scale) == np.ndim(layer.offset) == 0
    return kind in RIDERS and (kind != "Concatenate" or layer.axis in (-1, 2))


def twin_of(layer: Any, name: str) -> list[Any]:
    """Return the layers to call one after the other on ``(samples, 1, length, channels)``.

    Args:
        layer: A built layer for which :func:`has_twin` holds.
        name: Name of the layer that does the work.

    Example:
        >>> conv = tf_keras().layers.Conv1D(4, 3, padding="causal")
        >>> conv.build((None, 8, 2))
        >>> pad, twin = twin_of(conv, "conv")
        >>> pad.padding, twin.kernel.shape
        (((0, 0), (2, 0)), TensorShape([1, 3, 2, 4]))
    """
    kind = type(layer).__name__
    layers = tf_keras().layers
    config = {**layer.get_config(), "name": name}
    if kind in CONVOLUTIONS:
        return _convolution(layer, config)
    if kind == "Dense":
        return [_dense(layer, config)]
    if kind == "BatchNormalization":
        twin = type(layer).from_config({**config, "axis": -1})
        return [_filled(twin, layer.get_weights())]
    if kind == "Normalization":
        known = {"mean": np.ravel(layer.mean), "variance": np.ravel(layer.variance)}
        return [layers.Normalization(**known, invert=layer.invert, name=name)]
    if kind == "ZeroPadding1D":
        return [layers.ZeroPadding2D(((0, 0), config["padding"]), name=name)]
    if kind in WINDOWS:
        sizes = {key: (1, *np.atleast_1d(config[key])) for key in ("pool_size", "strides")}
        kind2d = getattr(layers, kind.replace("1D", "2D"))
        return [kind2d(**sizes, padding=config["padding"], name=name)]
    return [getattr(layers, kind.replace("1D", "2D")).from_config(config)]


def _treats_the_last_axis(layer: Any) -> bool:
    """Return whether a built normalization has one mean for each channel."""
    last = len(layer.input_shape) - 1
    return list(np.atleast_1d(layer.axis)) in ([-1], [last])


def _dense(layer: Any, config: dict[str, Any]) -> Any:
    """Return the 1×1 convolution that computes what a Dense layer does."""
    own = {key: value for key, value in config.items() if key not in ("units", "batch_input_shape")}
    twin = tf_keras().layers.Conv2D(layer.units, 1, **own)
    kernel, *bias = layer.get_weights()
    return _filled(twin, [kernel[None, None], *bias], len(kernel))


def _convolution(layer: Any, config: dict[str, Any]) -> list[Any]:
    """Return the twin of a convolution, padded before where it looks back only."""
    (size,), (stride,), (dilation,) = (
        config[key] for key in ("kernel_size", "strides", "dilation_rate")
    )
    square = type(layer).__name__ != "Conv1D"
    config |= {
        "kernel_size": (1, size),
        "strides": (stride if square else 1, stride),
        "dilation_rate": (1, dilation),
    }
    before = []
    if layer.padding == "causal":
        config["padding"] = "valid"
        pad = ((0, 0), (dilation * (size - 1), 0))
        before = [tf_keras().layers.ZeroPadding2D(pad, name=f"{config['name']}_padding")]
    twin = getattr(tf_keras().layers, type(layer).__name__.replace("1D", "2D")).from_config(config)
    weights = [weight[None] if weight.ndim > 1 else weight for weight in layer.get_weights()]
    channels = layer.input_spec.axes[-1]
    return [*before, _filled(twin, weights, channels)]


def _filled(twin: Any, weights: list[np.ndarray], channels: int | None = None) -> Any:
    """Return a layer built and filled with weights."""
    twin.build((None, 1, None, channels or len(weights[0])))
    twin.set_weights(weights)
    return twin
