"""Hints: features of the teacher that the student is to make too."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tfedge
from tfedge.compress.distillation.pairs import pairs_of
from tfedge.core.errors import ArgumentError
from tfedge.distill import FeatureHint, SoftTarget
from tfedge.models.flavours import keras3, tf_keras

LOSS = "sparse_categorical_crossentropy"


def numpy_hint(known, made, weight=1.0):
    axes = tuple(range(1, known.ndim))
    return weight * ((made - known) ** 2).mean(axes) / known.var(axes)


def network(keras, widths=(8, 16), seed=0, name="net", size=8):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input((size, size, 1))
    x = layers.Conv2D(widths[0], 3, padding="same", name="first")(inputs)
    x = layers.ReLU(name="first_relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(widths[1], 3, 2, padding="same", activation="relu", name="second")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="head")(x), name=name)


def names(pairs):
    return [tuple(tensor.name.split("/")[0] for tensor in pair) for pair in pairs]


@pytest.mark.parametrize("shape", [(5, 7), (5, 3, 4, 2), (2, 6, 3)])
def test_formula(shape):
    rng = np.random.default_rng(0)
    known, made = rng.normal(size=(2, *shape)).astype("float32")
    found = FeatureHint(weight=3).call(known, made).numpy()
    np.testing.assert_allclose(found, numpy_hint(known, made, 3), rtol=1e-5)
    scaled = FeatureHint(weight=3).call(100 * known, 100 * made).numpy()
    np.testing.assert_allclose(scaled, found, rtol=1e-4)


def test_gradient():
    import tensorflow as tf

    rng = np.random.default_rng(1)
    known = rng.normal(size=(3, 4, 5)).astype("float32")
    made = tf.Variable(rng.normal(size=(3, 4, 5)).astype("float32"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(FeatureHint().call(known, made))
    expected = 2 * (made.numpy() - known) / 20 / known.var((1, 2), keepdims=True)
    np.testing.assert_allclose(tape.gradient(loss, made), expected, rtol=1e-4, atol=1e-6)


def test_features_without_contrast_give_finite_losses():
    flat = np.zeros((2, 3), "float32")
    assert np.all(np.isfinite(FeatureHint().call(flat, flat + 1)))


def test_a_sample_without_contrast_does_not_rule_the_batch():
    known = np.array([[0.0, 0.0], [0.0, 4.0]], "float32")
    variances = np.array([0.0, 4.0])
    expected = np.array([1.0, 1.0]) / np.maximum(variances, 0.01 * variances.mean())
    np.testing.assert_allclose(FeatureHint().call(known, known + 1), expected, rtol=1e-5)


def test_the_loss_is_that_of_the_named_features(digits):
    x, y = digits[0][:48], digits[1][:48]
    teacher, student = network(keras3(), (6, 12)), network(keras3(), (6, 5), seed=1)
    losses = [SoftTarget(), FeatureHint({"first_relu": "first_relu", "second": "seco.*"}, 2.0)]
    distiller = tfedge.Distiller(student, teacher, losses, alpha=0.25)
    distiller.compile("sgd", LOSS)
    weights = np.linspace(0.5, 2.0, 48)
    logs = distiller.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    plain = tfedge.Distiller(student, teacher, SoftTarget(), alpha=0.25)
    plain.compile("sgd", LOSS)
    soft = plain.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    features = [
        [keras3().Model(m.input, m.get_layer(n).output).predict(x, verbose=0) for m in models]
        for n, models in (("first_relu", (teacher, student)), ("second", (teacher, student)))
    ]
    (adapter,) = distiller._adapters
    kernel, bias = (weight.numpy() for weight in adapter.weights)
    hints = numpy_hint(*features[0], 2.0) + numpy_hint(
        features[1][0], features[1][1] @ kernel + bias, 2.0
    )
    expected = soft["distillation_loss"] + np.mean(weights * hints)
    assert logs["distillation_loss"] == pytest.approx(expected, rel=1e-4)
    assert logs["student_loss"] == pytest.approx(soft["student_loss"], rel=1e-5)


def test_nothing_is_missed_by_a_student_that_equals_its_teacher(digits):
    model = network(keras3())
    distiller = tfedge.Distiller(model, model, [FeatureHint(), FeatureHint("first.*|head")])
    distiller.compile("sgd", LOSS)
    logs = distiller.evaluate(digits[0][:64], digits[1][:64], verbose=0, return_dict=True)
    assert logs["distillation_loss"] == pytest.approx(0, abs=1e-8)
    assert not distiller._adapters


def test_pairs_by_resolution():
    keras = tf_keras()
    teacher, student = network(keras, name="teacher"), network(keras, (3, 4), name="student")
    assert names(pairs_of(teacher, student, None)) == [
        ("first_relu", "first_relu"),
        ("second", "second"),
    ]
    pruned = tfedge.models.adopt(tfedge.prune(student))
    assert len(pairs_of(teacher, pruned, None)) == 2
    quantized = tfedge.quantize(student)
    assert [t.shape[-1] for _, t in pairs_of(teacher, quantized, None)] == [3, 4]
    assert [t.shape[-1] for _, t in pairs_of(teacher, quantized, "second")] == [4]


def test_pairs_of_vectors_and_series(mlp):
    keras = tf_keras()
    assert names(pairs_of(mlp(keras, 16), mlp(keras, 4), None)) == [("hidden", "hidden")]

    def series(units):
        inputs = keras.Input((None, 3))
        x = keras.layers.GRU(units, return_sequences=True, name="gru")(inputs)
        return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling1D()(x)))

    assert names(pairs_of(series(8), series(2), None)) == [("gru", "gru")]


def test_adapters_are_trained_and_left_out_of_the_file(digits, tmp_path):
    x, y, x_test, _ = digits
    teacher = network(tf_keras(), (8, 16))
    student = tfedge.quantize(tfedge.prune(network(keras3(), (4, 6), seed=3)), calibration=x[:100])
    distiller = tfedge.Distiller(student, teacher, [FeatureHint(weight=2.0)], alpha=0.1)
    distiller.compile(keras3().optimizers.Adam(3e-3), LOSS, metrics=["accuracy"])
    before = [adapter.kernel.numpy() for adapter in distiller._adapters]
    logs = distiller.fit(x, y, epochs=3, verbose=0, batch_size=64).history["distillation_loss"]
    assert logs[-1] < 0.7 * logs[0]
    for adapter, kernel in zip(distiller._adapters, before, strict=True):
        assert np.abs(adapter.kernel.numpy() - kernel).max() > 1e-3
    assert len(distiller.trainable_weights) == len(student.trainable_weights) + 4
    distiller.save(tmp_path / "student.keras")
    again = tfedge.load(tmp_path / "student.keras")
    assert again.count_params() == student.count_params()
    np.testing.assert_allclose(
        again.predict(x_test, verbose=0), distiller.predict(x_test, verbose=0), atol=1e-5
    )
    tfedge.convert(again, "int8", x[:100], parity=False)


def test_adapters_start_at_least_squares(digits):
    x, y = digits[0][:100], digits[1][:100]
    teacher, student = network(tf_keras()), network(tf_keras(), (3, 4), seed=1)
    distiller = tfedge.Distiller(student, teacher, [FeatureHint("second")])
    distiller.compile("sgd", LOSS)
    distiller.fit_adapters(x)
    made, known = (
        tf_keras().Model(m.input, m.get_layer("second").output).predict(x, verbose=0)
        for m in (student, teacher)
    )
    rows = np.hstack([made.reshape(-1, 4), np.ones((made.size // 4, 1))])
    best = rows @ np.linalg.lstsq(rows, known.reshape(-1, 16), rcond=None)[0]
    expected = numpy_hint(known, best.reshape(known.shape)).mean()
    logs = distiller.evaluate(x, y, verbose=0, return_dict=True)
    assert logs["distillation_loss"] == pytest.approx(expected, rel=1e-3)


def test_generators_lose_nothing_to_the_adapters(digits):
    seen = []

    def batches():
        for start in range(0, 400, 50):
            yield digits[0][start : start + 50], digits[1][start : start + 50]

    class Watch(tf_keras().callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    distiller = tfedge.Distiller(network(keras3(), (3, 4)), network(keras3()), [FeatureHint()])
    distiller.compile("sgd", LOSS)
    distiller.fit(batches(), callbacks=[Watch()], verbose=0)
    assert len(seen) == 8 and distiller._adapted
    kernel = distiller._adapters[0].kernel.numpy()
    distiller.fit(digits[0][:1], digits[1][:1], verbose=0)
    assert np.abs(distiller._adapters[0].kernel.numpy() - kernel).max() < 0.1


def test_a_loop_of_your_own(digits):
    import tensorflow as tf

    x, labels = digits[0][:64], tf.constant(digits[1][:64])
    distiller = tfedge.Distiller(network(keras3(), (3, 4)), network(keras3()), [FeatureHint()])
    distiller.compile("adam", LOSS)
    said = distiller(x, training=True)
    assert np.isfinite(float(distiller.compute_loss(x, labels, said)))
    with pytest.raises(ArgumentError, match="unchanged"):
        distiller.compute_loss(x, labels, tf.identity(said))


def test_several_outputs(digits):
    def net(width):
        inputs = tf_keras().Input((8, 8, 1))
        x = tf_keras().layers.Conv2D(width, 3, activation="relu", name="shared")(inputs)
        flat = tf_keras().layers.Flatten()(x)
        heads = {n: tf_keras().layers.Dense(k, name=n)(flat) for n, k in (("a", 10), ("b", 2))}
        return tf_keras().Model(inputs, heads)

    distiller = tfedge.Distiller(net(3), net(9), [SoftTarget(), FeatureHint("shared")], alpha=0)
    distiller.compile("adam")
    history = distiller.fit(digits[0][:256], epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert set(distiller.predict(digits[2][:4], verbose=0)) == {"a", "b"}


def test_replicas_and_half_precision():
    program = """
        import os
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import numpy as np, tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        import tf_keras, tfedge
        def net(width):
            inputs = tf_keras.Input((4, 4, 1))
            x = tf_keras.layers.Conv2D(width, 3, activation="relu", name="conv")(inputs)
            x = tf_keras.layers.Flatten()(x)
            return tf_keras.Model(inputs, tf_keras.layers.Dense(3, dtype="float32")(x))
        rng = np.random.default_rng(0)
        x, y = rng.random((64, 4, 4, 1)), rng.integers(0, 3, 64)
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        def trained(scope):
            tf_keras.utils.set_random_seed(0)
            student, teacher = net(2), net(6)
            with scope:
                hints = [tfedge.distill.FeatureHint("conv")]
                distiller = tfedge.Distiller(student, teacher, hints)
                distiller.compile(tf_keras.optimizers.SGD(0.1), loss)
            return distiller.fit(x, y, shuffle=False, epochs=3, verbose=0).history["loss"]
        import contextlib
        alone = trained(contextlib.nullcontext())
        both = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope())
        np.testing.assert_allclose(alone, both, rtol=1e-4)
        tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
        half = trained(contextlib.nullcontext())
        np.testing.assert_allclose(alone, half, rtol=0.05)
        print("same")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert "same" in done.stdout, done.stderr[-2000:]


def test_bad_hints_are_refused():
    teacher, student = network(keras3(), name="big"), network(keras3(), (3, 4), name="small")

    def distil(layers):
        return tfedge.Distiller(student, teacher, [FeatureHint(layers)])

    for weight in (-1, float("inf"), "much"):
        with pytest.raises(ArgumentError, match="weight"):
            FeatureHint(weight=weight)
    with pytest.raises(ArgumentError, match="layers holds"):
        FeatureHint([tf_keras().layers.ReLU()])
    with pytest.raises(ArgumentError, match=r"'frist' matches no layer of 'big'.*'first'"):
        distil("frist")
    with pytest.raises(ArgumentError, match="matches no layer of 'small'"):
        distil({"first": "third"})
    with pytest.raises(ArgumentError, match=r"'first.*' matches 2 layers of 'big'"):
        distil({"first.*": "first"})
    with pytest.raises(ArgumentError, match=r"8, 8, 8.*4, 4, 4.*last axis"):
        distil({"first": "second"})
    with pytest.raises(ArgumentError, match="no name in common"):
        other = network(keras3(), (3, 4))
        keras = tf_keras()
        renamed = keras.models.clone_model(
            tfedge.models.adopt(other),
            clone_function=lambda layer: layer.__class__.from_config(
                {**layer.get_config(), "name": f"{layer.name}_b"}
            ),
        )
        tfedge.Distiller(renamed, teacher, [FeatureHint("first|first_b")])
    with pytest.raises(ArgumentError, match=r"none in common.*Name the pairs"):
        inputs = tf_keras().Input((4,))
        single = tf_keras().Model(inputs, tf_keras().layers.Dense(3)(inputs))
        tfedge.Distiller(single, single, [FeatureHint()])
