"""Reports of all kinds of models, of files that do not run, and of nothing but a file."""

import keras
import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, DataError, MissingPackageError, ModelError
from tfedge.report import ModelReport, model_report

STILL = {"latency": False, "verbose": 0}


def test_what_was_measured_is_what_tfedge_measures(of_files, load, digits):
    scored = tfedge.evaluate(load("cnn_int8"), digits["x"], digits["y"], verbose=0)
    compared = tfedge.compare(load("cnn_float"), load("cnn_int8"), digits["x"], latency=False)
    assert of_files.comparison.b.metrics == {"accuracy": scored.accuracy}
    assert of_files.comparison.outputs == compared.outputs
    assert of_files.latency_ratio.second.runs == of_files.latency.runs == 30
    assert of_files.memory.to_dict() == tfedge.memory(load("cnn_int8")).to_dict()
    assert of_files.energy.method == of_files.energy_reference.method == "estimated"
    assert [one.accelerator for one in of_files.checks] == ["edgetpu", "micro"]
    assert of_files.reference.size_bytes == load("cnn_float").size_bytes
    assert sum(of_files.classes[0].right) == round(scored.accuracy * 597)
    assert "597 samples" in of_files.how["comparison"]
    assert {"numpy", "tfedge", "processor"} <= set(of_files.environment)


def test_what_is_missing_is_said(of_files, of_keras):
    assert set(of_files.left_out) == {"statistics", "channels"}
    assert set(of_keras[0].left_out) == {"budget", "recipe", "stages", "trials"}


def test_a_report_is_kept_and_read(of_files, load, tmp_path):
    again = ModelReport.load(of_files.save(tmp_path / "report.json"))
    assert again.to_json() == of_files.to_json()
    assert again.to_html() == of_files.to_html()
    other = tfedge.save_record(tfedge.memory(load("cnn_int8")), tmp_path / "other.json")
    with pytest.raises(DataError, match="holds a MemoryRecord, not a ModelReport"):
        ModelReport.load(other)


def test_a_file_alone(load):
    report = model_report(load("cnn_int8"), **STILL)
    assert report.comparison is None and report.evaluation is None
    assert report.left_out["comparison"] == "no samples were given"
    assert report.left_out["latency"] == "not asked"
    assert len(report.weights) == 4
    assert "not asked" in report.to_markdown()


def test_a_file_with_data_alone(load, digits):
    stream = ((digits["x"][at : at + 100], digits["y"][at : at + 100]) for at in range(0, 500, 100))
    report = model_report(load("cnn_int8"), None, stream, **STILL)
    assert report.evaluation.samples == 500
    assert report.classes[0].right_before is None
    assert "reaches an accuracy of" in report.verdict


def test_several_outputs_find_their_worst(load, tflite_files):
    with np.load(tflite_files / "two_by_two.npz") as file:
        found = dict(file)
    x = {name: found[name] for name in ("left", "right")}
    samples = len(x["left"])
    y = {"kind": np.arange(samples) % 4, "size": np.linspace(0, 1, samples)}
    report = model_report(load("two_by_two"), load("two_by_two"), x, y, **STILL)
    assert report.task == "2 outputs"
    assert {"kind_accuracy", "size_mae", "size_mse"} <= set(report.comparison.a.metrics)
    assert [one.output for one in report.classes] == ["kind"]
    assert "keeps its kind accuracy" in report.verdict
    assert "output kind" in report.to_html()


@pytest.mark.parametrize("name", ["lstm", "running", "words", "sparse", "loop", "fixed_reshape"])
def test_unusual_files(name, load):
    report = model_report(load(name), **STILL)
    assert report.verdict in report.to_markdown().replace("\\", "")
    assert "<main>" in report.to_html()
    assert ("run" in report.left_out) == (name == "words")


def test_a_file_that_does_not_run(tflite_files, digits):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    builder = pytest.importorskip("flatbuffers").Builder(10_000)
    content = (tflite_files / "cnn_float.tflite").read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    dense = next(code for code in model.operatorCodes if code.builtinCode == 9)
    dense.builtinCode = dense.deprecatedBuiltinCode = 32
    dense.customCode = "Sparkle"
    builder.Finish(model.Pack(builder), b"TFL3")
    report = model_report(
        bytes(builder.Output()), tflite_files / "cnn_float.tflite", digits["x"], digits["y"]
    )
    assert "does not run here" in report.verdict and "Sparkle" in report.verdict
    assert report.latency is None and report.comparison is None
    for part in ("latency", "comparison", "sqnr"):
        assert report.left_out[part] == "the file does not run"
    assert report.size.size_bytes > 10_000
    assert "Sparkle" in report.to_html()


def test_data_without_labels(load, digits):
    report = model_report(load("cnn_int8"), load("cnn_float"), digits["x"], **STILL)
    assert report.comparison.b.metrics == {}
    assert "agrees with the original in" in report.verdict
    assert "bring no labels" in report.to_markdown()


def test_an_autoencoder_from_keras(vectors):
    keras.utils.set_random_seed(0)
    stack = [keras.Input((6,)), keras.layers.Dense(3, name="code"), keras.layers.Dense(6)]
    model = keras.Sequential(stack, name="coder")
    lite = tfedge.convert(model, "int8", vectors[0])
    report = model_report(lite, model, vectors[0], vectors[0], **STILL)
    assert report.task == "reconstruction of the input"
    assert set(report.comparison.differences) == {"mae", "mse"}
    assert "mean absolute error of" in report.verdict
    assert not report.classes


def test_a_subclassed_model_has_no_layers_to_compare(vectors):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(vectors[0][:1])
    lite = tfedge.convert(model, "float32", parity=False)
    report = model_report(lite, model, *vectors, **STILL)
    assert "shows no graph of layers" in report.left_out["sqnr"]
    assert report.comparison.agreement == 1.0
    assert "SQNR was not measured" in report.to_markdown()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"runtime": "lite-rt"}, "runtime='lite-rt'.*litert"),
        ({"threads": 0}, "threads=0"),
        ({"runs": 0}, "runs=0"),
        ({"seconds": -1}, "seconds=-1"),
        ({"energy": "guess"}, "energy='guess'"),
        ({"accelerators": ["tpu"]}, "accelerators='tpu'.*edgetpu"),
        ({"trials": {"a": 1}}, "trials is a dict; a list"),
        ({"trials": [3]}, r"trials\[0\] is a int"),
        ({"recipe": "balanced"}, "recipe is a str"),
        ({"budget": [{"limit": 3}]}, r"budget\[0\] has \['limit'\]"),
        ({"class_names": "cats"}, "class_names='cats' is one text"),
    ],
)
def test_settings_are_refused_before_any_work(settings, says, load):
    with pytest.raises(ArgumentError, match=says):
        model_report(b"not even a file", **settings)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"not a \.tflite file"):
        model_report(b"not even a file", verbose=0)
    with pytest.raises(ModelError, match="No model file at"):
        model_report(tmp_path / "none.tflite", verbose=0)


def test_labels_that_do_not_fit_are_refused(load, digits):
    with pytest.raises(DataError):
        model_report(load("cnn_int8"), None, digits["x"], digits["y"][:-1], **STILL)


def test_where_it_cannot_be_written(of_files, tmp_path):
    for write in (of_files.to_html, of_files.to_markdown, of_files.save):
        with pytest.raises(ArgumentError, match="Cannot write"):
            write(tmp_path / "no folder" / "report")
    assert not list(tmp_path.iterdir())


def test_without_jinja_the_message_names_the_remedy(of_files, monkeypatch):
    from tfedge.report.writing import html

    html._templates.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(MissingPackageError, match=r"tfedge\[report\]"):
        of_files.to_html()
    html._templates.cache_clear()
    assert of_files.to_markdown()


def test_a_record_with_constraints_is_a_budget(load):
    class Measured:
        def to_dict(self):
            return {"constraints": [{"name": "macs", "limit": 5, "value": 7, "met": False}]}

    report = model_report(load("cnn_int8"), budget=Measured(), **STILL)
    assert report.verdict.endswith("; it misses 1 of 1 limit (macs 7 for 5).")
