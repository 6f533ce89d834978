"""The order in which units go, against sorting by hand."""

import numpy as np
import pytest

from tfedge.compress.pruning.channels.group import ChannelGroup, Member
from tfedge.compress.pruning.channels.planning.limits import Limits, why_left_alone
from tfedge.compress.pruning.channels.planning.ranking import ranked
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3


@pytest.fixture
def scores():
    generator = np.random.default_rng(0)
    return {"a": generator.random(10), "b": generator.random(20) * 3, "c": generator.random(5)}


@pytest.fixture
def groups(scores):
    return [ChannelGroup(name, len(one), ()) for name, one in scores.items()]


def units(moves):
    return [(move.group, int(unit)) for move in moves for unit in move.units]


def test_global_is_one_sorted_list(groups, scores):
    everything = sorted(
        (score, name, i) for name, one in scores.items() for i, score in enumerate(one)
    )
    largest = {name: int(np.argmax(one)) for name, one in scores.items()}
    expected = [(name, i) for _, name, i in everything if largest[name] != i]
    assert units(ranked(groups, scores, "global")) == expected


def test_local_takes_the_same_fraction_everywhere(groups, scores):
    moves = ranked(groups, scores, "local")
    for fraction in (0.2, 0.4, 0.6, 0.8):
        gone = units(move for move in moves if move.rank <= fraction + 1e-9)
        for name, one in scores.items():
            here = {unit for group, unit in gone if group == name}
            assert here == set(np.argsort(one)[: round(fraction * len(one))].tolist())


def test_isomorphic_compares_groups_of_one_structure():
    keras = keras3()
    layers = {name: keras.layers.Dense(4) for name in "ab"} | {"conv": keras.layers.Conv2D(4, 1)}
    made = {
        name: (Member(name, "kernel", len(shape) - 1, np.arange(4)[:, None], "out"),)
        for name, shape in {"a": "io", "b": "io", "conv": "hwio"}.items()
    }
    groups = [ChannelGroup(name, 4, members) for name, members in made.items()]
    scores = {"a": np.array([1, 2, 3, 4.0]), "b": np.array([5, 6, 7, 8.0]), "conv": np.arange(4.0)}
    moves = ranked(groups, scores, "isomorphic", layers=layers)
    half = units(move for move in moves if move.rank <= 0.5)
    assert half == [("a", 0), ("a", 1), ("conv", 0), ("a", 2), ("b", 0), ("conv", 1)]


def test_widths_stay_multiples(groups, scores):
    limits = Limits(round_to=4, minimum=8)
    gone = {"a": [2], "b": [4, 4, 4], "c": []}
    for scope in ("local", "global"):
        moves = ranked(groups, scores, scope, limits)
        assert {n: [len(m.units) for m in moves if m.group == n] for n in scores} == gone
        for name, one in scores.items():
            order = [unit for group, unit in units(moves) if group == name]
            assert order == np.argsort(one)[: len(order)].tolist()
    assert why_left_alone(groups[2], limits) == "5 wide, and that is the least allowed"
    assert why_left_alone(groups[2], Limits(round_to=8)) == "5 wide, and widths are multiples of 8"
    assert why_left_alone(groups[0], limits) is None


def test_the_least_width_may_be_a_fraction():
    group = ChannelGroup("a", 10, ())
    assert Limits(minimum=0.25).removable(group) == (1, 2, 3, 4, 5, 6, 7)
    assert Limits().removable(group) == tuple(range(1, 10))


def test_heads_are_not_rounded():
    group = ChannelGroup("attention", 4, (), unit="head")
    assert Limits(round_to=8).removable(group) == (1, 2, 3)


def test_groups_without_scores_lose_nothing(groups, scores):
    del scores["b"]
    for scope in ("local", "global"):
        assert {move.group for move in ranked(groups, scores, scope)} == {"a", "c"}


@pytest.mark.parametrize(
    "settings", [{"round_to": 0}, {"minimum": 0}, {"minimum": 1.5}, {"minimum": -0.5}]
)
def test_impossible_limits_are_refused(settings):
    with pytest.raises(ArgumentError, match=str(next(iter(settings)))):
        Limits(**settings)


def test_unknown_scope(groups, scores):
    with pytest.raises(ArgumentError, match="scope='layerwise' is not known"):
        ranked(groups, scores, "layerwise")
