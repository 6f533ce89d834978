"""The blocks that the architectures of the zoo are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.widths import check_settings, checked_shape

IMAGE = ("height", "width", "channels")
SERIES = ("steps", "channels")


def image_input(input_shape: Any, width: Any, **settings: Any) -> Any:
    """Return the input tensor for images, with the settings of the network checked.

    Raises:
        ArgumentError: If the shape or a setting is wrong.
    """
    check_settings(width, **settings)
    return tf_keras().layers.Input(checked_shape(input_shape, IMAGE), name="image")


def series_input(input_shape: Any, width: Any, **settings: Any) -> Any:
    """Return the input tensor for series, with the settings of the network checked.

    Raises:
        ArgumentError: If the shape or a setting is wrong.
    """
    check_settings(width, **settings)
    return tf_keras().layers.Input(checked_shape(input_shape, SERIES), name="series")


def activate(x: Any, kind: str | None, name: str) -> Any:
    """Return an activation of a tensor: relu, relu6, hard_swish, hard_sigmoid, or none."""
    layers = tf_keras().layers
    if kind is None:
        return x
    if kind in ("relu", "relu6"):
        return layers.ReLU(6.0 if kind == "relu6" else None, name=f"{name}_relu")(x)
    from tfedge.models.adoption.activations import hard_sigmoid_sixth, hard_silu

    function = {"hard_swish": hard_silu, "hard_sigmoid": hard_sigmoid_sixth}[kind]
    return layers.Activation(function, name=f"{name}_{kind}")(x)


def conv(
    x: Any,
    filters: int,
    size: int | tuple[int, int] = 1,
    stride: int = 1,
    activation: str | None = "relu",
    *,
    bias: bool = False,
    name: str,
) -> Any:
    """Return a convolution, its normalization and its activation."""
    layer = tf_keras().layers.Conv2D(
        filters,
        size,
        stride,
        padding="same",
        use_bias=bias,
        kernel_initializer="he_normal",
        name=name,
    )
    return activate(normalized(layer(x), name), activation, name)


def depthwise(
    x: Any,
    size: int = 3,
    stride: int = 1,
    activation: str | None = "relu",
    *,
    bias: bool = False,
    name: str,
) -> Any:
    """Return a depthwise convolution, its normalization and its activation."""
    keras = tf_keras()
    layer = keras.layers.DepthwiseConv2D(
        size,
        stride,
        padding="same",
        use_bias=bias,
        # The fan out that Keras computes is the number of values that one output sums over.
        depthwise_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        name=name,
    )
    return activate(normalized(layer(x), name), activation, name)


def normalized(x: Any, name: str) -> Any:
    """Return a batch normalization of a tensor."""
    return tf_keras().layers.BatchNormalization(name=f"{name}_bn")(x)


def squeeze_excite(x: Any, channels: int, name: str) -> Any:
    """Return a tensor whose channels are weighted by what all of them say on average.

    Reference:
        Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507; with the hard
        sigmoid of Howard et al., ICCV 2019, arXiv:1905.02244, section 5.3.
    """
    layers = tf_keras().layers
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    y = layers.Conv2D(channels, 1, activation="relu", name=f"{name}_reduce")(y)
    y = layers.Conv2D(x.shape[-1], 1, name=f"{name}_expand")(y)
    return layers.Multiply(name=f"{name}_scale")([x, activate(y, "hard_sigmoid", name)])


def inverted_residual(
    x: Any,
    expanded: int,
    filters: int,
    size: int = 3,
    stride: int = 1,
    activation: str = "relu6",
    *,
    squeezed: int = 0,
    name: str,
) -> Any:
    """Return a block that widens, filters each channel, and narrows; with a sum if it can.

    Args:
        x: Input tensor.
        expanded: Channels inside; nothing widens if they are those of the input.
        filters: Channels of the output.
        size: Side of the depthwise kernel.
        stride: Stride of the depthwise convolution.
        activation: As :func:`activate` takes it.
        squeezed: Channels inside of squeeze and excitation, 0 for none.
        name: What the names of the layers begin with.

    Reference:
        Sandler et al., "MobileNetV2", CVPR 2018, arXiv:1801.04381, section 3.
    """
    y = x
    if expanded != x.shape[-1]:
        y = conv(y, expanded, activation=activation, name=f"{name}_expand")
    y = depthwise(y, size, stride, activation, name=f"{name}_depthwise")
    if squeezed:
        y = squeeze_excite(y, squeezed, f"{name}_se")
    y = conv(y, filters, activation=None, name=f"{name}_project")
    if stride != 1 or filters != x.shape[-1]:
        return y
    return tf_keras().layers.Add(name=f"{name}_add")([x, y])


def classified(
    inputs: Any,
    x: Any,
    classes: int,
    activation: str | None,
    dropout: float = 0.0,
    *,
    name: str,
) -> Any:
    """Return the model that ends in scores of classes, after an average over what is not channels.

    Args:
        inputs: Input tensor.
        x: The last features.
        classes: Number of outputs.
        activation: Of the last layer, ``None`` for logits.
        dropout: Fraction of the features that is dropped before it.
        name: Name of the model.
    """
    layers = tf_keras().layers
    rank: Sequence[Any] = x.shape
    if len(rank) > 2:
        pooling = getattr(layers, f"GlobalAveragePooling{len(rank) - 2}D")
        x = pooling(name="pool")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    outputs = layers.Dense(classes, activation=activation, name="classes")(x)
    return tf_keras().Model(inputs, outputs, name=name)
