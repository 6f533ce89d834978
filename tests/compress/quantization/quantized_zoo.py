"""Small networks, each with what quantization-aware training used to refuse."""

from tfedge.models.flavours import keras3

keras, layers = keras3(), keras3().layers


def _on_image(*steps, shape=(8, 8, 3)):
    """Return a classifier of images through the given layers."""
    x = inputs = keras.Input(shape)
    for step in steps:
        x = step(x)
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))


def lone_normalizations():
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(6, 3, padding="same", name="conv")(layers.BatchNormalization()(inputs))
    y = layers.ReLU()(x)
    x = layers.Add()([layers.BatchNormalization()(y), y])
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def activation_before_normalization():
    return _on_image(layers.Conv2D(6, 3, activation="relu"), layers.BatchNormalization())


def dense_normalized():
    inputs = keras.Input((12,))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(8, name="hidden")(inputs)))
    return keras.Model(inputs, layers.Dense(4)(layers.BatchNormalization()(x)))


def scalings():
    mean, variance = [0.5, 0.4, 0.3], [0.1, 0.2, 0.3]
    known = layers.Normalization(mean=mean, variance=variance)
    return _on_image(layers.Rescaling(1 / 2, 0.5), known, layers.Conv2D(6, 3, activation="relu"))


def merges():
    inputs = keras.Input((8, 8, 3))
    a = layers.Conv2D(6, 3, padding="same")(inputs)
    b = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    x = layers.Concatenate()([layers.Multiply()([a, b]), layers.Add()([a, b]), a])
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(layers.Conv2D(6, 1)(x))))


def operators():
    inputs = keras.Input((8, 8, 3))
    a = layers.Conv2D(6, 3, padding="same")(inputs)
    b = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()((a + b) * a * 2.0 - b + 1.0)))


def separable_residual():
    inputs = keras.Input((16, 16, 1))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(inputs))
    residual = layers.BatchNormalization()(layers.Conv2D(12, 1, strides=2, padding="same")(x))
    x = layers.SeparableConv2D(12, 3, padding="same", use_bias=False)(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, residual]))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


def series():
    inputs = keras.Input((20, 4))
    x = layers.Conv1D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling1D()(layers.BatchNormalization()(x))
    x = layers.Conv1D(8, 3, padding="causal", dilation_rate=2)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def transposed():
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Conv2D(3, 3, padding="same", activation="sigmoid")(x))


def embedded():
    inputs = keras.Input((10,), dtype="int32")
    x = layers.Conv1D(8, 3, activation="relu")(layers.Embedding(20, 8)(inputs))
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalMaxPooling1D()(x)))


def activations():
    names = ("swish", "gelu", "hard_silu", "hard_sigmoid", "relu6")
    convolutions = [layers.Conv2D(6, 3, padding="same", activation=name) for name in names]
    normalized = [layers.Conv2D(6, 1), layers.BatchNormalization(), layers.Activation("swish")]
    return _on_image(*convolutions, *normalized, layers.LeakyReLU())


def squeezed():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    squeeze = layers.Conv2D(2, 1, activation="relu", bias_initializer="ones")
    scale = squeeze(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="hard_sigmoid")(scale)])
    x = layers.ZeroPadding2D(1)(layers.UpSampling2D(2)(layers.AveragePooling2D(2)(x)))
    x = layers.DepthwiseConv2D(3, bias_initializer="ones")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(4)(layers.Flatten()(x))))


def several_ends():
    a, b = keras.Input((8,), name="a"), keras.Input((8, 8, 3), name="b")
    body = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(6, 3), layers.ReLU()])
    pooled = layers.GlobalAveragePooling2D()(body(b))
    x = layers.Concatenate()([layers.Dense(6, activation="relu")(a), pooled])
    p = layers.Dense(4, activation="softmax", name="p")(x)
    return keras.Model([a, b], {"p": p, "q": layers.Dense(1, name="q")(x)})


def siamese():
    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    conv, pool = layers.Conv2D(6, 3, activation="relu"), layers.GlobalAveragePooling2D()
    x = layers.Subtract()([pool(conv(left)), pool(conv(right))])
    return keras.Model([left, right], layers.Dense(4)(x))


def layer_normalized():
    inputs = keras.Input((12, 8))
    x = layers.LayerNormalization(name="norm")(layers.Dense(8)(inputs))
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def attention():
    inputs = keras.Input((12, 8))
    x = inputs + layers.MultiHeadAttention(2, 4, name="heads")(inputs, inputs)
    x = layers.Dense(8)(layers.Dense(16, activation="gelu")(x))
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def long_memory():
    inputs = keras.Input((6, 4))
    return keras.Model(inputs, layers.Dense(4)(layers.LSTM(8, name="memory")(inputs)))


def gated_memory():
    inputs = keras.Input((6, 4))
    return keras.Model(inputs, layers.Dense(4)(layers.GRU(8, name="memory")(inputs)))


def strange_activation():
    return _on_image(layers.Conv2D(6, 3, activation="softplus", name="conv"))


def learned_slopes():
    slopes = keras.initializers.RandomUniform(-0.1, 0.5, seed=0)
    shared, own = layers.PReLU(slopes, shared_axes=[1, 2]), layers.PReLU(slopes)
    return _on_image(layers.Conv2D(6, 3), layers.BatchNormalization(), shared, own)


def exponential_units():
    return _on_image(
        layers.Conv2D(6, 3, activation="elu", name="conv"),
        layers.SeparableConv2D(8, 3),
        layers.BatchNormalization(),
        layers.ELU(),
    )


MODELS = {
    make.__name__: (make, floats)
    for make, floats in (
        (lone_normalizations, {}),
        (activation_before_normalization, {}),
        (dense_normalized, {}),
        (scalings, {}),
        (merges, {}),
        (operators, {}),
        (separable_residual, {}),
        (series, {}),
        (transposed, {}),
        (embedded, {}),
        (activations, {}),
        (squeezed, {}),
        (several_ends, {}),
        (siamese, {}),
        (layer_normalized, {"norm": "LayerNormalization"}),
        (attention, {"heads": "MultiHeadAttention"}),
        (long_memory, {"memory": "LSTM"}),
        (gated_memory, {"memory": "GRU"}),
        (strange_activation, {"conv_softplus": "Activation"}),
        (learned_slopes, {}),
        (exponential_units, {}),
    )
}
"""Maker and layers that stay in float, by name."""
