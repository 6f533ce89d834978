"""Handmade models: graphs of every kind, nested, shared, with several inputs, with operators."""

from __future__ import annotations

import numpy as np
from handmade_registry import model


@model
def several(keras):
    layers = keras.layers
    left, right = keras.Input((4,), name="zeta"), keras.Input((4,), name="alpha")
    shared = layers.Dense(3, activation="tanh", name="shared")
    a, b = shared(left), shared(right)
    merged = layers.Multiply(name="product")([a, b])
    outputs = [layers.Dense(1, name="second")(merged), layers.Dense(2, name="first")(a)]
    return keras.Model([left, right], outputs, name="several")


@model
def by_name(keras):
    layers = keras.layers
    inputs = {"zeta": keras.Input((4,), name="zeta"), "alpha": keras.Input((3,), name="alpha")}
    x = layers.Concatenate()([inputs["zeta"], inputs["alpha"]])
    return keras.Model(inputs, {"yes": layers.Dense(1)(x), "no": layers.Dense(2)(x)})


@model
def merges(keras):
    layers = keras.layers
    inputs = keras.Input((5,))
    a, b = layers.Dense(4)(inputs), layers.Dense(4)(inputs)
    merged = [layers.Subtract()([a, b]), layers.Maximum()([a, b]), layers.Minimum()([a, b])]
    return keras.Model(inputs, [layers.Average()(merged), layers.Dot(axes=-1)([a, b])])


@model
def nested(keras):
    layers = keras.layers
    base = keras.Sequential(
        [
            keras.Input((6, 6, 2), name="pixels"),
            layers.Conv2D(3, 2, name="conv"),
            layers.BatchNormalization(name="bn"),
        ],
        name="base",
    )
    base.get_layer("conv").trainable = False
    inner = keras.Input((6, 6, 2))
    middle = keras.Model(inner, layers.ReLU(name="relu")(base(inner)), name="middle")
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(2, 1, name="conv")(inputs)
    return keras.Model(inputs, layers.Flatten(name="flat")(middle(x)), name="outer")


@model
def siamese(keras):
    layers = keras.layers
    tower = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="d")], name="tower")
    left, right = keras.Input((4,)), keras.Input((4,))
    return keras.Model([left, right], layers.Dot(1)([tower(left), tower(right)]))


@model
def nested_multi(keras):
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    inner = keras.Model({"a": a, "b": b}, [layers.Dense(2)(b), layers.Dense(3)(a)], name="inner")
    first, second = keras.Input((3,), name="one"), keras.Input((4,), name="two")
    x, y = inner({"b": first, "a": second})
    return keras.Model([first, second], layers.Concatenate()([x, y]))


@model
def integers_into_nested(keras):
    layers = keras.layers
    base = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 3)], name="base")
    inputs = keras.Input((4, 4, 1), dtype="uint8")
    return keras.Model(inputs, base(inputs))


@model
def fixed_batch(keras):
    layers = keras.layers
    inputs = keras.Input(batch_shape=(2, 5, 3))
    return keras.Model(inputs, layers.GRU(4, stateful=False, unroll=True)(inputs))


@model
def open_size(keras):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2)(inputs)
    return keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(x))


@model
def activations(keras):
    layers = keras.layers
    inputs = keras.Input((5,))
    kinds = [
        "swish",
        "gelu",
        "mish",
        "selu",
        "softplus",
        "softsign",
        "exponential",
        "hard_sigmoid",
        "relu6",
        "log_softmax",
    ]
    dense = [layers.Dense(4, activation=kind)(inputs) for kind in kinds]
    plain = [layers.Activation(kind)(dense[0]) for kind in kinds]
    rest = [
        layers.Softmax()(dense[1]),
        layers.ELU(0.5)(dense[2]),
        layers.Activation("relu")(dense[0]),
    ]
    return keras.Model(inputs, layers.Concatenate()([*dense, *plain, *rest]))


@model
def operators(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 1, name="conv")(inputs)
    x = x + inputs
    x = (2.0 * x - 1.0) / 3.0 + np.array([0.1, 0.2, 0.3, 0.4], "float32")
    x = -(1.0 - x) * layers.Conv2D(4, 1)(x)
    y = x[:, 1:5, ::2, :] - 0.5
    return keras.Model(inputs, [layers.Flatten()(y), layers.GlobalMaxPooling2D()(x**2)])


@model
def lambdas(keras):
    inputs = keras.Input((4,))
    x = keras.layers.Lambda(lambda x: 2.0 * x, name="double")(inputs)
    x = keras.layers.Dense(3, activation=lambda x: x * 0.3)(x)
    return keras.Model(inputs, keras.layers.Activation(_cube, name="cube")(x))


def _cube(x):
    return x * x * x


@model
def mixed_precision(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, dtype="mixed_float16")(inputs)
    x = layers.BatchNormalization(dtype="mixed_float16")(x)
    y = layers.Conv2D(4, 1, dtype="mixed_float16")(x)
    x = layers.Flatten(dtype="mixed_float16")(x + y)
    return keras.Model(inputs, layers.Dense(3, dtype="float32")(x))


@model
def double_precision(keras):
    inputs = keras.Input((5,), dtype="float64")
    return keras.Model(inputs, keras.layers.Dense(3, dtype="float64")(inputs))


@model
def input_is_output(keras):
    inputs = keras.Input((4,), name="seen")
    return keras.Model(inputs, [inputs, keras.layers.Dense(2)(inputs)])


@model
def from_the_middle(keras):
    layers = keras.layers
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, name="hidden")(inputs)
    keras.Model(inputs, layers.Dense(2, name="head")(hidden))
    return keras.Model(inputs, layers.Dense(3, name="other")(hidden))


@model
def inference_inside(keras):
    layers = keras.layers
    base = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()])
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dropout(0.5)(base(inputs, training=False)))
