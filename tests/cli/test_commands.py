"""Each command does what its function does, and writes what it says."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import tfedge as library


def test_convert_writes_the_file_and_tells_of_it(tfedge, cli_files):
    ran = tfedge("convert", cli_files / "model.keras", "--json")
    assert ran.status == 0, ran.err
    lite = library.TFLiteModel.load("model.tflite")
    assert ran.result["size_bytes"] == lite.size_bytes
    assert ran.result["notes"]["parity"]["samples"] > 0
    assert f"wrote {lite.size_bytes:,} bytes to model.tflite" in ran.err


def test_convert_to_integers_with_calibration(tfedge, cli_files):
    words = ("--quantize", "int8", "--calibration", f"{cli_files / 'parts.npz'}::train")
    ran = tfedge(
        "convert", cli_files / "model.keras", *words, "-o", "small.tflite", "--c", "small.cc"
    )
    assert ran.status == 0, ran.err
    lite = library.TFLiteModel.load("small.tflite")
    assert lite.inputs[0].dtype == "int8" and not lite.float_operators
    assert "SQNR" in ran.out
    again = library.convert(
        library.load(cli_files / "model.keras"),
        "int8",
        np.load(cli_files / "parts.npz")["x_train"][..., None],
    )
    assert lite == again


def test_convert_needs_calibration(tfedge, cli_files):
    ran = tfedge("convert", cli_files / "model.keras", "--quantize", "int8")
    assert ran.status == 1
    assert "calibration" in ran.err and "Traceback" not in ran.err


def test_convert_to_a_pipe_and_inspect_from_one(tfedge, cli_files, stdin):
    ran = tfedge("convert", cli_files / "model.keras", "-o", "-")
    content = ran.out.encode("utf-8", "surrogateescape")
    assert library.TFLiteModel(content).size_bytes == len(content)
    stdin(content)
    assert "TFLiteModel 'stdin'" in tfedge("inspect", "-").out


def test_prune_channels_writes_a_model_of_keras(tfedge, cli_files):
    model = cli_files / "model.keras"
    ran = tfedge("prune-channels", model, "--ratio", "0.5", "-o", "slim.keras", "--json")
    assert ran.status == 0, ran.err
    slim = keras.models.load_model("slim.keras")
    assert slim.get_layer("first").filters == 4
    assert ran.result["parameters_after"] == slim.count_params()
    ran = tfedge("prune-channels", model, "--layer", "second=0.25", "-o", "one.h5")
    assert ran.status == 0, ran.err
    assert library.load("one.h5").get_layer("second").filters == 6


def test_prune_channels_by_loss_with_data(tfedge, cli_files):
    words = ["prune-channels", cli_files / "model.keras", "--macs", "0.6", "-o", "slim.keras"]
    words += ["--importance", "taylor"]
    assert "needs --data" in tfedge(*words).err
    words += ["--data", cli_files / "digits.npz"]
    ran = tfedge(*words)
    assert ran.status == 2 and "needs --loss" in ran.err
    ran = tfedge(*words, "--loss", "sparse_categorical_crossentropy", "--reconstruct", "--json")
    assert ran.status == 0, ran.err
    assert 0.5 < ran.result["macs_after"] / ran.result["macs_before"] <= 0.6


def test_evaluate_is_the_accuracy_of_the_file(tfedge, cli_files, load, digits):
    ran = tfedge("evaluate", cli_files / "cnn_int8.tflite", cli_files / "digits.npz", "--json")
    outputs = load("cnn_int8").predict(digits["x"][:200])
    accuracy = np.mean(outputs.argmax(1) == digits["y"][:200])
    assert ran.result["metrics"] == {"accuracy": pytest.approx(accuracy)}


def test_evaluate_a_keras_model_with_several_metrics(tfedge, cli_files):
    words = ("--metrics", "accuracy,top_5", "--record", "found.json")
    ran = tfedge("evaluate", cli_files / "model.keras", cli_files / "digits.npz", *words)
    assert ran.status == 0, ran.err
    assert set(library.load_record("found.json").metrics) == {"accuracy", "top_5"}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--min-accuracy", "0.5"), 0),
        (("--min-accuracy", "100%"), 3),
        (("--metrics", "calibration_error", "--max", "calibration_error=1e-6"), 3),
    ],
)
def test_evaluate_demands(tfedge, cli_files, words, status):
    ran = tfedge("evaluate", cli_files / "cnn_int8.tflite", cli_files / "digits.npz", *words)
    assert ran.status == status, ran.err
    assert ("was demanded" in ran.err) == (status == 3)


def test_a_demand_on_a_metric_that_is_not_computed(tfedge, cli_files):
    words = (cli_files / "cnn_int8.tflite", cli_files / "digits.npz", "--min", "auc=1")
    ran = tfedge("evaluate", *words)
    assert ran.status == 2 and "'auc'" in ran.err


def test_compare_and_its_demands(tfedge, cli_files):
    words = ["compare", cli_files / "cnn_float.tflite", cli_files / "cnn_int8.tflite"]
    words += [cli_files / "digits.npz", "--no-latency", "--json"]
    ran = tfedge(*words, "--max-drop", "0.05", "--min-agreement", "0.9")
    assert ran.status == 0, ran.err
    drop = -ran.result["differences"]["accuracy"]
    assert ran.result["a"]["latency_ms"] is None
    ran = tfedge(*words, "--min-sqnr-db", "200")
    assert ran.status == 3 and "sqnr_db" in ran.err
    swapped = [words[0], words[2], words[1], *words[3:]]
    assert tfedge(*swapped, "--max-drop", "0").status == (3 if -drop > 0 else 0)


def test_compare_knows_that_errors_are_better_low(tfedge, cli_files):
    np.savez("real.npz", x=np.zeros((20, 8, 8, 1), "float32"), y=np.zeros((20, 10), "float32"))
    words = [cli_files / "cnn_float.tflite", cli_files / "model.keras", "real.npz", "--no-latency"]
    ran = tfedge("compare", *words, "--metrics", "mse", "--max-drop", "0", "--json")
    change = ran.result["differences"]["mse"]
    assert ran.status == (3 if change > 0 else 0)
    assert change != 0


def test_benchmark_one_and_several(tfedge, cli_files):
    words = ("--runs", "10", "--json")
    ran = tfedge("benchmark", cli_files / "cnn_int8.tflite", *words)
    assert ran.result["runs"] == 10 and ran.result["p50_ms"] > 0
    several = (cli_files / "cnn_int8.tflite", cli_files / "cnn_float.tflite", "--batch", "1", "2")
    ran = tfedge("benchmark", *several, *words, "--max-latency-ms", "1e-9")
    assert len(ran.result["records"]) == 4
    assert ran.status == 3 and ran.err.count("p50_ms") == 4


def test_benchmark_takes_files_only(tfedge, cli_files):
    ran = tfedge("benchmark", cli_files / "model.keras")
    assert ran.status == 1 and "tfedge convert" in ran.err


def test_inspect_a_file(tfedge, cli_files):
    words = ("--operators", "--memory", "--sparsity", "--json")
    ran = tfedge("inspect", cli_files / "cnn_int8.tflite", *words)
    assert ran.status == 0, ran.err
    assert ran.result["memory"]["arena_bytes"] > 0
    assert 0 <= ran.result["sparsity"]["sparsity"] <= 1
    shown = tfedge("inspect", cli_files / "cnn_int8.tflite", *words[:-1]).out
    assert "CONV_2D" in shown and "1x8x8x16" in shown


def test_inspect_demands(tfedge, cli_files):
    lite, float_lite = cli_files / "cnn_int8.tflite", cli_files / "cnn_float.tflite"
    assert tfedge("inspect", lite, "--fits", "Raspberry Pi Pico", "--check", "micro").status == 0
    ran = tfedge(
        "inspect", float_lite, "--check", "edgetpu", "--max-size", "1k", "--max-arena", "9"
    )
    assert ran.status == 3
    assert all(what in ran.err for what in ("edgetpu runs 0 of", "size_bytes", "arena_bytes"))


def test_inspect_a_keras_model(tfedge, cli_files):
    model = cli_files / "model.keras"
    assert tfedge("inspect", model, "--json").result["model"]["parameters"] == 80 + 584 + 1290
    ran = tfedge("inspect", model, "--memory")
    assert ran.status == 2 and "--memory is for .tflite files" in ran.err


def test_report_in_every_form(tfedge, cli_files):
    words = [cli_files / "cnn_int8.tflite", f"{cli_files / 'digits.npz'}", "--no-latency"]
    words += ["--original", cli_files / "cnn_float.tflite", "--title", "Small digits"]
    ran = tfedge("report", *words, "-o", "page.json", "--json")
    assert ran.status == 0, ran.err
    assert ran.result["comparison"]["samples"] == 200
    for name in ("page.html", "page.md"):
        assert tfedge("report", "page.json", "-o", name).status == 0
        assert "Small digits" in Path(name).read_text()
    assert tfedge("report", "page.json", "-o", "page.md").status == 2


def test_report_takes_names_of_classes_from_folders(tfedge, cli_files, digits):
    for number in range(10):
        folder = Path("photos", f"digit {number}")
        folder.mkdir(parents=True)
        shown = digits["x"][digits["y"] == number][0, ..., 0]
        Image.fromarray((255 * shown).astype("uint8")).save(folder / "one.png")
    words = (cli_files / "cnn_int8.tflite", "photos", "--scale", "unit", "--no-latency")
    ran = tfedge("report", *words, "--no-layers", "-o", "page.html", "--json")
    assert ran.status == 0, ran.err
    assert ran.result["class_names"] == [f"digit {number}" for number in range(10)]
    assert ran.result["evaluation"]["metrics"]["accuracy"] >= 0.9
