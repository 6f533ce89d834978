"""``tfedge.compress`` as users call it, on a small classifier of digits."""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna")
pytest.importorskip("sklearn")

import tfedge
from tfedge.errors import ArgumentError, DataError, ModelError, StorageError
from tfedge.models.flavours import keras3
from tfedge.pipeline import reporting
from tfedge.pipeline.result import CompressionResult
from tfedge.pipeline.search import session
from tfedge.report import model_report

STEP = 2


@pytest.fixture(scope="module")
def digits_data():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


@pytest.fixture(scope="module")
def network(digits_data):
    keras = keras3()
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((64,), name="pixels"),
        keras.layers.Dense(48, "relu", name="first"),
        keras.layers.Dense(32, "relu", name="second"),
        keras.layers.Dense(10, "softmax", name="digit"),
    ]
    model = keras.Sequential(stack, name="small_digits")
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(*digits_data[0], epochs=12, batch_size=64, verbose=0)
    return model


@pytest.fixture(scope="module")
def found(network, digits_data, tmp_path_factory):
    """A whole search with training."""
    budget = tfedge.Budget(gzip_bytes=5000, accuracy_drop=0.05, trials=4)
    work = tmp_path_factory.mktemp("search") / "work"
    result = tfedge.compress(network, *digits_data, budget, epochs=STEP, work=work, verbose=0)
    return result, work, budget


def untrained(job, recipe, watch=None):
    """Return the file of a recipe whose training is left out."""
    model = job.model
    for step in recipe["steps"]:
        if step["kind"] == "prune_channels":
            model = tfedge.prune_channels(model, macs=step["macs"])
    return tfedge.convert(model, "int8", job.train[0], parity=False)


def test_the_best_file_is_within_the_budget_on_samples_that_did_not_choose_it(found, digits_data):
    result, _, budget = found
    assert result.met and result.verdict.startswith("Within the budget.")
    assert result.best.gzip_bytes == result.proof.gzip_bytes <= budget.gzip_bytes
    assert result.chosen_by + result.proven_on == len(digits_data[1][1])
    proof, chosen = result.proof.drop, result.trial(result.chosen).measured.drop
    assert proof.samples == result.proven_on and chosen.samples == result.chosen_by
    accuracy = tfedge.evaluate(result.best, *digits_data[1], verbose=0).accuracy
    both = proof.value * proof.samples + chosen.value * chosen.samples
    assert accuracy == pytest.approx(both / (proof.samples + chosen.samples))
    within = [
        one for one in result.trials if one.measured.met and one.number not in result.passed_over
    ]
    assert result.proof.gzip_bytes == min(one.measured.gzip_bytes for one in within)


def test_the_cheapest_file_comes_first_and_is_kept(found):
    result, work, _ = found
    assert [step["kind"] for step in result.trials[0].recipe["steps"]] == ["recover", "convert"]
    assert [one.number for one in result.trials] == [0, 1, 2, 3]
    for one in result.trials:
        assert (work / "files" / f"{one.number}.tflite").stat().st_size == one.measured.size_bytes


def test_its_recipe_makes_the_file_again(found, network, digits_data):
    result = found[0]
    again = tfedge.run(result.recipe, network, digits_data[0], seed=0, verbose=0)
    assert again.lite == result.best


def test_the_same_call_goes_on_and_has_nothing_left_to_do(found, network, digits_data, monkeypatch):
    result, work, budget = found
    monkeypatch.setattr(session, "made", None)
    again = tfedge.compress(network, *digits_data, budget, epochs=STEP, work=work, verbose=0)
    assert again.best == result.best
    assert [one.to_json() for one in again.trials] == [one.to_json() for one in result.trials]


def test_table_picture_and_files(found, tmp_path):
    pytest.importorskip("matplotlib")
    result = found[0]
    table = result.table()
    assert list(table["number"]) == [0, 1, 2, 3] and table["best"].sum() == 1
    assert set(table["number"][table["pareto"]]) == {one.number for one in result.pareto_set}
    axes = result.pareto()
    assert axes.get_xlabel() == "bytes after gzip" and axes.get_ylabel() == "accuracy"
    result.pareto("size_bytes").figure.savefig(tmp_path / "front.png")
    with pytest.raises(ArgumentError, match="x='weight' is not known"):
        result.pareto("weight")
    folder = result.save(tmp_path / "kept")
    loaded = CompressionResult.load(folder)
    assert loaded.best == result.best and loaded.to_dict() | {"folder": ""} == result.to_dict() | {
        "folder": ""
    }
    assert (folder / "model.tflite").read_bytes() == result.best.content
    assert json.loads((folder / "recipe.json").read_text()) == result.recipe
    assert tfedge.Recipe.load(folder / "recipe.json").steps[-1].kind == "convert"
    others = {one.number for one in result.trials} - {one.number for one in result.pareto_set}
    for number in others - {result.chosen}:
        with pytest.raises(ModelError, match="A saved result holds the Pareto set"):
            loaded.file(number)
    with pytest.raises(DataError):
        CompressionResult.load(tmp_path)


@pytest.fixture
def quick_report(monkeypatch):
    """Reports that time files only briefly."""
    monkeypatch.setattr(reporting, "model_report", partial(model_report, runs=5, seconds=0.05))


def test_a_report_tells_of_the_trials(found, quick_report, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    result = found[0]
    page = result.report(tmp_path / "report.html").read_text()
    assert page.startswith("<!doctype html>") and "small_digits" in page
    assert "accuracy_drop" in page and "gzip_bytes" in page
    told = result.report(tmp_path / "report.json").read_text()
    assert all(f" {one.measured.gzip_bytes}" in told for one in result.trials)


def test_a_result_that_was_loaded_is_reported_on_with_what_is_given(
    found, network, digits_data, quick_report, tmp_path
):
    loaded = CompressionResult.load(found[0].save(tmp_path / "kept"))
    alone = json.loads(loaded.report(tmp_path / "alone.json").read_text())
    given = loaded.report(tmp_path / "given.json", network, digits_data[1])
    told = json.loads(given.read_text())
    accuracy = tfedge.evaluate(loaded.best, *digits_data[1], verbose=0).accuracy
    assert f"{accuracy}" in json.dumps(told) and f"{accuracy}" not in json.dumps(alone)
    with pytest.raises(ArgumentError, match="ending of the path"):
        loaded.report(tmp_path / "report.pdf")


def test_another_search_is_refused(found, network, digits_data):
    _, work, budget = found
    train, val = digits_data
    other = keras3().models.clone_model(network)
    for change, words in (
        ({"model": other}, r"another model \("),
        ({"train": (train[0][:-1], train[1][:-1])}, "other training data"),
        ({"val": (val[0][1:], val[1][1:])}, "other validation data"),
        (
            {"budget": tfedge.Budget(gzip_bytes=4000, accuracy_drop=0.05)},
            "gzip_bytes 5000, now 4000",
        ),
        ({"seed": 1}, "another seed"),
        ({"resume": False}, "holds a search already"),
    ):
        asked = {"model": network, "train": train, "val": val, "budget": budget} | change
        with pytest.raises(ArgumentError, match=words):
            tfedge.compress(**asked, epochs=STEP, work=work, verbose=0)
    manifest = work / "search.json"
    before = manifest.read_text()
    manifest.write_text(before.replace(tfedge.__version__, "0.0.1", 1))
    with pytest.raises(ArgumentError, match="another version of tfedge"):
        tfedge.compress(network, train, val, budget, epochs=STEP, work=work, verbose=0)
    manifest.write_text(before)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"budget": 5000}, ArgumentError, "budget=5000 is no budget"),
        ({"epochs": -1}, ArgumentError, "epochs=-1"),
        ({"workers": 0}, ArgumentError, "workers=0"),
        ({"sampler": "grid"}, ArgumentError, "sampler='grid' is not known"),
        ({"model": 3}, ModelError, "A Keras model was asked for"),
        ({"work": "/proc/nothing"}, StorageError, "cannot be written"),
    ],
)
def test_bad_settings_are_refused_before_any_work(change, kind, words, network, digits_data):
    train, val = digits_data
    asked = {"model": network, "train": train, "val": val, "budget": tfedge.Budget(macs=9)}
    with pytest.raises(kind, match=words):
        tfedge.compress(**(asked | change), verbose=0)


def test_labels_are_needed_and_leaks_are_warned_of(network, digits_data, tmp_path, monkeypatch):
    train, val = digits_data
    budget = tfedge.Budget(size_bytes=90_000, trials=1)
    with pytest.raises(DataError, match="val brings no labels"):
        tfedge.compress(network, train, val[0], budget, verbose=0)
    monkeypatch.setattr(session, "made", untrained)
    leaking = (np.concatenate([val[0], train[0][:3]]), np.concatenate([val[1], train[1][:3]]))
    with pytest.warns(UserWarning, match="3 of 600 samples of val are in train"):
        tfedge.compress(network, train, leaking, budget, epochs=0, work=tmp_path, verbose=0)


def test_what_binds_is_said_where_nothing_is_within_the_budget(
    network, digits_data, tmp_path, monkeypatch
):
    monkeypatch.setattr(session, "made", untrained)
    budget = tfedge.Budget(size_bytes=1000, accuracy_drop=0.02, trials=3)
    result = tfedge.compress(network, *digits_data, budget, epochs=1, work=tmp_path, verbose=0)
    assert not result.met
    assert result.verdict.startswith("None of 2 files is within the budget: size_bytes=1,000 binds")
    assert "out of reach: even with 5% of the multiply-accumulates" in result.verdict
    assert result.proof.binding.name == "size_bytes"
    nearest = min(result.trials, key=lambda one: one.measured.excess)
    assert result.chosen == nearest.number


def test_ctrl_c_keeps_the_best_so_far(network, digits_data, tmp_path, monkeypatch):
    calls = []

    def interrupted(job, recipe, watch):
        calls.append(recipe)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return untrained(job, recipe)

    budget = tfedge.Budget(accuracy_drop=0.3, trials=3)
    settings = {"epochs": 1, "work": tmp_path, "verbose": 0}
    monkeypatch.setattr(session, "made", interrupted)
    with pytest.warns(UserWarning, match="The search was interrupted by Ctrl-C"):
        result = tfedge.compress(network, *digits_data, budget, **settings)
    assert result.interrupted and [one.number for one in result.trials] == [0]
    assert result.best.size_bytes == result.trials[0].measured.size_bytes
    went_on = tfedge.compress(network, *digits_data, budget, **settings)
    assert not went_on.interrupted and len(went_on.trials) == 3
    assert calls[1] == calls[2]


def test_ctrl_c_before_there_is_a_file_is_ctrl_c(network, digits_data, tmp_path, monkeypatch):
    def interrupted(job, recipe, watch):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "made", interrupted)
    budget = tfedge.Budget(accuracy_drop=0.3)
    with pytest.raises(KeyboardInterrupt):
        tfedge.compress(network, *digits_data, budget, epochs=1, work=tmp_path, verbose=0)


def test_a_full_disk_is_said_and_gone_on_from(network, digits_data, tmp_path, monkeypatch):
    def full(job, recipe, watch):
        raise OSError(28, "No space left on device")

    budget, settings = tfedge.Budget(accuracy_drop=0.3, trials=1), {"epochs": 1, "verbose": 0}
    monkeypatch.setattr(session, "made", full)
    with pytest.raises(StorageError, match=r"No space left on device\. Make room"):
        tfedge.compress(network, *digits_data, budget, work=tmp_path, **settings)
    monkeypatch.setattr(session, "made", untrained)
    assert tfedge.compress(network, *digits_data, budget, work=tmp_path, **settings).met
    monkeypatch.setattr(session, "made", full)
    more = tfedge.Budget(accuracy_drop=0.3, trials=2)
    with pytest.warns(UserWarning, match="interrupted: .*No space left.*best so far"):
        kept = tfedge.compress(network, *digits_data, more, work=tmp_path, **settings)
    assert kept.interrupted and kept.met and len(kept.trials) == 1


def test_trials_that_fail_are_told_and_passed_over(network, digits_data, tmp_path, monkeypatch):
    def failing(job, recipe, watch):
        if recipe["steps"][0]["kind"] == "prune_channels":
            raise ModelError("no such thing")
        return untrained(job, recipe)

    monkeypatch.setattr(session, "made", failing)
    budget = tfedge.Budget(accuracy_drop=0.3, trials=2)
    result = tfedge.compress(network, *digits_data, budget, epochs=1, work=tmp_path, verbose=0)
    failed = result.trials[1]
    assert (failed.state, failed.note, failed.measured) == (
        "failed",
        "ModelError: no such thing",
        None,
    )
    assert result.chosen == 0
    with pytest.raises(ModelError, match="Trial 1 made no file"):
        result.file(1)


KILLED = """
import sys
import numpy as np
import tfedge
data = dict(np.load(sys.argv[1]))
train, val = (data["tx"], data["ty"]), (data["vx"], data["vy"])
budget = tfedge.Budget(gzip_bytes=5000, accuracy_drop=0.05, trials=4)
tfedge.compress(sys.argv[2], train, val, budget, epochs=2, work=sys.argv[3], verbose=0)
"""


@pytest.mark.slow
def test_a_killed_search_gives_the_same_file(found, network, digits_data, tmp_path):
    train, val = digits_data
    np.savez(tmp_path / "data.npz", tx=train[0], ty=train[1], vx=val[0], vy=val[1])
    network.save(tmp_path / "model.keras")
    work = tmp_path / "work"
    loss = {"loss": "sparse_categorical_crossentropy"}
    code = KILLED.replace("verbose=0", f"verbose=0, loss={loss['loss']!r}")
    names = [str(tmp_path / "data.npz"), str(tmp_path / "model.keras"), str(work)]
    process = subprocess.Popen([sys.executable, "-c", code, *names])
    end = time.time() + 300
    while not (work / "files" / "1.tflite").exists() and time.time() < end:
        time.sleep(0.2)
    process.kill()
    process.wait()
    assert Path(work, "files", "1.tflite").exists() and not Path(work, "files", "3.tflite").exists()
    budget = tfedge.Budget(gzip_bytes=5000, accuracy_drop=0.05, trials=4)
    model = tfedge.load(tmp_path / "model.keras")
    result = tfedge.compress(model, *digits_data, budget, epochs=STEP, work=work, verbose=0, **loss)
    whole = found[0]
    assert [one.recipe for one in result.trials] == [one.recipe for one in whole.trials]
    assert [result.file(n) for n in range(4)] == [whole.file(n) for n in range(4)]
    assert result.best == whole.best


@pytest.mark.slow
def test_two_processes_make_every_trial_once(network, digits_data, tmp_path):
    budget = tfedge.Budget(accuracy_drop=0.1, trials=6)
    result = tfedge.compress(
        network, *digits_data, budget, epochs=1, work=tmp_path, workers=2, verbose=0
    )
    assert [one.number for one in result.trials] == list(range(6))
    assert all(one.state == "complete" for one in result.trials)
    assert len({json.dumps(one.recipe) for one in result.trials}) == 6
    assert result.met
