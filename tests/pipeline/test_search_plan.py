"""What is worth a trial, which comes next, and which is chosen."""

import itertools
import math
from dataclasses import replace

import pytest

pytest.importorskip("optuna")

from ledger_process import CURVES, made_up

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import Constraint, Measured
from tfedge.pipeline.drop import Drop
from tfedge.pipeline.pareto import front
from tfedge.pipeline.search.channel_stages import LEANS, ChannelStages
from tfedge.pipeline.search.ladder import next_rate
from tfedge.pipeline.search.ledger import Entry
from tfedge.pipeline.search.narrowing import packing_of, space_of, why_hopeless
from tfedge.pipeline.search.plan import TRIALS, Plan
from tfedge.pipeline.search.proving import ATTEMPTS, proven, ranked
from tfedge.pipeline.search.space import PLAIN, Space, recipe_of, settled


def entry(place, choice, budget, why="search", found=None):
    found = found or made_up(choice, budget)
    return Entry(place, {**PLAIN, **choice}, why, "complete", found, 0.0, "")


@pytest.mark.parametrize("last_good", [0.0, 0.37, 0.62, 0.9])
def test_the_walk_ends_within_two_least_steps_of_the_last_rate_that_is_allowed(last_good):
    tried, most = [], 0.9
    while (rate := next_rate(tried, most=most)) is not None:
        tried.append((rate, rate <= last_good))
        assert len(tried) < 15
    best = max((rate for rate, good in tried if good), default=0.0)
    assert best <= last_good < best + 0.08 or best == most
    assert all(rate <= most for rate, _ in tried)


def test_a_walk_that_must_begin_far_out_ends_if_that_is_not_allowed():
    assert next_rate([], start=0.5) == 0.5
    assert next_rate([(0.5, False)], start=0.5) is None
    assert next_rate([(0.5, True)], start=0.5) == 0.8


def test_space_is_what_can_be_within_the_budget():
    space = space_of(CURVES, Budget(macs=500_000), 4)
    assert space.most_channels == pytest.approx(0.5, rel=0.05)
    assert space.least_channels == 0.1
    assert space.sparsities == (0.0,) and space.clusters == (0,)
    assert "gzip only" in space.reasons["sparsity"]
    packed = space_of(CURVES, Budget(gzip_bytes=3000), 4)
    assert packed.sparsities == (0.0, 0.8) and packed.clusters == (0, 16)
    assert packed.most_channels == pytest.approx(1.0, rel=0.05)
    assert space_of(CURVES, Budget(gzip_bytes=1500), 4).most_channels < 0.5
    assert space_of(CURVES, Budget(accuracy_drop=0.1), 4).most_channels == 1.0


def test_what_is_out_of_reach_is_said_and_the_nearest_is_left():
    space = space_of(CURVES, Budget(macs=50_000), 4)
    assert space.most_channels == space.least_channels == 0.1
    assert "even with 10% of the multiply-accumulates" in space.reasons["macs"]
    budget = Budget(macs=50_000, accuracy_drop=0.1)
    plan = Plan(budget, space, CURVES)
    why, choice = plan([entry(0, PLAIN, budget)])
    assert why == "limit" and choice["channels"] == 0.1
    assert plan([entry(0, PLAIN, budget), entry(1, choice, Budget(size_bytes=1), "limit")]) is None


def test_curves_are_straight_lines_between_files():
    assert CURVES.at("size_bytes", 0.75) == pytest.approx(7750)
    assert CURVES.fraction_for("size_bytes", 7750) == pytest.approx(0.75, abs=0.003)
    assert CURVES.fraction_for("size_bytes", 10) is None
    assert packing_of(CURVES, 0.8, 0) == pytest.approx(3000 / 7800)
    assert packing_of(CURVES, 0.8, 16) == pytest.approx(3000 / 7800)
    assert packing_of(CURVES, 0.0, 0) == 1.0


def test_hopeless_choices_are_told_by_curves_and_by_trials():
    budget = Budget(macs=500_000, accuracy_drop=0.01)
    assert "expected from the curves" in why_hopeless({**PLAIN, "channels": 0.9}, CURVES, budget)
    narrow = {**PLAIN, "channels": 0.4, "epochs": 2}
    assert why_hopeless(narrow, CURVES, budget) == ""
    lost = entry(7, {"channels": 0.45, "epochs": 4}, budget)
    assert lost.measured.drop.drop > 0.01
    assert why_hopeless({**narrow, "channels": 0.25}, CURVES, budget, [lost]).startswith(
        "not trained: it goes further than trial 7, which lost "
    )
    longer = {**narrow, "epochs": 5}
    assert why_hopeless(longer, CURVES, budget, [lost]) == ""
    assert why_hopeless(narrow, CURVES, Budget(macs=500_000), [lost]) == ""


def test_limits_of_resources_are_met_first_and_again_if_the_curves_were_wrong():
    budget = Budget(size_bytes=5500)
    plan = Plan(budget, space_of(CURVES, budget, 4), CURVES)
    plain = entry(0, PLAIN, budget, "plain")
    why, choice = plan([plain])
    assert why == "limit" and choice["distill"] and choice["epochs"] == 4
    assert choice["channels"] == pytest.approx(0.5 * 1.03, rel=0.02)
    why, again = plan([plain, entry(1, choice, budget, "limit")])
    assert why == "limit" and again["channels"] < choice["channels"]
    within = entry(2, again, budget, "limit")
    assert within.measured.size_bytes <= 5500
    assert plan([plain, entry(1, choice, budget, "limit"), within]) == ("search", None)


def test_zeros_are_taken_where_the_limit_of_gzip_asks_for_them():
    budget = Budget(gzip_bytes=3200)
    plan = Plan(budget, space_of(CURVES, budget, 4), CURVES)
    choice = plan([entry(0, PLAIN, Budget(size_bytes=1))])[1]
    assert choice["sparsity"] == 0.8 and choice["channels"] == 1.0
    tight = Budget(gzip_bytes=2000, accuracy_drop=0.5)
    plan = Plan(tight, space_of(CURVES, tight, 4), CURVES)
    plain = entry(0, PLAIN, Budget(size_bytes=1))
    choice = plan([plain])[1]
    assert choice["sparsity"] == 0.8
    assert CURVES.at("gzip_bytes", choice["channels"]) * 3000 / 7800 <= 2000
    limit = entry(1, choice, Budget(size_bytes=1), "limit")
    rows = (Constraint("gzip_bytes", 2000, 1900, True, ""),)
    drop = Drop("accuracy", 0.9, 0.7, 0.2, 0.1, 0.3, 100)
    good = replace(limit, measured=Measured("m", 1, 1900, 1, drop, rows))
    why, walked = plan([plain, good])
    assert why == "walk" and walked["channels"] < choice["channels"]
    assert walked["channels"] == pytest.approx(choice["channels"] - 0.3, abs=0.002) or (
        walked["channels"] == 0.1
    )
    lost = replace(limit, measured=replace(good.measured, drop=replace(drop, drop=0.6)))
    assert plan([plain, lost]) == ("search", None)


STAGES = ChannelStages(
    (("stem", "conv"), ("deep",)),
    ((0, -1, 100.0), (0, 0, 300.0), (0, 1, 300.0)),
    (((0.6, 0.1), (0.3, 0.4)), ((0.6, 0.9), (0.3, 2.0))),
)


def test_the_best_planned_choice_is_tried_once_more_with_a_ratio_for_each_stage():
    budget = Budget(size_bytes=5500)
    plan = Plan(budget, space_of(CURVES, budget, 4, STAGES), CURVES)
    plain = entry(0, PLAIN, budget, "plain")
    over = entry(1, plan([plain])[1], budget, "limit")
    within = entry(2, plan([plain, over])[1], budget, "limit")
    why, choice = plan([plain, over, within])
    assert why == "stages" and choice["channels"] == within.choice["channels"]
    assert (choice["stage_1"], choice["stage_2"]) == STAGES.leans(choice["channels"])
    assert choice["stage_1"] > choice["stage_2"]
    assert {**choice, "scope": "global", "stage_1": 1.0, "stage_2": 1.0} == within.choice
    [step, *_] = recipe_of(plan.space, choice)["steps"]
    assert set(step["ratio"]) == {"stem", "conv", "deep"} and "macs" not in step
    assert step["ratio"]["stem"] == step["ratio"]["conv"] > step["ratio"]["deep"]
    heavy = replace(STAGES, parameters=((1, -1, 1000.0), (0, 1, 9000.0)))
    by_bytes = Plan(budget, space_of(CURVES, budget, 4, heavy), CURVES)([plain, over, within])[1]
    keeps = heavy.keeps(choice["channels"], [by_bytes[name] for name in ("stage_1", "stage_2")])
    assert 10_000 * heavy.parameters_left(keeps) <= 5500
    tried = entry(3, choice, budget, "stages")
    assert plan([plain, over, within, tried]) == ("search", None)
    assert plan([plain, over, within, tried, replace(within, place=4)]) == ("search", None)


def test_the_sampler_gives_each_stage_its_ratio():
    import optuna

    from tfedge.pipeline.recipe import Recipe

    space = space_of(CURVES, Budget(macs=500_000), 4, STAGES)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    chosen = [space.suggest(study.ask()) for _ in range(40)]
    staged = [one for one in chosen if one["scope"] == "stages"]
    assert len(staged) > 5 and len({(one["stage_1"], one["stage_2"]) for one in staged}) > 3
    for one in chosen:
        if one not in staged:
            assert one["stage_1"] == one["stage_2"] == 1.0
        Recipe.from_dict(recipe_of(space, one))
        inside = space.inside(one)
        assert ("stage_1" in inside) == (one["scope"] == "stages") and "stage_3" not in inside
    assert {one["stage_1"] for one in staged} <= set(LEANS)


def test_enough_is_enough():
    budget = Budget(accuracy_drop=0.5)
    plan = Plan(budget, space_of(CURVES, budget, 0), CURVES)
    many = [entry(n, {**PLAIN, "epochs": n}, budget) for n in range(TRIALS)]
    assert plan(many[:-1]) is not None and plan(many) is None
    assert Plan(Budget(size_bytes=9, trials=3), plan.space, CURVES)(many[:3]) is None
    assert Plan(budget, plan.space, CURVES, deadline=0.0)(many[:1]) is None
    assert Plan(budget, plan.space, CURVES, deadline=math.inf)(many[:1]) is not None
    as_good = entry(0, PLAIN, Budget(size_bytes=20_000))
    assert as_good.measured.met and as_good.measured.drop.drop == 0
    roomy = Budget(size_bytes=20_000)
    assert Plan(roomy, space_of(CURVES, roomy, 4), CURVES)([as_good]) is None


def file_of(drop, size, limits):
    told = Drop("accuracy", 0.9, 0.9 - drop, drop, drop, drop, 100)
    rows = [Constraint(n, m, v, v <= m, "") for n, m, v in limits]
    return Measured("m", size, size, size, told, tuple(rows))


def test_the_smallest_where_a_drop_is_allowed_else_the_most_accurate():
    limit = [("size_bytes", 100, 50)]
    small, good = file_of(0.02, 40, limit), file_of(0.0, 60, limit)
    over, far = (
        file_of(0.0, 150, [("size_bytes", 100, 150)]),
        file_of(0.0, 900, [("size_bytes", 100, 900)]),
    )
    entries = [
        entry(n, PLAIN, Budget(macs=1), found=one) for n, one in enumerate((far, over, good, small))
    ]
    with_drop = ranked(entries, Budget(size_bytes=100, accuracy_drop=0.05))
    assert [one.place for one in with_drop] == [3, 2, 1, 0]
    without = ranked(entries, Budget(size_bytes=100))
    assert [one.place for one in without] == [2, 3, 1, 0]


def test_the_proof_is_on_other_samples_and_tried_three_times_at_most():
    budget = Budget(accuracy_drop=0.01)
    fine = [("accuracy_drop", 0.01, 0.005)]
    entries = [entry(n, PLAIN, budget, found=file_of(0.005, 10 * (n + 1), fine)) for n in range(6)]

    def proof_with(met_from):
        asked = []

        def measure(one):
            asked.append(one.place)
            drop = 0.001 if one.place >= met_from else 0.05 - 0.01 * one.place
            return file_of(drop, 10, [("accuracy_drop", 0.01, drop)])

        return proven(entries, budget, measure), asked

    (chosen, proof, passed), asked = proof_with(2)
    assert (chosen.place, proof.met, passed, asked) == (2, True, (0, 1), [0, 1, 2])
    (chosen, proof, passed), asked = proof_with(9)
    assert len(asked) == ATTEMPTS and not proof.met
    assert chosen.place == 2 and passed == (0, 1)


def test_recipes_of_choices_are_recipes():
    from tfedge.pipeline.recipe import Recipe

    budget = Budget(gzip_bytes=3000, latency_ms=1)
    curves = CURVES.__class__(
        **{
            **{name: getattr(CURVES, name) for name in CURVES.__dataclass_fields__},
            "channels": tuple(
                (share, {**row, "latency_ms": share}) for share, row in CURVES.channels
            ),
        }
    )
    space = space_of(curves, budget, 4)
    everything = {
        **PLAIN,
        "channels": 0.5,
        "round_to": 8,
        "importance": "fisher",
        "epochs": 4,
        "distill": True,
        "sparsity": 0.8,
        "clusters": 16,
        "rounding": "qat",
    }
    kinds = [step["kind"] for step in recipe_of(space, everything)["steps"]]
    assert kinds == ["prune_channels", "distill", "prune", "cluster", "quantize", "convert"]
    assert Recipe.from_dict(recipe_of(space, everything)).steps[0].settings["round_to"] == 8
    plain = Recipe.from_dict(recipe_of(space, settled(PLAIN)))
    assert [step.kind for step in plain.steps] == ["recover", "convert"]


@pytest.mark.parametrize("epochs", range(9))
def test_all_training_of_a_trial_has_the_epochs_that_it_was_given(epochs):
    from tfedge.pipeline.recipe import Recipe

    space = Space("int8", 0.1, 1.0, (0.0, 0.8), (0, 16), 8, False, {})
    for sparsity, clusters, rounding in itertools.product((0.0, 0.8), (0, 16), ("recover", "qat")):
        wanted = {"sparsity": sparsity, "clusters": clusters, "rounding": rounding}
        choice = {**PLAIN, **wanted, "channels": 0.5, "epochs": epochs}
        steps = recipe_of(space, settled(choice))["steps"]
        assert sum(step.get("epochs", 0) for step in steps) == epochs
        Recipe.from_dict({"steps": steps})


def test_the_front_is_that_of_pairwise_comparison():
    import numpy as np

    costs = np.random.default_rng(0).integers(0, 6, (40, 3))
    costs[7] = costs[3]
    better = [
        n
        for n, row in enumerate(costs)
        if not any((other <= row).all() and (other < row).any() for other in costs)
    ]
    first = [n for n in better if not any((costs[m] == costs[n]).all() for m in better if m < n)]
    assert sorted(front(costs)) == first
