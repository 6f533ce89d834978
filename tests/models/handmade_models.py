"""Small models of every kind, built in either Keras, with random weights and fitting inputs."""

from __future__ import annotations

import numpy as np

MODELS = {}
ONLY_KERAS3 = {}


def model(function):
    """Register a builder ``(keras) -> model`` for both Kerases."""
    MODELS[function.__name__] = function
    return function


def keras3_model(function):
    """Register a builder ``(keras) -> model`` for what only Keras 3 can express."""
    ONLY_KERAS3[function.__name__] = function
    return function


def randomize(model, seed=0):
    """Give every weight a random value: a wrong order or a forgotten one then shows."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        dtype = np.dtype(
            str(getattr(weight.dtype, "name", weight.dtype)).replace("bfloat16", "float32")
        )
        if dtype.kind != "f":
            continue
        positive = "variance" in weight.name or "gamma" in weight.name
        value = (
            rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(0, 0.4, weight.shape)
        )
        weight.assign(value.astype(dtype))
    for layer in model.layers:
        if type(layer).__name__ == "Normalization" and layer.weights:
            layer.finalize_state()
    return model


def inputs_for(model, batch=3, seed=1):
    """Return random arrays for a model's inputs in its structure: list, dict or one array."""
    rng = np.random.default_rng(seed)
    arrays = []
    for tensor in model.inputs:
        dtype = str(getattr(tensor.dtype, "name", tensor.dtype))
        shape = (batch, *(7 if dim is None else dim for dim in tensor.shape[1:]))
        if tensor.shape[0]:
            shape = (tensor.shape[0], *shape[1:])
        real = "float" in dtype
        arrays.append((rng.normal(size=shape) if real else rng.integers(0, 6, shape)).astype(dtype))
    struct = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))
    if isinstance(struct, dict):
        return dict(zip(sorted(struct), arrays, strict=True))
    return arrays if len(arrays) > 1 else arrays[0]


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
    return keras.Model(inputs, [layers.LSTM(3)(x + 1.0), layers.LSTM(3)(layers.ReLU()(x))])


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
