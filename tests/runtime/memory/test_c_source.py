"""C source, compiled by the system's compiler, says what the file says."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.micro_operators import MICRO_OPERATORS
from tfedge.runtime.sample import sample_model

C, CPP = (shutil.which(name) for name in ("cc", "c++"))
compiled = pytest.mark.skipif(not (C and CPP), reason="no C and C++ compilers (cc, c++)")

PRINTS = """
#include <stdint.h>
#include <stdio.h>
#include "net.h"
int main(int count, char** words) {
  fprintf(stderr, "{\\"aligned\\": %d, \\"scale\\": %.9g, \\"zero_point\\": %d, \\"bytes\\": %d, "
          "\\"out_scale\\": %.9g, \\"out_zero_point\\": %d, \\"values\\": %d, \\"inputs\\": %d}",
          (int)((uintptr_t)net_data % 16 == 0), (double)NET_INPUT_0_SCALE, NET_INPUT_0_ZERO_POINT,
          NET_INPUT_0_BYTES, (double)NET_OUTPUT_0_SCALE, NET_OUTPUT_0_ZERO_POINT,
          NET_OUTPUT_0_VALUES, NET_INPUTS);
  return fwrite(net_data, 1, net_data_len, stdout) != net_data_len;
}
"""

# Stands in for tflite-micro's header: it counts what is registered.
RESOLVER = """
#pragma once
#include <cstdio>
enum TfLiteStatus { kTfLiteOk = 0 };
#define TF_LITE_ENSURE_STATUS(a) do { const TfLiteStatus s = (a); if (s) return s; } while (0)
namespace tflite {
template <unsigned int kMost>
class MicroMutableOpResolver {
 public:
  %s
 private:
  TfLiteStatus Note(const char* name) { std::puts(name); return kTfLiteOk; }
};
}
"""


def run(command, folder):
    """Compile or run, and return what was printed."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran


@compiled
@pytest.mark.parametrize("ending", [".c", ".cc", ".cpp"])
def test_bytes_and_figures_read_back(load, tmp_path, ending):
    model = load("cnn_int8")
    source, header, _ = model.to_c(tmp_path / f"net{ending}")
    main = tmp_path / f"main{ending}"
    main.write_text(PRINTS)
    strict = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
    compiler = [C, "-std=c11"] if ending == ".c" else [CPP, "-std=c++11"]
    run([*compiler, *strict, "-o", "program", main.name, source.name], tmp_path)
    ran = run([tmp_path / "program"], tmp_path)
    assert ran.stdout == model.content
    found = json.loads(ran.stderr)
    one, out = model.inputs[0], model.outputs[0]
    assert found["aligned"] == 1 and found["inputs"] == 1
    assert np.float32(found["scale"]) == np.float32(one.scale)
    assert np.float32(found["out_scale"]) == np.float32(out.scale)
    assert (found["zero_point"], found["out_zero_point"]) == (one.zero_point, out.zero_point)
    assert (found["bytes"], found["values"]) == (64, 10)
    assert "NET_ACTIVATION_BYTES 1600" in header.read_text()


@compiled
def test_the_operators_of_the_file_are_registered_and_no_others(load, tmp_path):
    model = load("cnn_int8")
    model.to_c(tmp_path / "net.cc")
    methods = "\n  ".join(
        f'TfLiteStatus {name}() {{ return Note("{name}"); }}' for name in MICRO_OPERATORS.values()
    )
    place = tmp_path / "tensorflow" / "lite" / "micro"
    place.mkdir(parents=True)
    (place / "micro_mutable_op_resolver.h").write_text(RESOLVER % methods)
    (tmp_path / "main.cc").write_text(
        '#include "net_ops.h"\nint main() { NetOpResolver r; return NetRegisterOps(r); }\n'
    )
    run([CPP, "-std=c++17", "-I.", "-o", "program", "main.cc"], tmp_path)
    registered = run([tmp_path / "program"], tmp_path).stdout.decode().split()
    assert registered == [MICRO_OPERATORS[name] for name in sorted(set(_names(model)))]
    assert "AddConv2D" in registered and "AddMaxPool2D" in registered


def listed(folder):
    """Names of what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def _names(model):
    return [operator.name for operator in model.operators]


def test_names_are_made_of_the_file_name(tmp_path):
    paths = sample_model().to_c(tmp_path / "2 small-nets.cc")
    text = paths[1].read_text()
    assert "model_2_small_nets_data[]" in text and "MODEL_2_SMALL_NETS_H_" in text
    assert '#include "2 small-nets.h"' in paths[0].read_text()
    assert "Model2SmallNetsRegisterOps" in paths[2].read_text()


def test_what_cannot_be_written_is_not_begun(load, tmp_path):
    model = sample_model()
    with pytest.raises(ArgumentError, match=r"ends in '.h'"):
        model.to_c(tmp_path / "net.h")
    with pytest.raises(ArgumentError, match="cannot stand in an #include"):
        model.to_c(tmp_path / 'n"et.cc')
    with pytest.raises(ModelError, match="it has no DENSIFY"):
        load("sparse").to_c(tmp_path / "net.cc")
    with pytest.raises(ModelError, match="Nothing was changed"):
        model.to_c(tmp_path / "nowhere" / "net.cc")
    assert listed(tmp_path) == []


def test_files_that_were_there_stay_when_one_cannot_be_written(tmp_path):
    (tmp_path / "net.cc").write_text("old source")
    (tmp_path / "net_ops.h").mkdir()
    with pytest.raises(ModelError, match="Nothing was changed"):
        sample_model().to_c(tmp_path / "net.cc")
    assert (tmp_path / "net.cc").read_text() == "old source"
    assert listed(tmp_path) == ["net.cc", "net_ops.h"]


def test_the_third_file_fails_and_the_first_two_are_undone(tmp_path, monkeypatch):
    from tfedge.core import files

    (tmp_path / "net.cc").write_text("old source")
    write = files.write_whole

    def full(path, content):
        if path.name == "net_ops.h":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(ModelError, match="No space left"):
        sample_model().to_c(tmp_path / "net.cc")
    assert (tmp_path / "net.cc").read_text() == "old source"
    assert listed(tmp_path) == ["net.cc"]
