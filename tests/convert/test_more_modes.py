"""16-bit activations, weights alone in few bits, and runtimes that a file is meant for."""

import numpy as np
import pytest

import tfedge
from tfedge.convert.conversion import Conversion
from tfedge.convert.modes import MODES
from tfedge.convert.runtimes import on_runtimes
from tfedge.convert.signature import signature_of
from tfedge.errors import ArgumentError, ConversionError, MissingPackageError, ModelError
from tfedge.evaluate import layer_outputs


def accuracy(model, digits):
    return tfedge.evaluate(model, *digits, verbose=0).accuracy


@pytest.mark.parametrize("observer", ["minmax", "percentile", "tflite", "auto"])
def test_sixteen_bits_are_nearly_float(cnn, digits, observer):
    lite = tfedge.convert(cnn, "int16x8", digits[0], observer=observer)
    assert {tensor.dtype for tensor in (*lite.inputs, *lite.outputs)} == {"int16"}
    assert lite.float_operators == ()
    assert {item.numeric_type for item in lite.operators if item.name == "CONV_2D"} == {"int16x8"}
    finer = lite.notes["parity"].sqnr_db
    assert finer > tfedge.convert(cnn, "int8", digits[0]).notes["parity"].sqnr_db
    assert accuracy(lite, digits) == pytest.approx(accuracy(cnn, digits), abs=0.005)


def test_sixteen_bit_ranges_are_symmetric_and_those_of_the_rule(cnn, digits):
    lite = tfedge.convert(cnn, "int16x8", digits[0], calibration_samples=len(digits[0]))
    (conv,) = [item for item in lite.operators if item.name == "CONV_2D"]
    tensor = lite.tensors()[conv.outputs[0]]
    relu = layer_outputs(cnn, digits[0])["relu"]
    assert tensor.zero_point == 0
    assert tensor.scale == pytest.approx(relu.max() / 32767, rel=1e-3)


def test_types_at_the_border_of_sixteen_bits(cnn, digits):
    lite = tfedge.convert(cnn, "int16x8", digits[0], input_type="float32", output_type="float32")
    assert (lite.inputs[0].dtype, lite.outputs[0].dtype) == ("float32", "float32")
    with pytest.raises(ArgumentError, match=r"input_type='int8'.*quantize='int8'"):
        tfedge.convert(cnn, "int16x8", digits[0], input_type="int8")
    with pytest.raises(ArgumentError, match=r"output_type='int16'.*quantize='int16x8'"):
        tfedge.convert(cnn, "int8", digits[0], output_type="int16")


def test_a_model_trained_with_eight_bits_is_not_made_sixteen(cnn, digits):
    qat = tfedge.quantize(cnn, calibration=digits[0][:50])
    with pytest.raises(ModelError, match="fake quantization to 8 bits"):
        tfedge.convert(qat, "int16x8", digits[0])


@pytest.mark.parametrize("bits", [8, 4])
def test_weights_are_rounded_with_one_scale_for_each_output_channel(keras, bits):
    """The file computes what NumPy does with weights that NumPy rounded."""
    model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(64, name="head")])
    kernel = np.asarray(model.get_layer("head").kernel)
    scale = np.abs(kernel).max(0) / (2 ** (bits - 1) - 1)
    x = np.random.default_rng(0).normal(size=(40, 32)).astype("float32")
    expected = x @ (np.rint(kernel / scale) * scale)
    lite = tfedge.convert(model, f"int{bits}_weights")
    np.testing.assert_allclose(lite.predict(x), expected, atol=1e-5)
    assert lite.notes["weights"] == {f"int{bits}": kernel.size}


def test_weights_in_few_bits_keep_accuracy_and_shrink_files(cnn, digits):
    sizes = [
        tfedge.convert(cnn, mode, parity=False).size_bytes
        for mode in ("float32", "int8_weights", "int4_weights")
    ]
    assert sizes == sorted(sizes, reverse=True)
    small = tfedge.convert(cnn, "int4_weights")
    assert accuracy(small, digits) > accuracy(cnn, digits) - 0.02


def test_weights_that_have_no_form_of_four_bits_stay_float(keras):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.DepthwiseConv2D(3), layers.Conv2D(64, 1), layers.Flatten()]
    )
    kept = tfedge.convert(model, "int4_weights").notes["weights"]
    assert kept == {"int4": 4 * 64, "float32": 9 * 4}


def test_names_of_inputs_and_outputs_stay(two_in_two_out):
    plain, small = (tfedge.convert(two_in_two_out, mode) for mode in ("float32", "int8_weights"))
    for end in ("inputs", "outputs"):
        names = [{tensor.name for tensor in getattr(lite, end)} for lite in (plain, small)]
        assert names[0] == names[1]


def test_the_missing_package_is_named(cnn, monkeypatch):
    monkeypatch.setattr("tfedge.convert.weights._PACKAGE", "no_such_package")
    with pytest.raises(MissingPackageError, match=r"int4_weights.*tfedge\[weights\]"):
        tfedge.convert(cnn, "int4_weights")


BOTH = pytest.mark.skipif(
    "tflite-runtime" not in tfedge.available_runtimes(), reason="needs tflite-runtime"
)


@BOTH
@pytest.mark.parametrize("mode", ["float32", "dynamic", "int8", "int16x8", "int8_weights"])
def test_files_are_checked_where_they_are_to_run(cnn, digits, mode):
    lite = tfedge.convert(cnn, mode, digits[0], runtimes=("litert", "tflite-runtime"))
    for record in lite.notes["runtimes"]:
        truth = tfedge.compare(
            cnn, lite, digits[0][:200], runtime=record.runtime, latency=False
        ).sqnr_db
        assert record.sqnr_db == pytest.approx(truth, abs=12)
        assert record.agreement > 0.96


@BOTH
def test_a_runtime_that_cannot_run_a_file_is_named(cnn):
    with pytest.raises(ConversionError, match="does not run on tflite-runtime"):
        tfedge.convert(cnn, "int4_weights", runtimes=("litert", "tflite-runtime"))
    assert tfedge.convert(cnn, "int4_weights", runtimes="litert").notes["runtimes"]


@BOTH
def test_a_runtime_that_is_silently_wrong_is_named(cnn, digits):
    from ai_edge_quantizer import quantizer, recipe

    rewriter = quantizer.Quantizer(bytearray(tfedge.convert(cnn).content))
    rewriter.load_quantization_recipe(recipe.dynamic_wi4_afp32())
    wrong = tfedge.TFLiteModel(bytes(rewriter.quantize().quantized_model), "wrong")
    conversion = Conversion(cnn, "wrong", MODES["dynamic"], signature_of(cnn, 1, None, None), None)
    x = {conversion.signature.inputs[0].name: digits[0][:32]}
    assert on_runtimes(wrong, conversion, ("litert",), x).notes["runtimes"]
    with pytest.raises(ConversionError, match=r"loads on tflite-runtime.*wrong values"):
        on_runtimes(wrong, conversion, ("litert", "tflite-runtime"), x)


def test_runtimes_are_named_rightly(cnn):
    with pytest.raises(ArgumentError, match="iree"):
        tfedge.convert(cnn, runtimes=("iree",))
    with pytest.raises(ArgumentError, match="names no runtime"):
        tfedge.convert(cnn, runtimes="auto")
