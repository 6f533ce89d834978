"""Every mode gives a file that computes what the model does."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.errors import ArgumentError, CalibrationError


def raw_signature(model):
    """Inputs and outputs that TensorFlow's own converter names."""
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    lite = tfedge.TFLiteModel(content)
    return {tensor.name for tensor in lite.inputs}, {tensor.name for tensor in lite.outputs}


@pytest.mark.parametrize(
    ("mode", "tolerance"), [("float32", 1e-5), ("float16", 2e-3), ("dynamic", 5e-2), ("int8", 0.1)]
)
def test_outputs_are_the_models(cnn, digits, mode, tolerance):
    x = digits[0][:64]
    lite = tfedge.convert(cnn, mode, calibration=digits[0] if mode == "int8" else None)
    expected = np.asarray(cnn(x, training=False))
    assert np.abs(lite.predict(x) - expected).max() < tolerance
    assert lite.notes["quantize"] == mode
    assert lite.notes["parity"].samples == 32


def test_smaller_modes_make_smaller_files(cnn, digits):
    sizes = [
        tfedge.convert(cnn, mode, calibration=digits[0], parity=False).size_bytes
        for mode in ("float32", "float16", "int8")
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_int8_has_integer_inputs_outputs_and_operators(cnn, digits):
    lite = tfedge.convert(cnn, "int8", calibration=digits[0])
    assert {tensor.dtype for tensor in (*lite.inputs, *lite.outputs)} == {"int8"}
    assert lite.float_operators == ()
    accuracy = tfedge.evaluate(lite, *digits, verbose=0).accuracy
    assert accuracy > tfedge.evaluate(cnn, *digits, verbose=0).accuracy - 0.01


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_types_at_the_border_can_be_chosen(cnn, digits, kind):
    lite = tfedge.convert(cnn, "int8", digits[0], input_type=kind, output_type=kind)
    assert (lite.inputs[0].dtype, lite.outputs[0].dtype) == (kind, kind)
    assert tfedge.compare(cnn, lite, digits[0][:200], latency=False).agreement > 0.98


def test_signature_names_are_those_of_the_raw_converter(cnn, two_in_two_out):
    for model in (cnn, two_in_two_out):
        lite = tfedge.convert(model, parity=False)
        names = {item.name for item in lite.inputs}, {item.name for item in lite.outputs}
        assert names == raw_signature(model)


def test_batch_size_is_fixed_or_free(cnn, digits):
    fixed = tfedge.convert(cnn, batch_size=4)
    free = tfedge.convert(cnn, batch_size=None)
    assert fixed.inputs[0].shape_signature == (4, 8, 8, 1)
    assert free.inputs[0].shape_signature == (-1, 8, 8, 1)
    expected = np.asarray(cnn(digits[0][:6], training=False))
    for lite in (fixed, free):
        np.testing.assert_allclose(lite.predict(digits[0][:6]), expected, atol=1e-5)


def test_the_users_model_is_left_as_it_was(cnn, digits):
    before = cnn.get_weights(), cnn.to_json(), cnn.optimizer
    tfedge.convert(cnn, "int8", digits[0])
    assert cnn.to_json() == before[1]
    assert cnn.optimizer is before[2]
    for now, then in zip(cnn.get_weights(), before[0], strict=True):
        np.testing.assert_array_equal(now, then)


def test_conversion_is_repeatable(cnn, digits):
    first, second = (tfedge.convert(cnn, "int8", digits[0]) for _ in range(2))
    assert first == second


def test_unknown_settings_are_refused(cnn):
    with pytest.raises(ArgumentError, match="int7"):
        tfedge.convert(cnn, "int7")
    with pytest.raises(ArgumentError, match="input_type"):
        tfedge.convert(cnn, "float16", input_type="int8")
    with pytest.raises(ArgumentError, match="batch_size"):
        tfedge.convert(cnn, batch_size=0)
    with pytest.raises(CalibrationError, match="none was given"):
        tfedge.convert(cnn, "int8")


def test_progress_is_shown_when_asked_for(cnn, digits, capsys):
    tfedge.convert(cnn, "int8", digits[0], name="shown", verbose=1)
    assert "shown: 100%" in capsys.readouterr().err
    tfedge.convert(cnn, "int8", digits[0])
    assert capsys.readouterr().err == ""
