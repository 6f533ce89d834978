"""Write the ``.tflite`` files and expected values that the device-side tests use.

Run as a script, in a process of its own, with the folder to write to. It is the only part of
those tests that needs TensorFlow; the converter is TensorFlow's own and the expected values are
Keras's.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

SPEC = tf.TensorSpec


def digits():
    """Return 8x8 images in [0, 1] and their classes, shuffled."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 16).reshape(-1, 8, 8, 1).astype("float32"), y[order].astype("int64")


def small_cnn(x, y):
    """Return a trained classifier of 8x8 images with depthwise and dense layers."""
    layers = tf.keras.layers
    image = tf.keras.Input((8, 8, 1), name="image")
    hidden = layers.Conv2D(16, 3, padding="same", activation="relu", name="first")(image)
    hidden = layers.DepthwiseConv2D(3, activation="relu", name="second")(hidden)
    hidden = layers.Conv2D(24, 1, activation="relu", name="third")(hidden)
    hidden = layers.MaxPooling2D(name="pool")(hidden)
    hidden = layers.Flatten(name="flat")(hidden)
    digit = layers.Dense(10, activation="softmax", name="digit")(hidden)
    model = tf.keras.Model(image, digit, name="digits_cnn")
    model.compile(tf.keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x[:1200], y[:1200], epochs=8, batch_size=32, verbose=0)
    return model


def two_by_two():
    """Return a model with two named inputs and two named outputs."""
    layers = tf.keras.layers
    left, right = tf.keras.Input((6,), name="left"), tf.keras.Input((3, 2), name="right")
    joined = layers.Concatenate(name="join")([left, layers.Flatten(name="flat")(right)])
    kind = layers.Dense(4, activation="softmax", name="kind")(joined)
    size = layers.Dense(1, name="size")(layers.Dense(8, activation="tanh", name="mid")(joined))
    return tf.keras.Model({"left": left, "right": right}, {"size": size, "kind": kind})


def int8(converter, samples):
    """Set a converter to integers inside and at the boundary."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ({"image": item[None]} for item in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter


def cnn_files(folder, x, model):
    """Write the classifier in every numeric type."""
    make = lambda: tf.lite.TFLiteConverter.from_keras_model(model)  # noqa: E731
    write(folder, "cnn_float", make())
    write(folder, "cnn_int8", int8(make(), x[:100]))
    mixed = int8(make(), x[:100])
    mixed.inference_input_type = mixed.inference_output_type = tf.float32
    write(folder, "cnn_int8_float_io", mixed)
    wide = int8(make(), x[:100])
    wide.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    ]
    wide.inference_input_type = wide.inference_output_type = tf.int16
    write(folder, "cnn_int16x8", wide)
    half = make()
    half.optimizations = [tf.lite.Optimize.DEFAULT]
    half.target_spec.supported_types = [tf.float16]
    write(folder, "cnn_float16", half)
    dynamic = make()
    dynamic.optimizations = [tf.lite.Optimize.DEFAULT]
    dynamic._experimental_disable_per_channel_quantization_for_dense_layers = True
    write(folder, "cnn_dynamic", dynamic)
    names = [layer.name for layer in model.layers[1:]]
    inner = tf.keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    np.savez(
        folder / "cnn_layers.npz",
        **dict(zip(names, inner.predict_on_batch(x[1200:1216]), strict=True)),
    )


def sparse_file(folder):
    """Write a dense layer with 90 % zeros, stored sparsely, and its kernel."""
    kernel = np.random.default_rng(1).normal(size=(128, 128)).astype("float32")
    kernel[np.abs(kernel) < np.quantile(np.abs(kernel), 0.9)] = 0
    layer = tf.keras.layers.Dense(128, name="sparse")
    model = tf.keras.Sequential([tf.keras.Input((128,), name="x"), layer])
    layer.set_weights([kernel, np.zeros(128, "float32")])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
    write(folder, "sparse", converter)
    np.save(folder / "sparse_kernel.npy", kernel)


def functions(folder):
    """Write graphs that a batch breaks, each in its own way, and a recurrent one."""
    rng = np.random.default_rng(2)
    weights = tf.constant(rng.normal(size=(16, 3)).astype("float32"))

    @tf.function(input_signature=[SPEC([1, 4, 4], tf.float32, name="x")])
    def fixed_reshape(x):
        return tf.reshape(x, [1, 16]) @ weights

    @tf.function(input_signature=[SPEC([1, 16], tf.float32, name="x")])
    def mixes_samples(x):
        return x @ weights - tf.reduce_mean(x)

    @tf.function(input_signature=[SPEC([1, 5], tf.int32, name="tokens")])
    def tokens(tokens):
        return tf.reduce_sum(tf.gather(weights, tokens), axis=1)

    @tf.function(input_signature=[SPEC([4, 16], tf.float32, name="x")])
    def four_at_once(x):
        return tf.reshape(x, [4, 16]) @ weights

    for function in (fixed_reshape, mixes_samples, tokens, four_at_once):
        concrete = function.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        write(
            folder,
            concrete.function_def.signature.name.split("_inference_")[-1].rsplit("_", 1)[0],
            converter,
        )
    np.save(folder / "function_weights.npy", weights.numpy())


class Running(tf.Module):
    """A variable of the file's own that lives on from call to call."""

    def __init__(self):
        super().__init__()
        self.level = tf.Variable(tf.zeros([1, 4]))

    @tf.function(input_signature=[SPEC([1, 4], tf.float32, name="x")])
    def smooth(self, x):
        """Halve the level, then add."""
        self.level.assign(0.5 * self.level + x)
        return 1.0 * self.level


def running(folder):
    """Write a streaming model, a loop, and a file of strings."""
    module = Running()
    with tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures=module.smooth)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
        converter.experimental_enable_resource_variables = True
        write(folder, "running", converter)

    @tf.function(input_signature=[SPEC([1, 4], tf.float32, name="x")])
    def loop(x):
        return tf.while_loop(lambda i, _: i < 5, lambda i, x: (i + 1, tf.tanh(2.0 * x)), [0, x])[1]

    @tf.function(input_signature=[SPEC([2], tf.string, name="words")])
    def words(words):
        return tf.gather(words, [1, 0])

    for function in (loop, words):
        concrete = function.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        write(folder, function.python_function.__name__, converter)


def recurrent(folder):
    """Write a fused LSTM, which keeps its state between calls, and what Keras says it returns."""
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    model = tf_keras.Sequential(
        [tf_keras.Input((12, 4), 1), tf_keras.layers.LSTM(6), tf_keras.layers.Dense(2)]
    )
    concrete = tf.function(lambda x: model(x)).get_concrete_function(
        SPEC([1, 12, 4], tf.float32, name="x")
    )
    write(folder, "lstm", tf.lite.TFLiteConverter.from_concrete_functions([concrete], model))
    x = np.random.default_rng(4).normal(size=(9, 12, 4)).astype("float32")
    y = np.concatenate([model(x[i : i + 1]) for i in range(len(x))])
    np.savez(folder / "lstm.npz", x=x, y=y)


def write(folder, name, converter):
    """Convert and write one file."""
    (folder / f"{name}.tflite").write_bytes(converter.convert())


def main(folder):
    """Write everything."""
    tf.keras.utils.set_random_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    x, y = digits()
    model = small_cnn(x, y)
    cnn_files(folder, x, model)
    np.savez(folder / "cnn.npz", x=x[1200:], y=y[1200:], keras=model.predict(x[1200:], verbose=0))
    pair = two_by_two()
    write(folder, "two_by_two", tf.lite.TFLiteConverter.from_keras_model(pair))
    draw = np.random.default_rng(5).normal
    inputs = {
        "left": draw(size=(40, 6)).astype("float32"),
        "right": draw(size=(40, 3, 2)).astype("float32"),
    }
    np.savez(folder / "two_by_two.npz", **inputs, **pair.predict(inputs, verbose=0))
    sparse_file(folder)
    functions(folder)
    recurrent(folder)
    running(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
