"""Integer training in other loops, precisions, files and over replicas."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.models.flavours import keras3, tf_keras

LOSS = "sparse_categorical_crossentropy"


@pytest.mark.parametrize("observer", ["moving_average", "learned"])
def test_training_keeps_the_accuracy(observer, trained, digits, accuracy):
    floating = accuracy(trained)
    qat = tfedge.quantize(trained, observer=observer, calibration=digits[0][:200], freeze_after=30)
    assert accuracy(qat) > floating - 0.01
    qat.compile(tf_keras().optimizers.Adam(1e-3), LOSS)
    qat.fit(*digits[:2], batch_size=64, epochs=2, verbose=0)
    assert accuracy(qat) > floating - 0.015
    lite = tfedge.convert(qat, "int8")
    record = tfedge.compare(qat, lite, digits[2], latency=False)
    assert record.agreement >= 0.995 and record.sqnr_db > 30


def test_learned_ranges_move_with_the_gradient(mlp, flat):
    qat = tfedge.quantize(mlp(keras3()), observer="learned", calibration=flat[0])
    ratios = [weight for weight in qat.trainable_weights if "ratio" in weight.name]
    assert len(ratios) == 2
    qat.compile(tf_keras().optimizers.SGD(0.1), LOSS)
    qat.fit(*flat, batch_size=64, verbose=0)
    assert all(float(ratio) != 1.0 for ratio in ratios)


def test_normalizations_freeze_late(trained, digits):
    qat = tfedge.quantize(trained, calibration=digits[0][:200], freeze_batch_norm_after=3)
    moving = qat.get_layer("bn1").layer.moving_mean
    qat.compile(tf_keras().optimizers.SGD(0.1), LOSS)
    seen = []
    for _ in range(5):
        qat.train_on_batch(digits[0][:64], digits[1][:64])
        seen.append(moving.numpy())
    assert not np.array_equal(seen[0], seen[2])
    np.testing.assert_array_equal(seen[2], seen[4])


def test_a_loop_of_ones_own(mlp, flat):
    qat = tfedge.quantize(mlp(keras3()), calibration=flat[0])
    optimizer, loss_of = tf_keras().optimizers.Adam(1e-2), tf_keras().losses.get(LOSS)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(y, qat(x, training=True)))
        optimizer.minimize(loss, qat.trainable_variables, tape=tape)
        return loss

    losses = [float(step(*flat)) for _ in range(20)]
    assert losses[-1] < 0.7 * losses[0]
    assert int(qat.get_layer("head").optimizer_step) == 20
    assert tfedge.convert(qat, "int8", parity=flat[0]).notes["parity"].sqnr_db > 30


@pytest.mark.parametrize("observer", ["moving_average", "learned"])
def test_activations_may_be_computed_again_for_the_gradient(observer, mlp, flat):
    """Gradient checkpoints call the model twice in a step: frozen ranges give the same gradient."""
    qat = tfedge.quantize(mlp(keras3()), observer=observer, calibration=flat[0], freeze_after=0)
    x, y = map(tf.constant, flat)
    loss_of = tf_keras().losses.get(LOSS)
    found = []
    for run in (qat, tf.recompute_grad(qat)):
        with tf.GradientTape() as tape:
            said = tf.identity(run(x, training=True))  # without the logits that Keras notes
            loss = tf.reduce_mean(loss_of(y, said))
        found.append(tape.gradient(loss, qat.trainable_variables))
    assert all(gradient is not None for gradient in found[1])
    for plain, again in zip(*found, strict=True):
        np.testing.assert_allclose(plain, again, atol=1e-6)


def test_training_with_gradient_checkpoints(trained, digits, accuracy):
    qat = tfedge.quantize(trained, calibration=digits[0][:200], freeze_batch_norm_after=0)
    optimizer, loss_of = tf_keras().optimizers.Adam(1e-3), tf_keras().losses.get(LOSS)
    again = tf.recompute_grad(lambda x: qat(x, training=True))

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(y, again(x)))
        variables = qat.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for start in range(0, 1344, 64):
        step(digits[0][start : start + 64], digits[1][start : start + 64])
    assert accuracy(qat) > accuracy(trained) - 0.015
    lite = tfedge.convert(qat, "int8")
    assert tfedge.compare(qat, lite, digits[2], latency=False).agreement >= 0.995


def test_mixed_precision(digits):
    keras = keras3()
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        inputs = keras.Input((8, 8, 1), name="image")
        x = keras.layers.Conv2D(8, 3, name="conv")(inputs)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(x))
        model = keras.Model(inputs, keras.layers.Activation("softmax", dtype="float32")(x))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    qat = tfedge.quantize(model, calibration=digits[0][:200])
    assert qat.get_layer("conv").layer.compute_dtype == "float16"
    qat.compile(tf_keras().optimizers.Adam(1e-2), LOSS)
    history = qat.fit(*digits[:2], batch_size=64, epochs=3, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    lite = tfedge.convert(qat, "int8")
    assert not lite.float_operators
    assert tfedge.compare(qat, lite, digits[2], latency=False).agreement >= 0.98


@pytest.mark.parametrize("kind", ["keras", "weights"])
def test_saved_and_continued_as_if_nothing_had_happened(kind, trained, digits, tmp_path):
    def fresh():
        model = tfedge.cluster(tfedge.prune(trained, tfedge.ConstantSparsity(0.5, 0)), 8)
        qat = tfedge.quantize(
            model, observer="learned", calibration=digits[0][:100], freeze_after=9
        )
        qat.compile(tf_keras().optimizers.Adam(1e-3), LOSS)
        return qat

    def on(model):
        model.fit(*digits[:2], batch_size=128, epochs=1, shuffle=False, verbose=0)
        return model

    first = on(fresh())
    if kind == "keras":
        first.save(tmp_path / "qat.keras")
        again = tfedge.load(tmp_path / "qat.keras")
    else:
        first.save_weights(tmp_path / "checkpoint")
        again = fresh()
        again.load_weights(tmp_path / "checkpoint").expect_partial()
    for ours, theirs in zip(on(first).get_weights(), on(again).get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_replicas_share_their_ranges():
    script = """
    import os
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import numpy as np, tensorflow as tf, tfedge
    from tfedge.models.flavours import tf_keras
    device = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras = tf_keras()
    x = np.random.default_rng(0).random((64, 6), "float32")
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(5, activation="relu", name="hidden")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(hidden))
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        qat = tfedge.quantize(model, calibration=x)
        qat.compile("sgd", "mse")
    qat.fit(x, np.zeros((64, 2)), batch_size=16, epochs=2, verbose=0)
    layer = qat.get_layer("hidden")
    assert int(layer.optimizer_step.numpy()) == 8
    for weight in qat.weights:
        values = [part.numpy() for part in strategy.experimental_local_results(weight)]
        assert len(values) == 2
        np.testing.assert_array_equal(*values, err_msg=weight.name)
    lite = tfedge.convert(qat, "int8", parity=x)
    print("sqnr", lite.notes["parity"].sqnr_db)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert float(done.stdout.split()[-1]) > 30
