"""What computes: delegates from libraries, compiled models, and what to install."""

import shutil
import subprocess

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, MissingPackageError, ModelError, WorkerError
from tfedge.runtime.accelerators import choose
from tfedge.runtime.accelerators.compiled import CompiledInterpreter
from tfedge.runtime.interpreter import available_runtimes, interpreter_worker, open_interpreter

# A delegate that takes over nothing and says in a file that it was asked.
_DELEGATE = """
#include <stdint.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
typedef struct Delegate {
  void* data;
  int (*prepare)(void* context, struct Delegate* delegate);
  int (*from_buffer)(void); int (*to_buffer)(void); void (*free_buffer)(void);
  int64_t flags;
  void* opaque;
} Delegate;
static int prepare(void* context, Delegate* delegate) {
  FILE* file = fopen("%s", "a");
  fputs("asked ", file);
  if (%d) { signal(SIGALRM, SIG_DFL); ualarm(300000, 0); }
  return fclose(file);
}
Delegate* tflite_plugin_create_delegate(char** keys, char** values, size_t count, void* report) {
  Delegate* made = calloc(1, sizeof(Delegate));
  made->prepare = prepare;
  made->flags = %d;
  return made;
}
void tflite_plugin_destroy_delegate(Delegate* delegate) { free(delegate); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The library of a delegate that allows open sizes, and the file in which it leaves a note."""
    return build(tmp_path_factory.mktemp("delegate"), flags=1)


def build(folder, flags, dies=False):
    """Compile a delegate, or skip; one that ``dies`` takes its process along in 0.3 s."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    note, source, library = (folder / name for name in ("note", "delegate.c", "delegate.so"))
    source.write_text(_DELEGATE % (note, dies, flags))
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True, timeout=60)
    return library, note


@pytest.mark.parametrize("runtime", available_runtimes()[:2])
def test_a_delegate_from_a_library_is_asked(library, load, digits, runtime):
    path, note = library
    lite, x = load("cnn_int8"), digits["x"][:5]
    note.unlink(missing_ok=True)
    runner = tfedge.Runner(lite, runtime, accelerator=path)
    found = runner.predict(x)
    assert note.read_text().startswith("asked")
    assert runner.accelerator == str(path)
    np.testing.assert_array_equal(found, lite.predict(x, runtime=runtime))
    note.unlink()
    lite.predict(x, runtime=runtime)
    assert not note.exists(), "the CPU's session is another one"


@pytest.mark.filterwarnings("ignore::tfedge.errors.NoisyTimingWarning")
def test_a_delegate_in_evaluate_and_benchmark(library, load, digits):
    path, note = library
    lite, x, y = load("cnn_int8"), digits["x"][:50], digits["y"][:50]
    here = tfedge.evaluate(lite, x, y, verbose=0)
    assert tfedge.evaluate(lite, x, y, verbose=0, accelerator=path).metrics == here.metrics
    note.unlink(missing_ok=True)
    record = tfedge.benchmark(lite, runs=20, verbose=0, accelerator=path)
    assert note.exists()
    assert record.accelerator == str(path)
    assert str(path) in repr(record)


def test_a_device_that_dies_in_the_middle_of_a_run_harms_nobody(load, digits, tmp_path):
    path, _ = build(tmp_path, flags=1, dies=True)
    lite, x = load("cnn_int8"), digits["x"][:200]
    expected = lite.predict(x)
    with tfedge.Runner(lite, accelerator=path) as runner:
        with pytest.raises(WorkerError, match=r"'cnn_int8' failed on .*SIGALRM"):
            for _ in range(10_000):
                runner.predict(x)
        np.testing.assert_array_equal(runner.predict(x[:5]), expected[:5])
    interpreter_worker(runner.runtime).close()  # where the next alarm is set
    np.testing.assert_array_equal(lite.predict(x), expected)


def test_a_delegate_that_refuses_the_file(load, tmp_path):
    strict, _ = build(tmp_path, flags=0)
    with pytest.raises(ModelError, match=r"refused the file.*constant sizes"):
        load("cnn_int8").predict(np.zeros((1, 8, 8, 1)), accelerator=strict)


def test_what_is_no_delegate(load, tmp_path):
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(
        ModelError, match=r"text.so' cannot be loaded: .*invalid ELF|file too short"
    ):
        load("cnn_int8").predict(np.zeros((1, 8, 8, 1)), accelerator=text)
    with pytest.raises(ArgumentError, match=r"'none.so' is not known and no file"):
        load("cnn_int8").predict(np.zeros((1, 8, 8, 1)), accelerator="none.so")


def test_the_edge_tpu_says_what_to_install(load, monkeypatch):
    monkeypatch.setattr(choose.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(MissingPackageError, match="libedgetpu1-std"):
        tfedge.Runner(load("cnn_int8"), accelerator="edgetpu")
    found = {"edgetpu": "libedgetpu.so.1"}
    monkeypatch.setattr(choose.ctypes.util, "find_library", found.get)
    assert tfedge.Runner(load("cnn_int8"), accelerator="edgetpu").accelerator == "libedgetpu.so.1"


@pytest.mark.parametrize("accelerator", ["gpu", "npu"])
def test_compiled_models_need_litert(load, accelerator):
    for runtime in set(available_runtimes()) - {"litert"}:
        with pytest.raises(ArgumentError, match="CompiledModel"):
            tfedge.Runner(load("cnn_int8"), runtime, accelerator=accelerator)


def test_a_gpu_computes_the_same_or_says_that_there_is_none(load, digits):
    lite, x = load("cnn_float"), digits["x"][:3]
    try:
        found = lite.predict(x, runtime="litert", accelerator="gpu")
    except ModelError as error:
        assert "cannot compile this file for accelerator='gpu'" in str(error)
        assert "accelerator='cpu'" in str(error)
    else:
        np.testing.assert_allclose(found, lite.predict(x), atol=1e-2)


@pytest.mark.parametrize("name", ["cnn_float", "cnn_int8", "two_by_two", "cnn_int8_float_io"])
def test_a_compiled_model_is_an_interpreter(load, tflite_files, name):
    path = str(tflite_files / f"{name}.tflite")
    plain, reader = open_interpreter("litert", path), open_interpreter("litert", path)
    plain.allocate_tensors()
    compiled = CompiledInterpreter(reader, load(name).content, "cpu", 1)
    compiled.allocate_tensors()
    rng = np.random.default_rng(0)
    for _ in range(3):
        for item in plain.get_input_details():
            value = (100 * rng.random(item["shape"])).astype(item["dtype"])
            plain.set_tensor(item["index"], value)
            compiled.set_tensor(item["index"], value)
        plain.invoke()
        compiled.invoke()
        for item in plain.get_output_details():
            found, expected = compiled.get_tensor(item["index"]), plain.get_tensor(item["index"])
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_compiled_model_keeps_its_shape(load):
    reader = open_interpreter("litert", load("cnn_float").content)
    compiled = CompiledInterpreter(reader, load("cnn_float").content, "cpu", 1)
    (item,) = compiled.get_input_details()
    compiled.resize_tensor_input(item["index"], (1, 8, 8, 1))
    with pytest.raises(ValueError, match="compiled for"):
        compiled.resize_tensor_input(item["index"], (4, 8, 8, 1))
    with pytest.raises(ModelError, match="states"):
        compiled.reset_all_variables()
