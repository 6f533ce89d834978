import errno
import json
import os
import pickle
import shutil
import sys

import numpy as np
import pytest

from tfedge.core.errors import ModelError
from tfedge.runtime.model import TFLiteModel


@pytest.fixture(scope="module")
def load(tflite_files):
    return lambda name: TFLiteModel.load(tflite_files / f"{name}.tflite")


def test_inputs_and_outputs_are_named_as_the_signature_says(load):
    model = load("two_by_two")
    assert {item.name: item.shape for item in model.inputs} == {"left": (1, 6), "right": (1, 3, 2)}
    assert {item.name: item.shape for item in model.outputs} == {"kind": (1, 4), "size": (1, 1)}
    assert model.inputs[0].shape_signature == (-1, 6)
    assert model.inputs[0].scale is None
    assert model.inputs[0].zero_point is None


def test_quantization_of_the_boundary(load):
    model = load("cnn_int8")
    [image], [digit] = model.inputs, model.outputs
    assert (image.dtype, image.zero_point) == ("int8", -128)
    assert image.scale == pytest.approx(1 / 255, rel=1e-3)
    assert (digit.scale, digit.zero_point) == (1 / 256, -128)


@pytest.mark.parametrize(
    ("name", "kind", "floats"),
    [
        ("cnn_float", "float32", True),
        ("cnn_float16", "float32", True),
        ("cnn_int8", "int8", False),
        ("cnn_int8_float_io", "int8", False),
        ("cnn_int16x8", "int16x8", False),
        ("cnn_dynamic", "dynamic-int8", True),
    ],
)
def test_numeric_types_of_operators(load, name, kind, floats):
    model = load(name)
    dense = next(item for item in model.operators if item.name == "FULLY_CONNECTED")
    assert dense.numeric_type == kind
    assert bool(model.float_operators) == floats
    assert "DELEGATE" not in {item.name for item in model.operators}


def test_conversions_are_no_float_operators(load):
    kinds = {item.name: item.numeric_type for item in load("cnn_int8_float_io").operators}
    assert kinds["QUANTIZE"] == "float32->int8"
    assert kinds["DEQUANTIZE"] == "int8->float32"


def test_weights_are_what_was_stored(load, tflite_files):
    values = load("fixed_reshape").weights()
    expected = np.load(tflite_files / "function_weights.npy")
    assert any(np.array_equal(value, expected.T) for value in values.values())
    kinds = {value.dtype.name for value in load("cnn_int8").weights().values()}
    assert kinds == {"int8", "int32"}


def test_sparse_weights_come_back_dense_and_zeros_are_zeros(load, tflite_files):
    kernel = np.load(tflite_files / "sparse_kernel.npy")
    [value] = load("sparse").weights().values()
    np.testing.assert_array_equal(value, kernel.T)
    assert np.mean(value == 0) == pytest.approx(0.9, abs=0.01)


def test_states_are_told_from_weights(load):
    states = [item for item in load("lstm").tensors() if item.variable]
    assert [item.shape for item in states] == [(1, 6), (1, 6)]
    assert not any(item.constant for item in states)


def test_sizes_and_plain_data(load, tflite_files):
    model = load("cnn_int8")
    assert model.size_bytes == (tflite_files / "cnn_int8.tflite").stat().st_size
    assert 0 < model.gzip_bytes < model.size_bytes
    plain = json.loads(model.to_json())
    assert plain["name"] == "cnn_int8"
    assert plain["inputs"][0]["shape"] == [1, 8, 8, 1]
    assert "content" not in plain


def test_equality_is_that_of_the_bytes(load):
    model = load("cnn_int8")
    same = TFLiteModel(model.content, "other", {"mode": "int8"})
    assert model == same
    assert hash(model) == hash(same)
    assert model != load("cnn_float")
    assert model != "cnn_int8"


def test_notes_travel_and_the_object_is_frozen(load):
    model = TFLiteModel(load("cnn_int8").content, "noted", {"parity": 0.99})
    again = pickle.loads(pickle.dumps(model))
    assert again == model
    assert (again.name, again.notes["parity"]) == ("noted", 0.99)
    assert model.to_dict()["notes"] == {"parity": 0.99}
    with pytest.raises(AttributeError):
        model.name = "x"
    with pytest.raises(TypeError):
        model.notes["parity"] = 1


@pytest.mark.parametrize("name", ["cnn_int8", "cnn_float16", "two_by_two"])
def test_repr_fits_a_terminal_and_says_what_matters(load, name):
    text = repr(load(name))
    assert max(map(len, text.splitlines())) <= 80
    assert name in text
    assert "FULLY_CONNECTED" in text
    assert load(name).inputs[0].name in text


def test_save_and_load(load, tmp_path):
    model = load("cnn_int8")
    path = model.save(tmp_path / "copy.tflite")
    assert TFLiteModel.load(path) == model
    assert TFLiteModel.load(str(path)).name == "copy"
    assert [item.name for item in tmp_path.iterdir()] == ["copy.tflite"]


def test_saving_replaces_whole_files_only(load, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"what was here")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="No space left"):
        load("cnn_int8").save(path)
    assert path.read_bytes() == b"what was here"
    assert [item.name for item in tmp_path.iterdir()] == ["model.tflite"]


def test_destinations_that_cannot_be_written(load, tmp_path):
    with pytest.raises(ModelError, match="Cannot write"):
        load("cnn_int8").save(tmp_path / "missing" / "model.tflite")
    folder = tmp_path / "folder.tflite"
    folder.mkdir()
    with pytest.raises(ModelError, match="Cannot write"):
        load("cnn_int8").save(folder)
    assert [item.name for item in tmp_path.iterdir()] == ["folder.tflite"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_folders_that_take_no_files(load):
    with pytest.raises(ModelError, match="Cannot write"):
        load("cnn_int8").save("/proc/model.tflite")


def test_files_that_are_not_there_or_not_files(tmp_path):
    with pytest.raises(ModelError, match="Cannot read"):
        TFLiteModel.load(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="Cannot read"):
        TFLiteModel.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"TFL3", "not a .tflite file"),
        (bytes(100), "not a .tflite file"),
        (os.urandom(1000)[:4] + b"ONNX" + bytes(100), "b'ONNX'"),
        (bytes(4) + b"TFL3" + bytes(100), "bad"),
        (b"\xff\xff\xff\x7fTFL3" + bytes(100), "bad"),
    ],
)
def test_bytes_that_are_no_model(content, message):
    with pytest.raises(ModelError, match=message if message != "bad" else "'model'"):
        TFLiteModel(content)


def test_cut_files_are_refused(load):
    content = load("cnn_int8").content
    for share in (0.1, 0.3, 0.5, 0.9):
        with pytest.raises(ModelError):
            TFLiteModel(content[: int(share * len(content))])


def test_suffix_opens_through_the_front_door(load, tflite_files, tmp_path):
    import tfedge

    shutil.copy(tflite_files / "cnn_int8.tflite", tmp_path / "a.tflite")
    assert tfedge.load(tmp_path / "a.tflite") == load("cnn_int8")
