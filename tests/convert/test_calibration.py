"""Calibration data in every form; bad data is refused before anything is converted."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.convert.inputs import input_specs
from tfedge.convert.representative import representative_samples
from tfedge.errors import CalibrationError
from tfedge.models.flavours import keras3, tf_keras, tfmot

X = np.random.default_rng(0).random((50, 6), "float32")
Y = np.arange(50) % 3


class Batches(keras3().utils.PyDataset):
    """A Keras 3 sequence of labelled batches."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[10 * index : 10 * index + 10], Y[10 * index : 10 * index + 10]


class OldBatches(tf_keras().utils.Sequence):
    """A tf_keras sequence of labelled batches."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[10 * index : 10 * index + 10], Y[10 * index : 10 * index + 10]


def generated():
    """Single labelled samples."""
    yield from zip(X, Y, strict=True)


FORMS = {
    "array": lambda: X,
    "float64": lambda: X.astype("float64"),
    "pair": lambda: (X, Y),
    "dict": lambda: {"x": X},
    "list of one": lambda: [X],
    "dataset": lambda: tf.data.Dataset.from_tensor_slices(X).batch(7),
    "dataset with labels": lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(7),
    "dataset of samples": lambda: tf.data.Dataset.from_tensor_slices((X, Y)),
    "endless dataset": lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(7).repeat(),
    "dataset of dicts": lambda: tf.data.Dataset.from_tensor_slices({"x": X}).batch(7),
    "generator": generated,
    "function": lambda: generated,
    "sequence": Batches,
    "old sequence": OldBatches,
}


def specs(shape=(6,), dtype="float32"):
    """The input of a small model."""
    return [tf.TensorSpec((None, *shape), dtype, "x")]


@pytest.mark.filterwarnings("ignore:.*super.*__init__:UserWarning")
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_samples(form):
    found = representative_samples(FORMS[form](), specs(), limit=50)
    assert list(found) == ["x"]
    assert found["x"].dtype == np.float32
    np.testing.assert_allclose(found["x"][:50], X, rtol=1e-6)


def test_whole_arrays_are_sampled_over_their_length():
    ordered = np.arange(1000, dtype="float32")[:, None]
    found = representative_samples(ordered, specs((1,)), limit=5)["x"][:, 0]
    np.testing.assert_array_equal(found, [0, 250, 500, 749, 999])


def test_streams_are_read_no_further_than_needed():
    drawn = []

    def endless():
        while True:
            drawn.append(1)
            yield np.zeros((10, 6), "float32")

    assert len(representative_samples(endless(), specs(), limit=25)["x"]) == 25
    assert len(drawn) == 3


def test_several_inputs_go_by_name(two_in_two_out):
    left, right = np.random.default_rng(0).random((40, 4)), np.full((40, 3), 5.0)
    lite = tfedge.convert(two_in_two_out, "int8", {"right": right, "left": left})
    scales = {tensor.name: tensor.scale for tensor in lite.inputs}
    assert len(scales) == 2
    expected = two_in_two_out([left, right])
    by_name = lite.predict(dict(zip(["left", "right"], [left, right], strict=True)))
    for name, tensor in zip(by_name, expected, strict=True):
        assert np.abs(by_name[name] - np.asarray(tensor)).max() < 0.15, name


def test_whole_numbers_stay_whole():
    found = representative_samples(np.arange(12).reshape(4, 3), specs((3,), "int32"), 4)
    assert found["x"].dtype == np.int32
    with pytest.raises(CalibrationError, match=r"0\.5.*sample 1"):
        representative_samples(np.array([[0.0], [0.5]]), specs((1,), "int32"), 4)


BAD = {
    "shape": (np.zeros((5, 7), "float32"), r"\(5, 7\) found"),
    "nan": (np.full((5, 6), np.nan), "nan in sample 0"),
    "infinity": (np.full((5, 6), np.inf), "inf in sample 0"),
    "empty array": (np.zeros((0, 6)), "no samples"),
    "empty dataset": (tf.data.Dataset.from_tensor_slices(X).take(0), "no samples"),
    "used generator": (iter(()), "no samples"),
    "text": (np.array([["a"] * 6]), "numbers expected"),
    "names": ({"y": X}, r"inputs are \['x'\]"),
    "number": (3.5, "float"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_refused(case):
    data, message = BAD[case]
    with pytest.raises(CalibrationError, match=message):
        representative_samples(data, specs(), limit=10)


def test_refusals_reach_the_user_before_conversion(cnn, digits, monkeypatch):
    monkeypatch.setattr("tfedge.convert.conversion.dispatch", None)
    with pytest.raises(CalibrationError, match=r"\(samples, 8, 8, 1\) expected"):
        tfedge.convert(cnn, "int8", digits[0][..., 0])


def test_wrong_scale_is_told_by_batch_normalization(cnn, digits):
    with pytest.warns(UserWarning, match="root mean square") as caught:
        tfedge.convert(cnn, "int8", digits[0] * 255, parity=False)
    assert "[0, 255]" in str(caught[0].message)


def test_wrong_scale_is_told_by_the_range_that_training_learned(cnn, digits):
    qat = tfedge.quantize(cnn, calibration=digits[0][:100])
    with pytest.warns(UserWarning, match=r"Training saw \[0, 1\]"):
        tfedge.convert(qat, "int8", digits[0] * 255, parity=False)


@pytest.mark.parametrize("factor", [1, 255])
def test_layers_that_belong_to_two_models(digits, factor):
    """Raw tfmot's stripped model shares its layers with the model that was wrapped."""
    keras, api = tf_keras(), tfmot().sparsity.keras
    layers = keras.layers
    stack = [keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.BatchNormalization()]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dense(10)])
    model.compile("sgd", "mse")
    model.fit(digits[0][:64], np.zeros((64, 10)), epochs=20, verbose=0)
    stripped = api.strip_pruning(api.prune_low_magnitude(keras.models.clone_model(model)))
    stripped.set_weights(model.get_weights())
    data = factor * digits[0][:64]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tfedge.convert(stripped, "int8", data, parity=False)
    told = [item for item in caught if "root mean square" in str(item.message)]
    assert len(told) == (factor > 1)


def test_raw_pixels_are_recognized(keras):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3))
    with pytest.warns(UserWarning, match="8-bit pixels"):
        tfedge.convert(model, "int8", pixels, parity=False)


def test_raw_pixels_are_right_for_a_model_that_scales(keras):
    layers = [keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3)]
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3))
    tfedge.convert(keras.Sequential(layers), "int8", pixels, parity=False)


def test_specs_of_a_model_name_its_inputs(two_in_two_out):
    found = {spec.name: tuple(spec.shape) for spec in input_specs(two_in_two_out)}
    assert found == {"left": (None, 4), "right": (None, 3)}
