"""Trials are looked at while they train, and end where they are behind the others."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("optuna")

from ledger_process import CURVES, made_up

import tfedge
from tfedge.core.data import Batch
from tfedge.models.flavours import keras3
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.drop import Yardstick
from tfedge.pipeline.run import carried_out
from tfedge.pipeline.search.ledger import Entry, Ledger
from tfedge.pipeline.search.plan import Plan
from tfedge.pipeline.search.space import PLAIN, Space, recipe_of
from tfedge.pipeline.search.watching import BehindError, Watch, best_at, why_behind

SPACE = Space("int8", 0.1, 1.0, (0.0, 0.5), (0,), 4, False, {})
DROP, LIMIT = Budget(accuracy_drop=0.5), Budget(size_bytes=99_999)
CHOICE = {**PLAIN, "channels": 0.6, "epochs": 4, "distill": True, "sparsity": 0.5}


def entry(place, reports, budget=DROP):
    return Entry(place, PLAIN, "walk", "complete", made_up(PLAIN, budget), 0.0, "", reports)


OTHERS = [entry(n, {0.5: drop, 1.0: drop / 2}) for n, drop in enumerate((0.1, 0.2, 0.3, 0.4))]


@pytest.mark.parametrize(
    ("drop", "budget", "ends"),
    [(0.45, DROP, True), (0.35, DROP, False), (0.35, LIMIT, True), (0.15, LIMIT, False)],
)
def test_a_trial_ends_behind_all_or_behind_the_better_half(drop, budget, ends):
    others = [replace(one, measured=made_up(PLAIN, budget)) for one in OTHERS]
    why = why_behind(0.5, {0.5: drop}, others, budget)
    assert bool(why) == ends
    if ends:
        assert why.startswith(f"ended after 50% of its epochs: {drop:.2%} worse than the original")


def test_the_best_so_far_counts():
    assert why_behind(0.75, {0.5: 0.3, 0.75: 0.9}, OTHERS, DROP) == ""
    assert why_behind(0.75, {0.5: 0.31, 0.75: 0.9, 1.0: 0.0}, OTHERS, DROP) != ""


def test_it_does_not_end_early_or_late_or_without_others():
    bad = {0.25: 9.0, 0.5: 9.0, 1.0: 9.0}
    assert why_behind(0.5, bad, OTHERS, DROP) != ""
    assert why_behind(0.25, bad, OTHERS, DROP) == why_behind(1.0, bad, OTHERS, DROP) == ""
    assert why_behind(0.5, bad, OTHERS[:2], DROP) == ""
    late = [replace(one, reports={0.9: 0.1, 1.0: 0.1}) for one in OTHERS]
    assert why_behind(0.5, bad, late, DROP) == ""
    outside = [replace(one, measured=made_up(PLAIN, Budget(size_bytes=1))) for one in OTHERS]
    assert why_behind(0.5, bad, outside, DROP) == ""


def test_between_epochs_lies_a_straight_line():
    reports = {0.2: 0.5, 0.4: 0.1, 0.6: 0.3, 1.0: 0.0}
    assert [best_at(part, reports) for part in (0.2, 0.3, 0.6)] == pytest.approx([0.5, 0.3, 0.1])
    assert best_at(0.8, reports) == pytest.approx(0.05)


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(0).random((160, 6), "float32")
    return x, x[:, :3].argmax(1)


@pytest.fixture(scope="module")
def network(data):
    keras = keras3()
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((6,)),
        keras.layers.Dense(16, "relu", name="hidden"),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(3, "softmax", name="head"),
    ]
    model = keras.Sequential(stack, name="vectors")
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(*data, epochs=8, verbose=0)
    return model


def watched(folder, network, data, work, budget=DROP, why="search"):
    """Return the file of a trial that was watched, and the trial."""
    ledger = Ledger(folder, ("size_bytes",), "tpe", seed=0)
    taken = replace(ledger.take(SPACE, lambda entries: ("plain", CHOICE)), why=why)
    recipe = recipe_of(SPACE, CHOICE)
    watch = Watch(recipe, taken, ledger, Yardstick(network, Batch(*data)), budget)
    try:
        made = carried_out(recipe, network, data, None, work, 0, None, watch=watch).lite
    finally:
        ledger.give_back(taken)
        ledger.close()
    return made, taken


def test_who_watches_changes_nothing(network, data, tmp_path):
    made, taken = watched(tmp_path, network, data, None)
    assert sorted(taken.reports) == [0.25, 0.5, 0.75, 1.0]
    plain = tfedge.run(recipe_of(SPACE, CHOICE), network, data, seed=0, verbose=0)
    assert made == plain.lite


def test_what_was_reported_before_an_interruption_is_known_after_it(network, data, tmp_path):
    whole = watched(tmp_path / "whole", network, data, None)[1].reports
    first = watched(tmp_path / "killed", network, data, tmp_path / "stages")[1]
    again = watched(tmp_path / "killed", network, data, tmp_path / "stages")[1]
    assert first.place == again.place and first.reports == again.reports == whole


def test_a_trial_that_is_behind_ends_before_its_last_epoch(network, data, tmp_path, monkeypatch):
    better = [entry(n, {0.25: -1.0, 1.0: -1.0}) for n in range(3)]
    monkeypatch.setattr(Ledger, "entries", lambda ledger: better)
    with pytest.raises(BehindError, match="ended after 50% of its epochs"):
        watched(tmp_path / "a", network, data, tmp_path / "stages")
    planned, taken = watched(tmp_path / "b", network, data, None, why="walk")
    assert len(taken.reports) == 4 and planned.size_bytes > 0


def test_trials_that_trained_count_and_those_that_did_not_do_not():
    budget = Budget(accuracy_drop=0.5, trials=3)
    plan = Plan(budget, SPACE, CURVES)
    plain = Entry(0, PLAIN, "plain", "complete", made_up(PLAIN, budget), 0.0, "")
    told = replace(plain, why="search", state="hopeless", measured=None)
    untrained = [plain, replace(told, place=1), replace(told, place=2)]
    assert plan(untrained) is not None
    assert plan([plain, *(replace(one, reports={0.5: 1.0}) for one in untrained[1:])]) is None
