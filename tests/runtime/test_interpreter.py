import subprocess
import sys

import pytest

from tfedge.core.errors import ArgumentError, MissingPackageError
from tfedge.runtime import interpreter
from tfedge.runtime.interpreter import available_runtimes, choose_runtime


def pretend_installed(monkeypatch, *packages):
    """Make only these packages findable."""
    monkeypatch.setattr(
        interpreter.importlib.util, "find_spec", lambda name: name if name in packages else None
    )


def test_nothing_is_imported_to_find_out():
    script = (
        "import sys; from tfedge.runtime.interpreter import available_runtimes as a; a();"
        "print([n for n in ('ai_edge_litert', 'tflite_runtime', 'tensorflow') if n in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_order_of_preference(monkeypatch):
    pretend_installed(monkeypatch, "tensorflow", "tflite_runtime", "ai_edge_litert")
    assert available_runtimes() == ("litert", "tflite-runtime", "tf.lite")
    assert choose_runtime() == "litert"
    assert choose_runtime("tf.lite") == "tf.lite"
    pretend_installed(monkeypatch, "tensorflow", "tflite_runtime")
    assert choose_runtime() == "tflite-runtime"
    pretend_installed(monkeypatch, "tensorflow")
    assert choose_runtime() == "tf.lite"


@pytest.mark.parametrize(
    ("asked", "pip_name"),
    [("auto", "ai-edge-litert"), ("tflite-runtime", "tflite-runtime"), ("tf.lite", "tensorflow")],
)
def test_what_is_missing_is_named_for_pip(monkeypatch, asked, pip_name):
    pretend_installed(monkeypatch)
    with pytest.raises(MissingPackageError, match=f"pip install {pip_name}"):
        choose_runtime(asked)


def test_unknown_names_list_the_known():
    with pytest.raises(ArgumentError, match="tflite-runtime"):
        choose_runtime("onnx")
