"""The whole story by hand: a user's Keras 3 model becomes a small file that is proven."""

import keras
import numpy as np
import pytest

import tfedge

BATCH = 64


@pytest.fixture(scope="module")
def digits():
    """(train, test): 8×8 grey digits in [0, 1] with their labels."""
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype("float32").reshape(-1, 8, 8, 1)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order].astype("int64")
    return (x[:1400], y[:1400]), (x[1400:], y[1400:])


def network(width):
    keras.utils.set_random_seed(width)
    x = inputs = keras.Input((8, 8, 1), name="image")
    for number, channels in enumerate((width, 2 * width)):
        x = keras.layers.Conv2D(channels, 3, 1 + number, "same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(10, activation="softmax", name="digit")(x)
    return keras.Model(inputs, outputs, name=f"digits_{width}")


def train(model, data, epochs, rate):
    """Compile with objects of Keras 3, as users write them, and fit."""
    steps = epochs * (len(data[0]) // BATCH)
    decay = keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(keras.optimizers.Adam(decay), loss, metrics=["accuracy"])
    return model.fit(*data, batch_size=BATCH, epochs=epochs, verbose=0).history


@pytest.fixture(scope="module")
def model(digits):
    """The user's own model, trained in Keras 3."""
    model = network(16)
    train(model, digits[0], epochs=15, rate=1e-2)
    return model


def compressed(model, train_data):
    """Go through all the stages; return the file and the model that it was made of."""
    steps = len(train_data[0]) // BATCH
    schedule = tfedge.PolynomialDecay(0.0, 0.6, 0, 3 * steps, frequency=10)
    sparse = tfedge.prune(model, schedule, layers=".*")
    train(sparse, train_data, epochs=8, rate=1e-2)
    qat = tfedge.quantize(sparse, preserve=("sparsity",), calibration=train_data[0])
    train(qat, train_data, epochs=1, rate=1e-3)
    soft = tfedge.distill.SoftTarget(temperature=4)
    distiller = tfedge.Distiller(student=qat, teacher=model, losses=[soft], alpha=0.5)
    history = train(distiller, train_data, epochs=3, rate=1e-3)
    assert {"loss", "student_loss", "distillation_loss", "accuracy"} <= set(history)
    return tfedge.convert(distiller, "int8", train_data[0]), distiller.student


@pytest.mark.parametrize("time", ["first", "second"])
def test_from_a_keras_model_to_a_proven_file(time, model, digits, tmp_path):
    train_data, test = digits
    before = [weight.copy() for weight in model.get_weights()]
    state = [np.asarray(variable).copy() for variable in model.optimizer.variables]
    layers = [type(layer).__name__ for layer in model.layers]

    lite, student = compressed(model, train_data)

    floating = tfedge.evaluate(model, *test, verbose=0)
    assert floating.accuracy == np.mean(model.predict(test[0], verbose=0).argmax(1) == test[1])
    assert floating.accuracy > 0.95
    scored = tfedge.evaluate(lite, *test, verbose=0)
    assert scored.accuracy > floating.accuracy - 0.03
    assert scored.samples == len(test[0])
    assert lite.inputs[0].dtype == lite.outputs[0].dtype == "int8"
    assert lite.float_operators == ()
    assert tfedge.sparsity(lite).sparsity == pytest.approx(0.6, abs=0.03)
    assert tfedge.sparsity(student).sparsity == pytest.approx(0.6, abs=0.01)
    plain = tfedge.convert(model, "float32")
    assert lite.size_bytes < 0.6 * plain.size_bytes
    assert lite.gzip_bytes < 0.4 * plain.gzip_bytes

    compared = tfedge.compare(model, lite, *test)
    assert compared.agreement > 0.95
    assert compared.differences["accuracy"] == pytest.approx(scored.accuracy - floating.accuracy)
    assert compared.a.size_bytes is None and compared.b.size_bytes == lite.size_bytes
    assert tfedge.compare(student, lite, *test, latency=False).agreement > 0.99

    loaded = tfedge.load(lite.save(tmp_path / "digits.tflite"))
    assert loaded == lite and loaded.name == "digits"
    again = tfedge.evaluate(tmp_path / "digits.tflite", *test, verbose=0)
    assert again.metrics == scored.metrics
    np.testing.assert_array_equal(loaded.predict(test[0]), lite.predict(test[0]))
    assert tfedge.benchmark(tmp_path / "digits.tflite", runs=10).p50_ms > 0

    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    for old, new in zip(state, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(old, np.asarray(new))
    assert [type(layer).__name__ for layer in model.layers] == layers
    history = model.fit(*train_data, batch_size=BATCH, verbose=0).history
    assert history["accuracy"][0] > 0.95
    model.set_weights(before)


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_a_saved_model_gives_the_same_file(kind, model, digits, tmp_path, recwarn):
    x = digits[0][0]
    qat = tfedge.quantize(model, calibration=x)
    train(qat, digits[0], epochs=1, rate=5e-4)
    path = tmp_path / f"qat.{kind}"
    qat.save(path)
    recwarn.clear()
    live = tfedge.convert(qat, "int8", x)
    assert tfedge.convert(tfedge.load(path), "int8", x).content == live.content
    assert tfedge.convert(path, "int8", x).content == live.content
    qat.predict(x[:8], verbose=0)
    assert tfedge.convert(qat, "int8", x).content == live.content
    assert not recwarn.list
