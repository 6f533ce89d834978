"""Handmade models: what only Keras 3 can express."""

from __future__ import annotations

import numpy as np
from handmade_registry import keras3_model


@keras3_model
def odd_names(keras):
    inputs = keras.Input((4,), name="my input")
    return keras.Model(inputs, keras.layers.Dense(2, name="dense (last)")(inputs), name="my model")


@keras3_model
def keras_ops(keras):
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input((6, 6, 4))
    x = ops.relu(layers.Conv2D(4, 3, padding="same")(inputs))
    pooled = ops.mean(x, axis=(1, 2), keepdims=True)
    x = x * ops.sigmoid(pooled)
    x = ops.concatenate([x, ops.exp(-x)], axis=-1)
    x = ops.pad(x, ((0, 0), (1, 1), (0, 2), (0, 0)))
    x = ops.transpose(x, (0, 2, 1, 3))
    a, b = ops.split(x, 2, axis=-1)
    x = ops.maximum(a, 0.0) + ops.clip(b, 0.0, 6.0) + ops.maximum(a, b)
    flat = ops.reshape(x, (-1, 8 * 8 * 4))
    weight = layers.Dense(4)(flat)
    back = ops.squeeze(ops.expand_dims(ops.expand_dims(weight, 1), 1), 1)
    squared = ops.matmul(back, ops.swapaxes(back, 1, 2)) + ops.sqrt(ops.abs(back))
    top = ops.where(weight > 0.1, weight, ops.zeros_like(weight)) / ops.max(x, axis=(1, 2))
    stacked = ops.stack([top, ops.softmax(weight), ops.gelu(weight)], axis=1)
    return keras.Model(inputs, [squared, stacked, ops.einsum("bij,bkj->bik", stacked, stacked)])


@keras3_model
def keras3_activations(keras):
    layers = keras.layers
    inputs = keras.Input((6,))
    kinds = [
        "silu",
        "hard_silu",
        "hard_sigmoid",
        "hard_swish",
        "celu",
        "glu",
        "hard_shrink",
        "hard_tanh",
        "leaky_relu",
        "log_sigmoid",
        "soft_shrink",
        "squareplus",
        "tanh_shrink",
        "sparse_plus",
        "sparse_sigmoid",
        "threshold",
    ]
    halving, by_setting = {"glu"}, {"threshold"}
    dense = [
        layers.Dense(4, activation=getattr(keras.activations, kind))(inputs)
        for kind in kinds
        if kind not in halving | by_setting
    ]
    layer = layers.Dense(4, activation=layers.LeakyReLU(0.1))(inputs)
    functions = [getattr(keras.ops, kind)(dense[0]) for kind in kinds if kind not in by_setting]
    return keras.Model(inputs, layers.Concatenate()([*dense, layer, *functions]))


@keras3_model
def keras3_layers(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.RMSNormalization()(inputs)
    x = layers.SpectralNormalization(layers.Conv2D(3, 1))(x)
    x = layers.AdaptiveAveragePooling2D((4, 4))(x)
    x = layers.RandomGrayscale(0.5)(x)
    x = layers.Resizing(6, 6, antialias=True)(x)
    return keras.Model(inputs, layers.Identity()(x))


@keras3_model
def added_after_a_mask(keras):
    layers = keras.layers
    inputs = keras.Input((7,), dtype="int32")
    x = layers.Embedding(6, 4, mask_zero=True)(inputs)
    ways = [x + 1.0, x + x, layers.ReLU()(x), layers.Add()([x, x])]
    return keras.Model(inputs, [layers.LSTM(3)(way) for way in ways])


@keras3_model
def explicit_mask(keras):
    layers = keras.layers
    inputs, mask = keras.Input((7, 2)), keras.Input((7,), dtype="bool")
    return keras.Model([inputs, mask], layers.LSTM(3)(inputs, mask=mask))


@keras3_model
def masks_on_the_way(keras):
    layers = keras.layers
    inputs = keras.Input((5,), dtype="int32")
    x = layers.Embedding(6, 4, mask_zero=True)(inputs)
    own = layers.Activation("tanh")(x)  # Keras 3's MultiHeadAttention takes its inputs' mask off
    ways = [
        layers.MultiHeadAttention(2, 3)(own, own),
        layers.Attention()([x, x]),
        layers.Concatenate()([x, x]),
        layers.Add()([x, x]),
        layers.LayerNormalization()(x),
        layers.TimeDistributed(layers.Dense(2))(x),
    ]
    ends = [layers.LSTM(2)(way) for way in ways]
    zeros = layers.SimpleRNN(2, return_sequences=True, zero_output_for_mask=True)(x)
    return keras.Model(inputs, [*ends, zeros, layers.GlobalAveragePooling1D()(ways[0])])


@keras3_model
def adapted_vocabularies(keras):
    layers = keras.layers
    inputs = keras.Input((1,), dtype="int64", name="number")
    lookup = layers.IntegerLookup()
    lookup.adapt(np.array([[1], [3], [3], [5]]))
    bins = layers.Discretization(num_bins=3)
    bins.adapt(np.array([[0.5], [2.5], [4.5], [5.5]]))
    x = layers.Embedding(9, 3)(lookup(inputs))
    y = layers.Embedding(4, 2)(bins(keras.ops.cast(inputs, "float32")))
    return keras.Model(inputs, layers.Concatenate()([x, y]))
