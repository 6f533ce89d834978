"""Recipes as data: in and out, equal or not, and everything that is wrong with one at once."""

import inspect
import json

import numpy as np
import pytest
import yaml

import tfedge
from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.record_files import decode_record, encode_record
from tfedge.pipeline.steps.kinds import KINDS

PRESETS = ("fast", "balanced", "smallest", "microcontroller", "edgetpu")


@pytest.fixture
def recipe():
    steps = [
        tfedge.Step("prune_channels", macs=0.5, exclude=("head",), epochs=np.int64(2)),
        {"kind": "prune", "sparsity": 0.5},
        {"kind": "quantize", "layers": {"conv.*": {"weight_bits": 4}}},
        {"kind": "convert", "quantize": "int8"},
    ]
    return tfedge.Recipe(steps, name="mine", loss="mse", metrics=("mae",), seed=3)


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_files_bring_back_the_same(recipe, tmp_path, suffix):
    path = recipe.save(tmp_path / f"recipe{suffix}")
    again = tfedge.Recipe.load(path)
    assert again == recipe
    assert (again.name, again.loss, again.metrics, again.seed) == ("mine", "mse", ("mae",), 3)
    read = json.loads if suffix == ".json" else yaml.safe_load
    assert read(path.read_text())["steps"][0] == {
        "kind": "prune_channels", "macs": 0.5, "exclude": ["head"], "epochs": 2,
    }  # fmt: skip


def test_travels_as_a_record(recipe):
    assert decode_record(json.loads(json.dumps(encode_record(recipe)))) == recipe


def test_json_is_what_the_file_holds(recipe, tmp_path):
    path = recipe.save(tmp_path / "recipe.json")
    assert json.loads(recipe.to_json()) == json.loads(path.read_text()) == recipe.to_dict()


def test_equal_by_what_it_makes_not_by_its_name(recipe):
    found = recipe.to_dict()
    renamed = tfedge.Recipe.from_dict({**found, "name": "other"})
    assert renamed == recipe
    assert hash(renamed) == hash(recipe)
    for changed in ({"seed": 4}, {"loss": "mae"}, {"metrics": []}, {"steps": found["steps"][1:]}):
        assert tfedge.Recipe.from_dict({**found, **changed}) != recipe


def test_settings_side_by_side_or_below():
    nested = {"kind": "prune", "settings": {"sparsity": 0.5}}
    assert tfedge.Recipe([nested]) == tfedge.Recipe([{"kind": "prune", "sparsity": 0.5}])


def test_convert_is_added_and_shown():
    recipe = tfedge.Recipe([{"kind": "recover"}])
    assert recipe.steps[-1] == tfedge.Step("convert", quantize="int8")
    assert repr(recipe).splitlines()[-1] == "  2 convert  quantize='int8'"


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_recipes(name):
    recipe = tfedge.Recipe.preset(name)
    assert recipe.name == name
    assert tfedge.Recipe.from_dict(recipe.to_dict()) == recipe


def test_an_unknown_preset_is_refused():
    with pytest.raises(ArgumentError, match="'smalest' is not known"):
        tfedge.Recipe.preset("smalest")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("prune_channels", "prune_channels"),
        ("student", "prune_channels"),
        ("prune", "prune"),
        ("cluster", "cluster"),
        ("quantize", "quantize"),
        ("recover", "recover"),
        ("convert", "convert"),
    ],
)
def test_settings_are_those_of_the_functions(name, function):
    known = set(inspect.signature(getattr(tfedge, function)).parameters)
    filled = {"data", "loss", "measure", "calibration", "seed", "verbose", "parity"}
    if name == "recover":
        filled -= {"loss"}
    told = set(KINDS[name].settings)
    assert {one for one in known if one not in filled} - {"model", "teacher"} <= told
    assert not told & filled


def mistakes(*steps, **settings):
    """Return the lines of the error that a recipe raises."""
    with pytest.raises(ArgumentError) as caught:
        tfedge.Recipe(steps, **settings)
    return str(caught.value).splitlines()


def test_all_mistakes_in_one_error():
    lines = mistakes(
        {"kind": "prune", "sparsty": 0.5, "epochs": 0, "scope": "all"},
        {"kind": "convert", "quantize": "int9"},
        {"kind": "clutser"},
        seed=-1,
    )
    assert lines[0] == "There are 6 mistakes in this recipe:"
    assert lines[1] == "  seed=-1 must be a whole number of at least 0."
    assert lines[2].startswith(
        "  step 1 (prune), sparsty=0.5: prune has no such setting. Did you mean 'sparsity'? It has"
    )
    assert lines[3] == "  step 1 (prune): epochs=0 must be a whole number of at least 1."
    assert lines[4].startswith("  step 1 (prune): scope='all' is not known.")
    assert lines[5].startswith("  step 2 (convert): quantize='int9' is not known. Choose one of")
    assert "step 3, kind='clutser': no such step. Did you mean 'cluster'?" in lines[6]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"kind": "prune_channels"}, "One target is needed"),
        ({"kind": "prune_channels", "macs": 0.5, "ratio": 0.5}, "ratio"),
        ({"kind": "prune_channels", "macs": 0.5, "importance": "l3"}, "'l3' is not known"),
        ({"kind": "prune_channels", "macs": 0.5, "data": []}, "the run itself sets data"),
        ({"kind": "prune_channels", "macs": 0.5, "steps": 0}, "steps=0"),
        ({"kind": "student", "inherit": "yes"}, "inherit='yes'"),
        ({"kind": "prune", "sparsity": 1.0}, "sparsity=1.0"),
        ({"kind": "prune", "begin": 0.5, "end": 0.2}, "begin=0.5 must be before end=0.2"),
        ({"kind": "prune", "pattern": "2:4", "sparsity": 0.7}, "contradicts pattern='2:4'"),
        ({"kind": "prune", "schedule": "linear"}, "'linear' is not known"),
        ({"kind": "prune", "patience": 2}, "no such setting"),
        ({"kind": "cluster", "clusters": 1}, "clusters=1"),
        ({"kind": "cluster", "clusters": 2, "preserve": ["sparsity"]}, "3 are needed"),
        ({"kind": "quantize", "preserve": ["zeros"]}, "'zeros' is not known"),
        ({"kind": "quantize", "layers": {"a": {"bits": 4}}}, "layers['a']"),
        ({"kind": "quantize", "layers": ["a"]}, "must map layers"),
        ({"kind": "recover", "methods": ["bais"]}, "'bais' is not known"),
        ({"kind": "recover", "samples": 0}, "samples=0"),
        ({"kind": "distill", "losses": ["SoftTargets"]}, "'SoftTargets' is not known"),
        ({"kind": "distill", "losses": [{"name": "SoftTarget", "heat": 4}]}, "heat"),
        ({"kind": "distill", "losses": "SoftTarget"}, "must be a list"),
        ({"kind": "train", "optimizer": "adamm"}, "'adamm' is not known"),
        ({"kind": "train", "optimizer": {"name": "sgd", "momentun": 1}}, "momentun"),
        ({"kind": "train", "teacher": "bert"}, "'bert' is not known"),
        ({"kind": "train", "patience": 0}, "patience=0"),
        ({"kind": "convert", "input_type": "int4"}, "'int4' is not known"),
        ({"kind": "convert", "quantize": {"max_drop": 2}}, "max_drop=2"),
        ({"kind": "convert", "quantize": {"drop": 2}}, "drop"),
    ],
)
def test_wrong_settings_are_refused(step, text):
    found = mistakes(step)
    assert found[1].startswith(f"  step 1 ({step['kind']})")
    assert text in "\n".join(found)


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ((), "steps is empty"),
        (("convert", "train"), "step 2 (train) comes after convert"),
        (("convert", "convert"), "step 2 (convert) comes after convert"),
        (("prune", "prune_channels"), "step 2 (prune_channels) comes after prune"),
        (("quantize", "student"), "Remove channels first"),
        (("cluster", "prune"), "Prune first: cluster keeps zeros"),
        (("quantize", "prune"), "Put prune before it"),
        (("recover", "cluster"), "Put cluster before it"),
        (("recover", "quantize"), "Leave one out"),
        (("prune", "prune"), "is the second prune"),
    ],
)
def test_wrong_orders_are_refused(kinds, text):
    needed = {"prune_channels": {"macs": 0.5}}
    assert text in "\n".join(mistakes(*({"kind": one, **needed.get(one, {})} for one in kinds)))


def test_a_model_trained_in_integers_becomes_no_other_file():
    found = mistakes({"kind": "quantize"}, {"kind": "convert", "quantize": "float16"})
    assert "step 2 (convert), quantize='float16'" in found[1]


@pytest.mark.parametrize("value", [object(), float("nan"), {1: 2}, {"a": {1, 2}}])
def test_settings_must_be_plain_data(value):
    with pytest.raises(ArgumentError, match="data that JSON can carry"):
        tfedge.Step("prune", sparsity=value)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"step": []}, "Did you mean 'steps'"),
        ({"name": "x"}, "has no 'steps'"),
        ([], "is a dictionary"),
        ({"steps": "prune"}, "must be a list"),
        ({"steps": [3]}, "is no step"),
        ({"steps": [{"kind": "train"}], "loss": 3}, "loss=3"),
        ({"steps": [{"kind": "train"}], "metrics": [3]}, "must be names"),
    ],
)
def test_what_is_no_recipe_is_refused(found, text):
    with pytest.raises(ArgumentError, match=text):
        tfedge.Recipe.from_dict(found)


def test_files_that_are_none_are_refused(tmp_path, recipe):
    with pytest.raises(DataError, match="Cannot read"):
        tfedge.Recipe.load(tmp_path / "nowhere.json")
    (tmp_path / "bad.yaml").write_text("steps: [")
    with pytest.raises(DataError, match=r"bad.yaml' is not YAML"):
        tfedge.Recipe.load(tmp_path / "bad.yaml")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(DataError, match=r"bad.json' is not JSON"):
        tfedge.Recipe.load(tmp_path / "bad.json")
    with pytest.raises(ArgumentError, match=r"\.json, \.yaml, \.yml"):
        recipe.save(tmp_path / "recipe.txt")
    with pytest.raises(ArgumentError, match="Cannot write"):
        recipe.save(tmp_path / "nowhere" / "recipe.json")
