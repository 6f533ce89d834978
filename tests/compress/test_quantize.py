import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.pruning.report import sparsity
from tfedge.compress.quantization.aware import quantize
from tfedge.compress.quantization.lowering.lower import lowered
from tfedge.compress.quantization.plan import Plan
from tfedge.compress.quantization.ranges import calibrate_ranges
from tfedge.compress.quantization.report import quantization_of
from tfedge.core.errors import ArgumentError, CalibrationError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.exportable import unset_ranges
from tfedge.models.training.schedules import ConstantSparsity, PolynomialDecay

LOSS = "sparse_categorical_crossentropy"


def close(a, b, atol=1e-5):
    np.testing.assert_allclose(a, b, atol=atol)


def fake_quantized(values, low, high):
    """Eight bits over [low, high], zero exact: Jacob et al. 2018, equations 1 and 12."""
    scale = (high - low) / 255
    zero = np.clip(np.round(-low / scale), 0, 255)
    codes = np.clip(np.round(values / scale) + zero, 0, 255)
    return (codes - zero) * scale


def test_calibrated_before_the_first_step_is_as_good_as_float(trained, digits, accuracy):
    floating = accuracy(trained)
    assert floating > 0.95
    assert accuracy(quantize(trained, calibration=digits[0][:200])) > floating - 0.01


def test_without_calibration_the_first_batch_sets_the_ranges(mlp, flat):
    x, y = 50 * flat[0][:256] - 7, flat[1][:256]
    model = mlp(keras3(), activation="linear")
    qat = quantize(model)
    assert unset_ranges(qat) == ["pixels_range/output", "hidden/output", "head/output"]
    qat.compile(tf_keras().optimizers.SGD(0.0), LOSS)
    qat.fit(x, y, batch_size=256, verbose=0)
    assert not unset_ranges(qat)
    found = {w.name: float(w.numpy()) for w in qat.weights if "output_m" in w.name}
    head = model.predict(x, verbose=0)
    assert found["pixels_range/output_min:0"] == x.min()
    assert found["hidden/output_min:0"] == 0.0
    assert found["head/output_max:0"] == pytest.approx(head.max(), rel=0.05)


def test_ranges_are_those_of_the_float_activations(trained, digits):
    x = digits[0][:150]
    qat = quantize(trained, calibration=(x, digits[1][:150]))
    found = {w.name.split("/")[-1]: w.numpy() for w in qat.get_layer("relu1").weights}
    probe = keras3().Model(trained.input, trained.get_layer("relu1").output)
    assert found["output_min:0"] == 0.0
    close(found["output_max:0"], probe.predict(x, verbose=0).max())
    [name] = [w for w in qat.get_layer("conv1").weights if "kernel_max" in w.name]
    kernel = trained.get_layer("conv1").kernel.numpy()
    close(name.numpy(), np.abs(kernel).max(axis=(0, 1, 2)))
    head = {w.name.split("/")[-1]: w.numpy() for w in qat.get_layer("head").weights}
    close(head["kernel_max:0"], np.abs(trained.get_layer("head").kernel.numpy()).max())


def test_output_is_the_closed_form():
    keras = tf_keras()
    inputs = keras.Input((4,))
    dense = keras.layers.Dense(3, use_bias=False, name="d")
    model = keras.Model(inputs, dense(inputs))
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    qat = quantize(model, calibration=x)
    kernel = dense.kernel.numpy()
    top = np.abs(kernel).max()
    rounded = np.round(kernel / (top / 127)) * (top / 127)
    seen = x @ kernel
    expected = fake_quantized(x, x.min(), x.max()) @ rounded
    expected = fake_quantized(expected, min(seen.min(), 0), max(seen.max(), 0))
    close(qat.predict(x, verbose=0), expected, atol=1.01 * (seen.max() - seen.min()) / 255)
    assert np.mean(np.abs(qat.predict(x, verbose=0) - expected) < 1e-4) > 0.95


@pytest.mark.parametrize("form", ["array", "dataset", "unbatched", "generator", "dict", "list"])
def test_calibration_takes_every_form_of_data(form, mlp, flat):
    x, y = flat[0][:96], flat[1][:96]
    slices = tf.data.Dataset.from_tensor_slices((x, y))
    data = {
        "array": x,
        "dataset": slices.batch(40),
        "unbatched": slices,
        "generator": ((x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32)),
        "dict": {"pixels": x},
        "list": [x],
    }[form]
    model = mlp(keras3())
    a, b = quantize(model, calibration=data), quantize(model, calibration=x)
    for one, other in zip(a.weights, b.weights, strict=True):
        close(one.numpy(), other.numpy(), atol=1e-6)


def test_bad_calibration_changes_nothing(mlp, flat):
    qat = quantize(mlp(keras3()), calibration=flat[0])
    before = qat.get_weights()
    bad = flat[0].copy()
    bad[3, 3] = np.nan
    for data, says in (
        (bad, "NaN or infinite"),
        (flat[0][:, :10], "do not fit"),
        (np.zeros((0, 64)), "no samples"),
        ({"other": flat[0]}, "named"),
        (7, "do not fit"),
    ):
        with pytest.raises(CalibrationError, match=says):
            calibrate_ranges(qat, data)
    for old, new in zip(before, qat.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ModelError, match="not quantized"):
        calibrate_ranges(adopt(mlp(keras3())), flat[0])


def test_zeros_stay_while_training(mlp, flat):
    model = mlp(keras3())
    sparse = prune(model, PolynomialDecay(0.0, 0.8, 0, 8, frequency=2))
    sparse.compile("adam", LOSS)
    sparse.fit(*flat, batch_size=64, verbose=0)
    zeros = {row.name: row.zeros for row in sparsity(sparse).layers}
    for start, preserve, kept in (
        (sparse, None, True),
        (sparse, "sparsity", True),
        (sparse, (), False),
        (model, None, False),
    ):
        qat = quantize(start, preserve=preserve, calibration=flat[0])
        assert bool(quantization_of(qat).keeps_zeros) is kept
        qat.compile(keras3().optimizers.AdamW(1e-2, weight_decay=1e-3), LOSS)
        qat.fit(*flat, batch_size=64, epochs=2, verbose=0)
        assert ({row.name: row.zeros for row in sparsity(qat).layers} == zeros) is kept


def test_zeros_stay_before_relu_layers_and_concatenate(flat):
    keras = keras3()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1))
    a = keras.layers.ReLU()(keras.layers.Conv2D(4, 3, name="a")(inputs))
    b = keras.layers.Conv2D(4, 3, name="b")(inputs)
    x = keras.layers.Flatten()(keras.layers.Concatenate()([a, b]))
    x = keras.layers.ReLU()(keras.layers.Dense(8, name="c")(x))
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax", name="d")(x))
    for name in "abcd":
        kernel = model.get_layer(name).kernel
        kernel.assign(np.where(np.abs(kernel) < np.median(np.abs(kernel)), 0, kernel))
    x = flat[0].reshape(-1, 8, 8, 1)
    qat = quantize(model, calibration=x)
    qat.compile("adam", LOSS)
    qat.fit(x, flat[1], verbose=0)
    assert {row.name: row.sparsity for row in sparsity(qat).layers} == dict.fromkeys("abcd", 0.5)


def _zoo():
    keras, layers = keras3(), keras3().layers

    def rescaled():
        inputs = keras.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, activation="relu", name="c1")(layers.Rescaling(1 / 255)(inputs))
        x = layers.BatchNormalization(name="lone")(x)
        y = layers.Conv2D(4, 3, padding="same", activation="hard_silu", name="c2")(x)
        x = layers.Flatten()((x * 2.0 + y) * y)
        return keras.Model(inputs, layers.Dense(3, name="head")(x))

    def separable():
        inputs = keras.Input((9, 9, 3))
        x = layers.SeparableConv2D(6, 3, strides=2, padding="same", name="s1")(inputs)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.SeparableConv2D(4, 3, depth_multiplier=2, activation="relu", name="s2")(x)
        return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))

    def one_axis():
        inputs = keras.Input((20, 4), name="series")
        x = layers.Conv1D(8, 3, strides=2, name="c1")(inputs)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        y = layers.SeparableConv1D(8, 3, padding="same", name="c2")(x)
        x = layers.MaxPooling1D(2)(layers.Add()([x, y]))
        x = layers.Conv1D(8, 2, padding="causal", dilation_rate=2, activation="relu", name="c3")(x)
        return keras.Model(inputs, layers.Conv1D(3, 1, name="steps")(x))

    def mixed():
        inputs = keras.Input((12, 4))
        x = layers.LSTM(6, return_sequences=True)(layers.Conv1D(6, 3)(inputs))
        x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 3)(x, x))
        return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))

    def nested():
        body = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="relu")])
        inputs = [keras.Input((6,), name="a"), keras.Input((6,), name="b")]
        x = layers.Concatenate()([body(inputs[0]), body(inputs[1])])
        return keras.Model(inputs, {"p": layers.Dense(2, name="p")(x), "q": layers.Dense(1)(x)})

    makers = (rescaled, separable, one_axis, mixed, nested)
    return {make.__name__: make for make in makers}


FLOAT = {
    "rescaled": set(),
    "separable": set(),
    "one_axis": set(),
    "mixed": {"LSTM", "MultiHeadAttention", "LayerNormalization"},
    "nested": set(),
}


@pytest.mark.parametrize("name", FLOAT)
def test_every_architecture_is_quantized_close_to_float(name):
    keras3().utils.set_random_seed(3)
    model = _zoo()[name]()
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(64, *t.shape[1:])).astype("float32") for t in model.inputs]
    x = x if len(x) > 1 else x[0]
    plain = adopt(model)
    lifted = lowered(plain)
    assert lifted.output_names == plain.output_names
    same, ours = (tf.nest.flatten(m.predict(x, verbose=0)) for m in (adopt(model), lifted))
    for a, b in zip(same, ours, strict=True):
        close(a, b)
    stay = Plan(lifted).reasons
    assert {type(lifted.get_layer(n)).__name__ for n in stay} == FLOAT[name]
    qat = quantize(model, calibration=x)
    assert qat.output_names == plain.output_names
    assert set(quantization_of(qat).float_layers) == set(stay)
    for a, b in zip(same, tf.nest.flatten(qat.predict(x, verbose=0)), strict=True):
        assert np.abs(a - b).max() < 0.06 * np.abs(a).max()
    qat.compile("sgd", "mse")
    qat.fit(x, tf.nest.pack_sequence_as(qat.output, [np.asarray(a) for a in same]), verbose=0)


def test_excluded_layers_stay_in_float(mlp):
    qat = quantize(mlp(keras3()), exclude="hidden")
    report = quantization_of(qat)
    assert report.quantized == ("head",) and report.float_layers == {"hidden": "Dense"}
    assert "kernel_min" not in str([w.name for w in qat.get_layer("hidden").weights])


def test_bad_input_is_refused(mlp):
    model = mlp(keras3())
    with pytest.raises(ArgumentError, match="preserve='clusters'"):
        quantize(model, preserve=("clusters",))
    with pytest.raises(ArgumentError, match="preserve='zeros'"):
        quantize(model, preserve=("zeros",))
    with pytest.raises(ArgumentError, match="matches no layer"):
        quantize(model, exclude="nothing")
    with pytest.raises(ModelError, match="quantized already"):
        quantize(quantize(model))
    with pytest.raises(ModelError, match="no layer that can be quantized"):
        quantize(model, exclude=".*")
    with pytest.raises(ModelError, match="not quantized"):
        quantization_of(model)
    with pytest.raises(ModelError):
        quantize(None)


def test_int8_file_agrees_and_keeps_the_zeros(trained, digits, tmp_path):
    sparse = prune(trained, ConstantSparsity(0.8, 0))
    sparse.compile("adam", LOSS)
    sparse.fit(*digits[:2], batch_size=64, epochs=2, verbose=0)
    qat = quantize(sparse, calibration=digits[0][:200])
    qat.compile("adam", LOSS)
    qat.fit(*digits[:2], batch_size=64, verbose=0)
    qat.save(tmp_path / "qat.keras")
    x = np.concatenate([digits[0], digits[2]])
    np.save(tmp_path / "x.npy", x)
    script = Path(__file__).with_name("flatbuffer.py")
    command = [sys.executable, script, *(tmp_path / n for n in ("qat.keras", "x.npy", "out.npz"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    found = np.load(tmp_path / "out.npz")
    close(found["qat"], qat.predict(x, verbose=0))
    assert np.mean(found["outputs"].argmax(1) == found["qat"].argmax(1)) >= 0.995
    for row in sparsity(qat).layers:
        assert np.count_nonzero(found[row.name] == 0) >= row.zeros
