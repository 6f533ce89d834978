"""Commands of the pipeline: compress, advise, run."""

import json
from pathlib import Path

import pytest

import tfedge as library
from tfedge.cli.budget import RUNTIMES
from tfedge.cli.commands import compress as command
from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import Request
from tfedge.core.errors import ArgumentError
from tfedge.pipeline.budget import CHECKERS
from tfedge.runtime.interpreter import RUNTIMES as INTERPRETERS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def words(cli_files):
    """Model, training and validation data."""
    data = cli_files / "parts.npz"
    return [cli_files / "model.keras", f"{data}::train", f"{data}::test"]


def test_words_are_those_of_the_budget():
    assert (*INTERPRETERS, *CHECKERS) == RUNTIMES


def test_compress_writes_what_its_function_finds(tfedge, words):
    limits = ("--size", "6k", "--trials", "1", "--epochs", "0", "--integer-only")
    ran = tfedge("compress", *words, *limits, "-o", "small", "--json")
    assert ran.status == 0, ran.err
    found = library.CompressionResult.load("small")
    assert found.budget == library.Budget(size_bytes=6000, trials=1, integer_only=True)
    assert ran.result["proof"]["size_bytes"] == Path("small/model.tflite").stat().st_size <= 6000
    ran = tfedge("compress", *words, *limits, "-o", "small")
    assert ran.status == 2 and "--force" in ran.err


def test_a_budget_that_is_not_met(tfedge, words):
    ran = tfedge(
        "compress", *words, "--size", "100", "--trials", "1", "--epochs", "0", "-o", "small"
    )
    assert ran.status == 3, ran.err
    assert "check failed" in ran.err and Path("small/model.tflite").exists()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ((), "limits nothing"),
        (("--drop", "120%"), "[0, 1]"),
        (("--size", "1k", "--gzip", "2k"), "gzip_bytes"),
        (("--size", "1k", "--device", "Rasberry Pi Pico"), "Rasberry"),
        (("--size", "1k", "-o", "no/small"), "no folder 'no'"),
    ],
)
def test_budgets_are_refused_before_anything_slow(tfedge, limits, said):
    ran = tfedge("compress", "a.keras", "b.npz", "c.npz", "-o", "small", *limits)
    assert ran.status == 2 and said in ran.err


def test_an_interrupted_search_keeps_the_best(tfedge, words, monkeypatch):
    from dataclasses import replace

    from tfedge.pipeline import compress as room

    found = room.compress

    def interrupted(*given, **settings):
        return replace(found(*given, **settings), interrupted=True)

    monkeypatch.setattr(room, "compress", interrupted)
    limits = ("--size", "6k", "--trials", "1", "--epochs", "0")
    ran = tfedge("compress", *words, *limits, "-o", "small")
    assert ran.status == 130 and "best so far" in ran.err
    assert library.CompressionResult.load("small").interrupted


def test_advise(tfedge, words):
    model, train, val = words
    data = ("--calibration", train, "--val", val)
    ran = tfedge("advise", model, "--size", "6k", *data, "--record", "advice.json", "--json")
    assert ran.status == 0, ran.err
    model = library.load(model)
    source = [open_source(Request(one, *one.split("::"))) for one in (train, val)]
    inputs = [("image", (8, 8, 1))]
    from tfedge.cli.data.request import ModelInput

    x, y = (one.load([ModelInput(*inputs[0])]) for one in source)
    advice = library.advise(model, library.Budget(size_bytes=6000), x, y, verbose=0)
    assert ran.result["verdict"] == advice.verdict
    assert library.load_record("advice.json").techniques == advice.techniques


def test_run_a_recipe_and_again_what_it_wrote(tfedge, words):
    steps = [{"kind": "prune", "sparsity": 0.5, "epochs": 1}, {"kind": "convert"}]
    Path("recipe.json").write_text(json.dumps({"steps": steps, "seed": 3}))
    ran = tfedge("run", "recipe.json", *words, "-o", "first", "--json")
    assert ran.status == 0, ran.err
    assert [stage["kind"] for stage in ran.result["stages"]] == ["original", "prune", "convert"]
    assert ran.result["recipe"]["seed"] == 3
    assert tfedge("run", "first/recipe.json", *words, "-o", "second").status == 0
    first, second = (library.RunResult.load(name) for name in ("first", "second"))
    assert first.lite == second.lite
    ran = tfedge("run", "recipe.json", *words, "-o", "first", "--force", "--seed", "5", "--json")
    assert ran.result["recipe"]["seed"] == 5


def test_recipes_that_are_wrong(tfedge, words):
    Path("recipe.json").write_text(json.dumps({"steps": [{"kind": "prune", "sparsty": 0.5}]}))
    ran = tfedge("run", "recipe.json", *words, "-o", "first")
    assert ran.status == 2 and "Did you mean 'sparsity'?" in ran.err
    assert tfedge("run", "fastest", *words, "-o", "first").status == 2
    assert tfedge("run", "none.json", *words, "-o", "first").status == 1
    assert not Path("first").exists()


def test_samplers():
    from tfedge.pipeline.search.subject import check_settings

    for name in command.SAMPLERS:
        check_settings(library.Budget(macs=1), 0, 0, 1, name)
    with pytest.raises(ArgumentError):
        check_settings(library.Budget(macs=1), 0, 0, 1, "none")
