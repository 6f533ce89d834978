"""Learned rounding of whole models: better than the nearest, and what is learned is in the file."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.compress.quantization.ranges import set_kernel_ranges
from tfedge.compress.quantization.rounding.fused import after_product
from tfedge.compress.quantization.rounding.learn import learn_rounding
from tfedge.core.errors import ArgumentError, CalibrationError, ModelError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.graph import read_graph
from tfedge.models.training.quantized import Quantized

QUICK = {"steps": 150, "verbose": 0}
layers = keras3().layers


def kernels(qat):
    """Return by layer the integers of its kernel, and their range."""
    found = {}
    for layer in qat.layers:
        for kernel, scheme, state in getattr(layer, "_weight_vars", ()):
            size = state["max_var"].numpy() / (2 ** (scheme.bits - 1) - 1)
            if scheme.axes:
                size = size.reshape([kernel.shape[axis] for axis in scheme.axes])
            found[layer.name] = kernel.numpy() / size, state["max_var"].numpy()
    return found


def error(model, x, expected):
    """Return the squared error of a model's outputs."""
    return float(np.mean((model.predict(x, verbose=0) - expected) ** 2))


@pytest.fixture(scope="module")
def narrow(trained, digits):
    """The trained CNN with 4-bit kernels, its float outputs, and 256 samples."""
    x = digits[0][:256]
    qat = tfedge.quantize(trained, calibration=x, layers={".*": {"weight_bits": 4}})
    return qat, trained.predict(digits[2], verbose=0), x


@pytest.fixture(scope="module")
def rounded(narrow, digits):
    """The same with learned rounding, its errors before and after, and what was learned."""
    qat, expected, x = narrow
    before = error(qat, digits[2], expected)
    found = learn_rounding(qat, x, **QUICK)
    return qat, before, error(qat, digits[2], expected), found


def test_four_bits_come_nearer_to_the_float_model(rounded):
    _, before, after, found = rounded
    assert after < 0.4 * before
    assert [one.layer for one in found] == ["conv1", "conv2", "head"]
    for one in found:
        assert one.bits == 4 and one.error_learned < 0.7 * one.error_nearest
        assert 0.03 < one.changed < 0.5


def test_kernels_lie_on_integers_and_their_ranges_do_not_move(rounded):
    qat = rounded[0]
    before = kernels(qat)
    for name, (codes, _) in before.items():
        assert np.abs(codes - np.round(codes)).max() < 1e-4, name
        assert np.abs(np.round(codes)).max() == 7, name
    set_kernel_ranges(qat)
    for name, (_, largest) in kernels(qat).items():
        assert np.allclose(largest, before[name][1], rtol=1e-6), name


def test_the_file_holds_the_learned_integers(rounded, digits):
    qat = rounded[0]
    lite = tfedge.convert(qat, "int8")
    learned = {name: np.round(codes).astype(int) for name, (codes, _) in kernels(qat).items()}
    stored = [codes for tensor, codes in lite.stored() if tensor.dtype == "int8"]
    for name, order in (("conv1", (3, 0, 1, 2)), ("conv2", (3, 0, 1, 2)), ("head", (1, 0))):
        expected = learned[name].transpose(order)
        [found] = [codes for codes in stored if codes.shape == expected.shape]
        assert np.array_equal(found, expected), name
    assert tfedge.compare(qat, lite, digits[2], latency=False).agreement > 0.99


def _every_kind():
    """Return a small network of every kind of kernel."""
    x = inputs = layers.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="plain")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="norm")(x))
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x)
    x = layers.Conv2D(8, 1, groups=2, activation="relu", name="grouped")(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="transposed")(x)
    x = layers.Activation("swish")(x)
    twice = layers.Conv2D(6, 1, name="twice")
    x = layers.Flatten()(layers.Add()([twice(x), twice(layers.ReLU()(x))]))
    return keras3().Model(inputs, layers.Dense(4, activation="softmax", name="head")(x))


@pytest.mark.parametrize("bits", [2, 8])
def test_every_kind_of_kernel_is_learned(bits):
    keras3().utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 2)).astype("float32")
    model = _every_kind()
    qat = tfedge.quantize(model, calibration=x, layers={".*": {"weight_bits": bits}})
    twice = qat.get_layer("twice").layer.kernel.numpy()
    found = learn_rounding(qat, x, **QUICK)
    assert [one.layer for one in found] == ["plain", "depthwise", "grouped", "transposed", "head"]
    assert all(one.error_learned <= one.error_nearest for one in found)
    assert sum(one.error_learned for one in found) < 0.9 * sum(one.error_nearest for one in found)
    for name, (codes, _) in kernels(qat).items():
        assert name == "twice" or np.abs(codes - np.round(codes)).max() < 1e-3, name
    assert np.array_equal(qat.get_layer("twice").layer.kernel.numpy(), twice)


def test_product_and_what_follows_are_what_the_layers_make():
    keras3().utils.set_random_seed(0)
    model = _every_kind()
    rng = np.random.default_rng(0)
    norm = model.get_layer("norm")
    norm.set_weights([rng.uniform(-1, 2, weight.shape) ** 2 for weight in norm.get_weights()])
    qat = tfedge.quantize(model)
    step = next(one for one in read_graph(qat).steps if one.name == "plain")
    scale, shift, ends = after_product(read_graph(qat), step)
    x = rng.normal(size=(4, 8, 8, 2)).astype("float32")
    product = model.get_layer("plain")(x)
    expected = tf.nn.relu6(norm(product, training=False))
    assert np.allclose(np.clip(product * scale + shift, *ends), expected, atol=1e-5)


def test_kept_zeros_stay_and_shared_values_are_left_alone(trained, digits):
    x = digits[0][:128]
    sparse = tfedge.prune(trained, tfedge.ConstantSparsity(0.5, 0))
    sparse.compile("sgd", "sparse_categorical_crossentropy")
    sparse.fit(x, digits[1][:128], epochs=1, verbose=0)
    qat = tfedge.quantize(sparse, calibration=x, preserve="sparsity")
    zeros = {name: codes == 0 for name, (codes, _) in kernels(qat).items()}
    assert zeros["conv2"].mean() > 0.45
    learn_rounding(qat, x, **QUICK)
    assert all(np.all(kernels(qat)[name][0][places] == 0) for name, places in zeros.items())
    tfedge.convert(qat, "int8", parity=False)
    shared = tfedge.quantize(tfedge.cluster(trained, 8), calibration=x, preserve="clusters")
    before = shared.get_weights()
    with pytest.raises(ModelError, match="no kernel whose rounding"):
        learn_rounding(shared, x, **QUICK)
    assert all(map(np.array_equal, before, shared.get_weights()))


def test_data_in_any_form_give_the_same(digits, mlp):
    keras3().utils.set_random_seed(0)
    a, b = layers.Input((6,), name="a"), layers.Input((4,), name="b")
    joined = layers.Concatenate()([layers.Dense(5, "relu", name="left")(a), b])
    inner = keras3().Sequential([layers.Input((9,)), layers.Dense(3, name="inside")])
    model = keras3().Model([a, b], inner(joined))
    rng = np.random.default_rng(0)
    x = {"b": rng.random((64, 4), "float32"), "a": rng.random((64, 6), "float32")}
    qat = tfedge.quantize(model, calibration=x, layers={".*": {"weight_bits": 4}})
    start, made = qat.get_weights(), []
    labels = np.zeros(64)
    for data in (x, [x["a"], x["b"]], tf.data.Dataset.from_tensor_slices((x, labels)).batch(64)):
        qat.set_weights(start)
        assert [one.layer for one in learn_rounding(qat, data, **QUICK)] == ["left", "inside"]
        made.append(qat.get_weights())
    for other in made[1:]:
        assert all(map(np.array_equal, made[0], other))


def test_bad_input_is_refused(trained, digits):
    x = digits[0][:64]
    with pytest.raises(ModelError, match="is not quantized"):
        learn_rounding(trained, x, **QUICK)
    with pytest.raises(ModelError, match="nothing has set"):
        learn_rounding(tfedge.quantize(trained), x, **QUICK)
    qat = tfedge.quantize(trained, calibration=x)
    before = qat.get_weights()
    with pytest.raises(CalibrationError, match="do not fit"):
        learn_rounding(qat, np.ones((8, 5, 5, 1)), **QUICK)
    for wrong in ({"steps": 0}, {"batch_size": 1.5}, {"samples": -1}, {"learning_rate": 0.0}):
        with pytest.raises(ArgumentError, match=next(iter(wrong))):
            learn_rounding(qat, x, **{**QUICK, **wrong})
    assert all(map(np.array_equal, before, qat.get_weights()))


def test_training_goes_on_from_the_integers(rounded, digits):
    qat = rounded[0]
    start = qat.get_weights()
    qat.compile(tf_keras().optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    qat.fit(digits[0][:64], digits[1][:64], verbose=0)
    assert all(isinstance(layer, Quantized) for layer in qat.layers if hasattr(layer, "kernels"))
    for name, (codes, _) in kernels(qat).items():
        assert np.abs(codes - np.round(codes)).max() < 1e-3, name
    qat.set_weights(start)
