import pytest

from tfedge.core import openers
from tfedge.core.errors import ModelError


def test_kind_is_the_suffix_or_a_saved_model(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    assert openers.kind_of(tmp_path) == openers.SAVED_MODEL
    assert openers.kind_of("a/b.TFLITE") == ".tflite"


def test_the_registered_function_opens_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(openers, "_OPENERS", {".txt": "pathlib:Path.read_text"})
    (tmp_path / "a.txt").write_text("content")
    assert openers.open_path(tmp_path / "a.txt") == "content"


def test_missing_and_unknown_files_are_named(tmp_path):
    with pytest.raises(ModelError, match="No model file"):
        openers.open_path(tmp_path / "none.tflite")
    (tmp_path / "a.doc").touch()
    with pytest.raises(ModelError, match="not a kind of model file"):
        openers.open_path(tmp_path / "a.doc")
