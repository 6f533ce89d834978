"""Separable convolutions as the two convolutions that an int8 file holds."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.rewrite import replace_layers


def split_separable(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model with each separable convolution as a depthwise and a 1×1 convolution.

    The tensor between the two is an int8 tensor in the file, so it needs a range of its own.
    tfmot splits too, but names the parts in a way that clashes with other layers.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt. The first part is named ``<name>_depthwise``, the second keeps the
        name.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((8, 8, 3))
        >>> layer = keras.layers.SeparableConv2D(4, 3, name="sep")
        >>> model = keras.Model(inputs, layer(inputs))
        >>> [layer.name for layer in split_separable(model).layers][1:]
        ['sep_depthwise', 'sep']
    """
    return replace_layers(model, lambda layer: None if layer.name in leave else _parts(layer))


def _parts(layer: Any) -> list[Any] | None:
    """Return the layers that a separable convolution is made of, None for other layers."""
    if type(layer).__name__ != "SeparableConv2D" or layer.data_format != "channels_last":
        return None
    config, weights = layer.get_config(), layer.get_weights()
    depthwise, pointwise = _depthwise(config), _pointwise(config)
    depthwise.build((None, None, None, weights[0].shape[2]))
    pointwise.build((None, None, None, weights[1].shape[2]))
    depthwise.set_weights(weights[:1])
    pointwise.set_weights(weights[1:])
    return [depthwise, pointwise]


def _depthwise(config: dict[str, Any]) -> Any:
    """Return the first half, without bias or activation."""
    shared = ("kernel_size", "strides", "dilation_rate", "padding", "depth_multiplier")
    own = ("depthwise_initializer", "depthwise_regularizer", "depthwise_constraint", "trainable")
    return tf_keras().layers.DepthwiseConv2D(
        **{key: config[key] for key in (*shared, *own)},
        use_bias=False,
        name=f"{config['name']}_depthwise",
    )


def _pointwise(config: dict[str, Any]) -> Any:
    """Return the second half, with bias and activation."""
    bias = ("use_bias", "bias_initializer", "bias_regularizer", "bias_constraint")
    own = ("filters", "activation", "activity_regularizer", "trainable")
    kernel = ("initializer", "regularizer", "constraint")
    return tf_keras().layers.Conv2D(
        kernel_size=1,
        **{key: config[key] for key in (*own, *bias)},
        **{f"kernel_{key}": config[f"pointwise_{key}"] for key in kernel},
        name=config["name"],
    )
