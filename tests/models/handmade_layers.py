"""Handmade models: layers of every kind."""

from __future__ import annotations

import numpy as np
from handmade_registry import model


@model
def conv_bn(keras):
    layers = keras.layers
    inputs = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.SeparableConv2D(5, 3, strides=2, activation="relu")(x)
    x = layers.Conv2DTranspose(3, 2, strides=2)(x)
    x = layers.LeakyReLU()(layers.MaxPooling2D(2)(x))
    x = layers.PReLU()(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x), name="cbn")


@model
def sequential(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((20, 3)),
            layers.ZeroPadding1D(1),
            layers.Conv1D(4, 3, activation="elu"),
            layers.DepthwiseConv1D(3),
            layers.SeparableConv1D(4, 3),
            layers.Conv1DTranspose(3, 2),
            layers.AveragePooling1D(2),
            layers.UpSampling1D(2),
            layers.Cropping1D(1),
            layers.Flatten(),
            layers.RepeatVector(2),
            layers.Permute((2, 1)),
            layers.Reshape((-1,)),
            layers.Dense(3, kernel_regularizer="l2", kernel_constraint="max_norm"),
        ],
        name="seq",
    )


@model
def conv3d(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 6, 2))
    x = layers.Conv3D(3, 3)(inputs)
    x = layers.Conv3DTranspose(2, 2)(x)
    x = layers.AveragePooling3D(2)(layers.ZeroPadding3D(1)(x))
    return keras.Model(inputs, layers.GlobalMaxPooling3D()(x))


@model
def lstm(keras):
    layers = keras.layers
    inputs = keras.Input((7, 3))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(inputs)
    x = layers.Bidirectional(layers.GRU(3), merge_mode="sum")(x)
    return keras.Model(inputs, layers.Dense(2)(x))


@model
def two_directions(keras):
    layers = keras.layers
    inputs = keras.Input((7, 3))
    forward = layers.LSTM(4, activation="relu")
    backward = layers.GRU(4, go_backwards=True)
    return keras.Model(inputs, layers.Bidirectional(forward, backward_layer=backward)(inputs))


@model
def gru_states(keras):
    layers = keras.layers
    inputs = keras.Input((5, 3))
    x, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(inputs)
    y = layers.LSTM(4)(x, initial_state=[h, c])
    z = layers.GRU(4, reset_after=False)(x, initial_state=h)
    return keras.Model(inputs, [y, z, layers.SimpleRNN(2)(x)])


@model
def custom_rnn(keras):
    layers = keras.layers
    inputs = keras.Input((5, 3))
    x = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True)(inputs)
    return keras.Model(inputs, layers.RNN(layers.SimpleRNNCell(2))(x))


@model
def conv_lstm(keras):
    layers = keras.layers
    inputs = keras.Input((4, 6, 6, 2))
    x = layers.ConvLSTM2D(3, 3, return_sequences=True)(inputs)
    x = layers.TimeDistributed(layers.Conv2D(2, 2))(x)
    x = layers.TimeDistributed(layers.BatchNormalization())(x)
    return keras.Model(inputs, layers.Flatten()(x))


@model
def time_distributed_model(keras):
    layers = keras.layers
    frame = keras.Input((6, 6, 1))
    encoder = keras.Model(
        frame,
        layers.Flatten()(layers.BatchNormalization()(layers.Conv2D(2, 3)(frame))),
        name="encoder",
    )
    inputs = keras.Input((4, 6, 6, 1))
    x = layers.TimeDistributed(encoder)(inputs)
    return keras.Model(inputs, layers.GRU(3)(x))


@model
def masked_text(keras):
    layers = keras.layers
    inputs = keras.Input((7,), dtype="int32", name="tokens")
    x = layers.Embedding(6, 4, mask_zero=True)(inputs)
    x = layers.Dropout(0.1)(x)
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    return keras.Model(
        inputs, layers.Concatenate()([layers.GRU(2)(y), layers.GlobalAveragePooling1D()(y)])
    )


@model
def masked_values(keras):
    layers = keras.layers
    inputs = keras.Input((7, 2))
    x = layers.Masking(0.0)(layers.ReLU(threshold=1.0)(inputs))
    return keras.Model(inputs, layers.LSTM(3)(layers.TimeDistributed(layers.Dense(4))(x)))


@model
def transformer(keras):
    layers = keras.layers
    inputs = keras.Input((7, 8))
    x = layers.LayerNormalization(epsilon=1e-5)(inputs)
    x = layers.MultiHeadAttention(2, 3, value_dim=5, name="mha")(x, x)
    x = layers.Add()([x, inputs])
    y = layers.Dense(8, activation="gelu")(layers.LayerNormalization()(x))
    y = layers.MultiHeadAttention(2, 4, output_shape=6, use_bias=False)(y, x, use_causal_mask=True)
    y = layers.Attention(use_scale=True)([y, y])
    y = layers.AdditiveAttention()([y, y])
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(y))


@model
def norms(keras):
    layers = keras.layers
    inputs = keras.Input((4, 4, 8))
    x = layers.GroupNormalization(4)(inputs)
    x = layers.LayerNormalization(axis=[1, 3])(x)
    x = layers.UnitNormalization()(x)
    return keras.Model(inputs, x)


@model
def preprocessing(keras):
    layers = keras.layers
    inputs = keras.Input((10, 10, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    x = layers.Resizing(8, 8)(x)
    x = layers.CenterCrop(6, 6)(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x)
    adapted = layers.Normalization(name="adapted")
    adapted.adapt(np.random.default_rng(3).normal(2.0, 3.0, (50, 6, 6, 3)).astype("float32"))
    x = layers.RandomFlip("horizontal")(layers.RandomRotation(0.1)(adapted(x)))
    x = layers.RandomZoom(0.1)(layers.RandomContrast(0.2)(layers.GaussianNoise(0.1)(x)))
    return keras.Model(inputs, layers.UpSampling2D(2, interpolation="bilinear")(x))


@model
def categories(keras):
    layers = keras.layers
    inputs = keras.Input((1,), dtype="int64")
    one_hot = layers.CategoryEncoding(6, output_mode="one_hot")(inputs)
    looked_up = layers.IntegerLookup(vocabulary=[1, 3, 5], output_mode="one_hot")(inputs)
    hashed = layers.CategoryEncoding(4, output_mode="one_hot")(layers.Hashing(4)(inputs))
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()([one_hot, looked_up, hashed])))
