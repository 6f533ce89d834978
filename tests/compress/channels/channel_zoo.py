"""Small models, one for each way in which channels belong together, for both Kerases."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

MODELS = {}
KERAS3_MODELS = {}
TF_KERAS_MODELS = {}


def model(function):
    """Add a model that both Kerases can express."""
    MODELS[function.__name__] = function
    return function


def keras3_model(function):
    KERAS3_MODELS[function.__name__] = function
    return function


def tf_keras_model(function):
    TF_KERAS_MODELS[function.__name__] = function
    return function


def head(keras, x, inputs, units=3):
    return keras.Model(inputs, keras.layers.Dense(units, name="head")(x))


def pooled(keras, x, inputs):
    return head(keras, keras.layers.GlobalAveragePooling2D()(x), inputs)


@model
def residual(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="stem")(inputs)
    y = layers.Conv2D(5, 3, padding="same", use_bias=False, name="inner")(x)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.BatchNormalization(scale=False)(layers.Conv2D(6, 1, name="outer")(y))
    x = layers.Add()([x, y])
    x = layers.LeakyReLU()(layers.Conv2D(7, 3, activation="sigmoid", name="late")(x))
    return pooled(keras, x, inputs)


@model
def residual_of_input(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(5, 3, padding="same", name="inner")(inputs)
    x = layers.Add()([inputs, layers.Conv2D(4, 1, name="back")(x)])
    return pooled(keras, x, inputs)


@model
def dense_block(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, padding="same", name="a")(inputs)
    for name in ("b", "c"):
        y = layers.Activation("tanh")(layers.BatchNormalization()(x))
        y = layers.Conv2D(3, 3, padding="same", name=name)(y)
        x = layers.Concatenate()([x, y])
    x = layers.Concatenate()([x, layers.AveragePooling2D(3, 1, "same")(x), inputs])
    return pooled(keras, x, inputs)


@model
def concat_of_places(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 3))
    a = layers.Conv2D(4, 3, padding="same", name="a")(inputs)
    b = layers.Conv2D(4, 3, padding="same", name="b")(inputs)
    x = layers.Concatenate(axis=1)([a, b])
    return pooled(keras, layers.Conv2D(3, 1, name="c")(x), inputs)


@model
def depthwise(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="first")(inputs)
    x = layers.Conv2D(6, 1, activation="relu", name="wide")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="sigmoid", name="depth")(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.SeparableConv2D(5, 2, depth_multiplier=2, activation="elu", name="sep")(x)
    x = layers.PReLU()(layers.ZeroPadding2D(1)(x))
    return pooled(keras, layers.SeparableConv2D(4, 2, name="last")(x), inputs)


@model
def squeeze_excite(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="conv")(inputs)
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Dense(4, activation="relu", name="squeeze")(s)
    s = layers.Dense(6, activation="sigmoid", name="excite")(s)
    x = layers.Multiply()([x, layers.Reshape((1, 1, 6))(s)])
    gate = layers.Conv2D(1, 1, activation="sigmoid", name="gate")(x)
    x = layers.Multiply()([x, gate])
    s = layers.GlobalMaxPooling2D(keepdims=True)(x)
    x = layers.Multiply()([x, layers.Conv2D(6, 1, activation="sigmoid", name="excite2")(s)])
    return pooled(keras, x, inputs)


@model
def flattened(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    x = layers.Dropout(0.5)(layers.Dense(6, activation="selu", name="hidden")(x))
    return head(keras, layers.BatchNormalization()(x), inputs)


@model
def decoder(keras):
    layers = keras.layers
    inputs = keras.Input((5,))
    x = layers.Dense(3 * 3 * 6, activation="relu", name="seed")(inputs)
    x = layers.BatchNormalization()(layers.Reshape((3, 3, 6))(x))
    x = layers.Conv2DTranspose(5, 3, strides=2, activation="relu", name="up")(x)
    x = layers.UpSampling2D(2)(layers.Cropping2D(1)(x))
    x = layers.Conv2DTranspose(4, 2, name="up2")(x)
    return keras.Model(inputs, layers.Conv2D(2, 1, name="picture")(x))


@model
def one_dimension(keras):
    layers = keras.layers
    inputs = keras.Input((20, 3))
    x = layers.Conv1D(6, 3, dilation_rate=2, activation="relu", name="a")(inputs)
    x = layers.DepthwiseConv1D(3, name="d")(layers.ZeroPadding1D(1)(x))
    x = layers.SeparableConv1D(5, 3, name="s")(layers.SpatialDropout1D(0.1)(x))
    x = layers.Conv1DTranspose(4, 2, name="t")(layers.AveragePooling1D(2)(x))
    x = layers.Cropping1D(1)(layers.UpSampling1D(2)(x))
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    return head(keras, x, inputs)


@model
def three_dimensions(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 6, 2))
    x = layers.Conv3D(4, 3, name="a")(inputs)
    x = layers.Conv3DTranspose(5, 2, name="t")(layers.ZeroPadding3D(1)(x))
    x = layers.BatchNormalization()(layers.MaxPooling3D(2)(x))
    return head(keras, layers.GlobalAveragePooling3D()(x), inputs)


@model
def grouped(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, name="a")(inputs)
    x = layers.Conv2D(12, 3, groups=2, activation="relu", name="columns")(x)
    x = layers.Conv2D(12, 1, groups=6, name="groups")(x)
    x = layers.Conv2D(24, 1, groups=12, name="single")(x)
    x = layers.GroupNormalization(4)(layers.Conv2D(8, 1, name="b")(x))
    x = layers.GroupNormalization(-1)(layers.Conv2D(6, 1, name="c")(x))
    return pooled(keras, x, inputs)


@model
def shuffled(keras):
    layers = keras.layers
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(12, 1, name="a")(inputs)
    x = layers.Conv2D(12, 1, groups=3, name="grouped")(x)
    x = layers.Reshape((4, 4, 3, 4))(x)
    x = layers.Permute((1, 2, 4, 3))(x)
    x = layers.Reshape((4, 4, 12))(x)
    x = layers.DepthwiseConv2D(3, name="depth")(x)
    return pooled(keras, layers.Conv2D(6, 1, groups=3, name="last")(x), inputs)


@model
def shuffled_freely(keras):
    layers = keras.layers
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 1, name="a")(inputs)
    x = layers.Permute((1, 2, 4, 3))(layers.Reshape((4, 4, 2, 4))(x))
    x = layers.Reshape((-1, 8))(x)
    return head(keras, layers.GlobalAveragePooling1D()(layers.Conv1D(5, 1)(x)), inputs)


@model
def transformer(keras):
    layers = keras.layers
    inputs = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, name="table")(inputs)
    x = layers.Dense(8, name="project")(x)
    y = layers.LayerNormalization()(x)
    y = layers.MultiHeadAttention(4, 6, value_dim=5, name="mha")(y, y)
    x = layers.Add()([x, y])
    y = layers.Dense(16, activation="gelu", name="wide")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(8, name="narrow")(y)])
    y = layers.MultiHeadAttention(2, 3, use_bias=False, output_shape=6, name="cross")(
        y, x, use_causal_mask=False
    )
    return head(keras, layers.GlobalAveragePooling1D()(y), inputs)


@model
def attention_without_norm(keras):
    layers = keras.layers
    inputs = keras.Input((6, 5))
    x = layers.Dense(8, name="stem")(inputs)
    y, scores = layers.MultiHeadAttention(2, 4, name="mha")(x, x, return_attention_scores=True)
    x = layers.Add()([x, y])
    y = layers.AdditiveAttention(name="additive")(
        [layers.Dense(6, name="q")(x), layers.Dense(6, name="v")(x), layers.Dense(6, name="k")(x)]
    )
    z = layers.Attention()([layers.Dense(4, name="q2")(x), layers.Dense(4, name="v2")(y)])
    outputs = [layers.Dense(3, name="out")(z), layers.Conv2D(2, 1, name="of_scores")(scores)]
    return keras.Model(inputs, outputs)


@model
def recurrent(keras):
    layers = keras.layers
    inputs = keras.Input((7, 3))
    x, h, c = layers.LSTM(6, return_sequences=True, return_state=True, name="lstm")(inputs)
    y = layers.LSTM(6, name="decoder")(x, initial_state=[h, c])
    z = layers.GRU(5, return_sequences=True, name="gru")(x)
    z = layers.GRU(4, reset_after=False, name="gru1")(
        layers.TimeDistributed(layers.Dense(6), name="td")(z)
    )
    r = layers.SimpleRNN(4, name="rnn")(x)
    return head(keras, layers.Concatenate()([y, z, r]), inputs)


@model
def both_directions(keras):
    layers = keras.layers
    inputs = keras.Input((7, 3))
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="both")(inputs)
    forward, backward = layers.LSTM(4), layers.GRU(4, go_backwards=True)
    y = layers.Bidirectional(forward, backward_layer=backward, name="two")(x)
    z = layers.Bidirectional(layers.GRU(4), merge_mode="sum", name="sum")(x)
    return head(keras, layers.Concatenate()([y, z]), inputs)


@model
def cells(keras):
    layers = keras.layers
    inputs = keras.Input((5, 3))
    stack = [layers.LSTMCell(5), layers.GRUCell(4)]
    x = layers.RNN(stack, return_sequences=True, name="stack")(inputs)
    x = layers.RNN(layers.SimpleRNNCell(4), name="one")(x)
    return head(keras, x, inputs)


@model
def convolutional_recurrence(keras):
    layers = keras.layers
    inputs = keras.Input((4, 6, 6, 2))
    x = layers.ConvLSTM2D(4, 3, return_sequences=True, name="lstm")(inputs)
    x = layers.TimeDistributed(layers.Conv2D(5, 2, activation="relu"), name="each")(x)
    x = layers.TimeDistributed(layers.BatchNormalization())(x)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    return head(keras, layers.GRU(3, name="gru")(x), inputs)


@model
def shared(keras):
    layers = keras.layers
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    first, second = layers.Dense(5, name="first"), layers.Dense(5, name="second")
    a, b = second(first(left)), second(first(right))
    x = layers.Concatenate()([a, b, layers.Subtract()([a, b])])
    again = layers.Dense(5, name="again")
    y = again(again(layers.Dense(5, name="start")(x)))
    return keras.Model([left, right], [layers.Dense(2, name="one")(y), layers.Dense(1)(x)])


@model
def nested(keras):
    layers = keras.layers
    base = keras.Sequential(
        [keras.Input((6, 6, 5)), layers.Conv2D(6, 2, name="conv"), layers.BatchNormalization()],
        name="base",
    )
    inner = keras.Input((6, 6, 5))
    middle = keras.Model(inner, layers.ReLU()(base(inner)), name="middle")
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(5, 1, name="conv")(inputs)
    return head(keras, layers.Flatten()(middle(x)), inputs)


@model
def tower_called_twice(keras):
    layers = keras.layers
    features = keras.Input((4,))
    hidden = layers.Dense(6, activation="tanh", name="hidden")(features)
    tower = keras.Model(features, layers.Dense(5, name="code")(hidden), name="tower")
    inputs = [keras.Input((3,)), keras.Input((3,))]
    a, b = (tower(layers.Dense(4)(one)) for one in inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.Multiply()([a, b])))


@model
def named_inputs_and_outputs(keras):
    layers = keras.layers
    inputs = {"zeta": keras.Input((4,), name="zeta"), "alpha": keras.Input((3,), name="alpha")}
    a, z = layers.Dense(5, name="a")(inputs["alpha"]), layers.Dense(5, name="z")(inputs["zeta"])
    x = layers.Dense(6, name="x")(layers.Average()([a, layers.Maximum()([a, z])]))
    return keras.Model(inputs, {"yes": layers.Dense(1)(x), "no": layers.Dense(2)(a)})


@model
def embedded(keras):
    layers = keras.layers
    inputs = keras.Input((7,), dtype="int32")
    x = layers.Embedding(9, 6, mask_zero=True, name="table")(inputs)
    y = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(x)
    return head(keras, layers.Concatenate()([layers.GRU(3)(y), layers.LSTM(2)(x)]), inputs)


@model
def mixer(keras):
    layers = keras.layers
    inputs = keras.Input((6, 4))
    x = layers.Permute((2, 1))(inputs)
    x = layers.Dense(5, activation="gelu", name="tokens")(x)
    x = layers.Permute((2, 1))(layers.Dense(6, name="back")(x))
    x = layers.Dense(7, name="channels")(layers.Add()([x, inputs]))
    y = layers.Permute((2, 1))(layers.Dense(4, name="across")(layers.Permute((2, 1))(x)))
    return head(keras, layers.GlobalAveragePooling1D()(layers.Dense(5, name="last")(y)), inputs)


@model
def einsum_dense(keras):
    layers = keras.layers
    inputs = keras.Input((5, 6))
    x = layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d", name="plain")(inputs)
    x = layers.EinsumDense("abc,cde->abde", (None, 4, 3), bias_axes="de", name="heads")(x)
    x = layers.EinsumDense("...de,def->...f", 6, activation="relu", name="join")(x)
    x = layers.EinsumDense("abc,c->abc", (None, 6), name="scale")(x)
    return head(keras, layers.GlobalAveragePooling1D()(x), inputs)


@model
def norms(keras):
    layers = keras.layers
    inputs = keras.Input((4, 4, 3))
    x = layers.LayerNormalization(axis=[1, 2])(layers.Conv2D(5, 1, name="places")(inputs))
    x = layers.UnitNormalization()(layers.Conv2D(4, 1, name="unit")(x))
    x = layers.Softmax(axis=[1, 2])(layers.Conv2D(6, 1, name="soft")(x))
    x = layers.Rescaling(2.0)(layers.Conv2D(4, 1, activation="softmax", name="probable")(x))
    x = layers.GaussianNoise(0.1)(layers.Conv2D(5, 1, name="noisy")(x))
    return pooled(keras, layers.RepeatVector(2)(layers.Flatten()(x))[:, :, None], inputs)


@model
def operators(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(6, 1, name="conv")(inputs)
    x = (2.0 * x - 1.0) / 3.0 + np.linspace(0, 1, 6).astype("float32")
    x = -(1.0 - x) * layers.Conv2D(6, 1, name="other")(x)
    y = x[:, 1:5, ::2, :] - 0.5
    a, b = x[..., :4], x[..., 4:]
    b = layers.Conv2D(4, 1, name="up")(b)
    z = layers.Flatten()(layers.Conv2D(3, 1, name="join")(a + b))
    outputs = [layers.Dense(2)(layers.Flatten()(y)), layers.Dense(1)(z)]
    return keras.Model(inputs, [*outputs, layers.Dense(2)(x[:, 2, 3])])


@model
def unknown_layers(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 3))
    x = layers.Lambda(lambda t: t[..., ::-1] * 2.0, name="turned")(layers.Conv2D(4, 1)(inputs))
    y = layers.Conv2D(5, 1, name="free")(x)
    y = layers.Concatenate()([layers.Conv2D(4, 1, name="late")(y), x])
    y = layers.Conv2D(4, 1, activation=lambda t: t * 0.3, name="odd")(y)
    x = layers.Dot(axes=-1, name="dot")([layers.Flatten()(y), layers.Flatten()(y)])
    return head(keras, layers.Concatenate()([x, layers.GlobalMaxPooling2D()(y)]), inputs)


@model
def sequential(keras):
    layers = keras.layers
    rows = [layers.Conv1D(4, 3), layers.Flatten(), layers.Dense(5, name="d"), layers.Dense(2)]
    return keras.Sequential([keras.Input((6, 3)), *rows], name="row")


@model
def frozen(keras):
    layers = keras.layers
    base = keras.Sequential([keras.Input((4,)), layers.Dense(6, name="a"), layers.Dense(5)])
    base.trainable = False
    base.layers[0].trainable = True
    inputs = keras.Input((4,))
    return head(keras, layers.Dropout(0.5)(base(inputs, training=False)), inputs)


@model
def mixed_precision(keras):
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, dtype="mixed_float16", name="half")(inputs)
    x = layers.BatchNormalization(dtype="float32")(x)
    return head(keras, layers.Flatten(dtype="float32")(x), inputs)


def _attention_by_hand(keras, ops):
    layers = keras.layers
    inputs = keras.Input((5, 6))
    x = layers.Dense(8, name="stem")(inputs)
    qkv = ops["reshape"](layers.Dense(24, name="qkv")(x), (-1, 5, 3, 4, 2))
    qkv = ops["transpose"](qkv, (2, 0, 3, 1, 4))
    q, k, v = qkv[0] * 0.7, qkv[1], qkv[2]
    scores = ops["softmax"](ops["matmul"](q, ops["transpose"](k, (0, 1, 3, 2))))
    y = ops["transpose"](ops["matmul"](scores, v), (0, 2, 1, 3))
    y = layers.Dense(8, name="out")(ops["reshape"](y, (-1, 5, 8)))
    x = ops["relu"](ops["concat"]([x + y, x * y], -1))
    a, b, c = ops["split"](layers.Dense(9, name="three")(x), 3, -1)
    d, e = ops["split"](layers.Dense(7, name="uneven")(x), [3, 4] if ops["sizes"] else [3], -1)
    x = ops["concat"]([a * b + c, d, e], 2)
    x = ops["mean"](ops["stack"]([x, ops["exp"](x)], 1), (1, 2))
    return head(keras, ops["squeeze"](ops["expand_dims"](x, 1), 1), inputs)


@keras3_model
def attention_by_hand(keras):
    names = "reshape transpose softmax matmul relu split mean stack exp squeeze expand_dims"
    ops = {name: getattr(keras.ops, name) for name in names.split()}
    return _attention_by_hand(keras, {**ops, "concat": keras.ops.concatenate, "sizes": False})


@tf_keras_model
def attention_by_tensorflow(keras):
    names = "reshape transpose concat split stack exp squeeze expand_dims"
    ops = {name: getattr(tf, name) for name in names.split()}
    ops |= {"softmax": tf.nn.softmax, "relu": tf.nn.relu, "matmul": tf.linalg.matmul}
    return _attention_by_hand(keras, {**ops, "mean": tf.reduce_mean, "sizes": True})


@keras3_model
def keras3_operations(keras):
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input((6, 6, 4))
    x = ops.relu(layers.Conv2D(4, 3, padding="same", name="a")(inputs))
    x = x * ops.sigmoid(ops.mean(x, axis=(1, 2), keepdims=True))
    x = ops.concatenate([x, ops.exp(-x)], axis=-1)
    x = ops.pad(x, ((0, 0), (1, 1), (0, 2), (0, 0)))
    x = ops.moveaxis(ops.swapaxes(x, 1, 2), 3, 1)
    x = ops.clip(ops.transpose(x, (0, 2, 3, 1)), -1.0, 1.0)
    y = ops.var(layers.Conv2D(5, 1, name="b")(x), axis=[1, 2])
    y = ops.where(y > 0.1, y, ops.zeros_like(y)) / 2.0
    z = ops.stack([layers.Dense(4)(y), layers.Dense(4)(x[:, 0, 0])], 1)
    z = ops.einsum("bij,bkj->bik", z, z)
    outputs = [layers.Dense(2)(y), layers.Dense(2)(ops.softmax(layers.Dense(4)(y)))]
    mixed = ops.max(layers.Conv2D(3, 1, name="c")(x), axis=-1)
    return keras.Model(inputs, [*outputs, layers.Dense(2)(mixed), z])


@keras3_model
def shared_heads(keras):
    layers = keras.layers
    inputs = keras.Input((6, 5))
    x = layers.Dense(8, name="stem")(inputs)
    x = layers.GroupQueryAttention(4, 6, 2, name="gqa")(x, x)
    x = layers.MultiHeadAttention(3, 4, name="gated")(x, x)
    x = layers.RMSNormalization()(layers.Dense(6, name="normed")(x))
    return head(keras, layers.GlobalAveragePooling1D()(x), inputs)


@tf_keras_model
def dynamic_shapes(keras):
    layers = keras.layers
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(6, 1, name="conv")(inputs)
    x = tf.reshape(x, (tf.shape(x)[0], 36, 6))
    x = tf.transpose(x, (0, 2, 1))
    x = tf.reduce_max(tf.nn.leaky_relu(x, alpha=0.1), axis=-1)
    x = tf.clip_by_value(layers.Dense(5, name="d")(x), -1.0, 1.0)
    return head(keras, x, inputs)
