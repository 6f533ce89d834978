"""``python -m tfedge.runtime`` with NumPy and one runtime alone."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import tfedge
from tfedge.runtime.latency.record import LatencyRecord
from tfedge.runtime.remote.package import device_zip


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The half for devices, as one file."""
    path = tmp_path_factory.mktemp("packed") / "tfedge-device.zip"
    command = [sys.executable, "-m", "tfedge.runtime", "pack", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


@pytest.fixture
def on_device(packed, device_python, tmp_path):
    """A function that runs a command as a device without TensorFlow and without tfedge would."""

    def run(*words, **options):
        return subprocess.run(
            [str(device_python), "-m", "tfedge.runtime", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(packed)},
            **options,
        )

    return run


def test_the_zip_is_the_same_every_time(packed):
    assert packed.read_bytes() == device_zip()
    assert len(device_zip()) < 1_000_000


def test_benchmark_there_and_read_here(on_device, tflite_files, tmp_path):
    path, out = tflite_files / "cnn_int8.tflite", tmp_path / "out.json"
    ran = on_device("benchmark", path, "--json", out, "--runs", 200, "--runtime", "litert")
    assert ran.returncode == 0, ran.stderr
    record = tfedge.load_record(out)
    assert (record.model, record.runtime, record.runs) == ("cnn_int8", "litert", 200)
    assert type(record) is LatencyRecord
    assert ran.stdout.strip() == repr(record)


def test_inspect(on_device, tflite_files, load, tmp_path):
    ran = on_device("inspect", tflite_files / "cnn_int8.tflite", "--json", "facts.json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip() == repr(load("cnn_int8"))
    assert json.loads((tmp_path / "facts.json").read_text()) == load("cnn_int8").to_dict()


def test_run_answers_line_by_line(on_device, tflite_files, load, digits):
    lines = [json.dumps(sample.tolist()) for sample in digits["x"][:3]]
    ran = on_device("run", tflite_files / "cnn_float.tflite", input="\n".join(lines))
    assert (ran.returncode, ran.stderr) == (0, "")
    (name,) = (tensor.name for tensor in load("cnn_float").outputs)
    found = [json.loads(line)["outputs"][name] for line in ran.stdout.splitlines()]
    np.testing.assert_allclose(found, load("cnn_float").predict(digits["x"][:3]), atol=1e-6)


def test_run_by_input_name(on_device, tflite_files, load):
    x = {"left": [0.1] * 6, "right": [[0.2, 0.3]] * 3}
    ran = on_device("run", tflite_files / "two_by_two.tflite", input=json.dumps(x) + "\n")
    expected = load("two_by_two").predict({k: np.array(v)[None] for k, v in x.items()})
    for name, value in json.loads(ran.stdout)["outputs"].items():
        np.testing.assert_allclose(value, expected[name][0], atol=1e-6)


def test_run_goes_on_after_bad_lines(on_device, tflite_files, digits):
    good = json.dumps(digits["x"][0].tolist())
    bad = [
        "nonsense",
        "[1, 2]",
        "[[1], [2, 3]]",
        '{"wrong": 1}',
        "null",
        json.dumps((digits["x"][0] * np.nan).tolist()),
    ]
    ran = on_device("run", tflite_files / "cnn_float.tflite", input="\n".join([*bad, "", good]))
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 1
    assert ["error" in answer for answer in answers] == [True] * 6 + [False]
    said = ["not JSON", "shape", "differ in length", "wrong", "dtype object", "nan"]
    for words, answer in zip(said, answers, strict=False):
        assert words in answer["error"]


def test_run_ends_when_nobody_listens(packed, device_python, tflite_files, digits):
    command = [str(device_python), "-m", "tfedge.runtime", "run"]
    process = subprocess.Popen(
        [*command, str(tflite_files / "cnn_float.tflite")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(packed)},
    )
    with process:
        process.stdout.close()
        line = json.dumps(digits["x"][0].tolist()).encode() + b"\n"
        process.stdin.write(line)
        process.stdin.close()
        assert process.wait(30) == 1
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "none.tflite"], "Check the path"),
        (["inspect", "text.tflite"], "not a .tflite file"),
        (["benchmark", "text.tflite"], "not a .tflite file"),
        (["pack", "no/such/folder.zip"], "Cannot write"),
    ],
)
def test_errors_are_one_line(on_device, tmp_path, words, said):
    (tmp_path / "text.tflite").write_text("This is text and no model.")
    ran = on_device(*words)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: ") and said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stdout == ""


def test_wrong_words(on_device):
    assert on_device("dance").returncode == 2
    assert on_device().returncode == 2
    for words in (["--help"], ["run", "--help"], ["benchmark", "--help"]):
        assert on_device(*words).returncode == 0
