"""How far removal goes: targets, costs by arithmetic, and the search."""

import numpy as np
import pytest

from tfedge.compress.pruning.channels.group import ChannelGroup, Member
from tfedge.compress.pruning.channels.planning.cost import CostModel
from tfedge.compress.pruning.channels.planning.ranking import Move, ranked
from tfedge.compress.pruning.channels.planning.search import drop_of, gone_after, moves_to
from tfedge.compress.pruning.channels.planning.targets import target_of
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3
from tfedge.models.graph import read_graph
from tfedge.models.statistics import model_statistics


def network(a=8, b=12, u=6):
    """Every kind of weight: convolution, depthwise, separable, normalization, recurrent, dense."""
    keras = keras3()
    layers = keras.layers
    inputs = keras.Input((9, 9, 3))
    x = layers.Conv2D(a, 3, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Conv2DTranspose(b, 3, name="up")(x)
    x = layers.Reshape((49, b), name="steps")(x)
    x = layers.GRU(u, name="gru")(x)
    return keras.Model(inputs, layers.Dense(2, name="head")(x))


def groups_of_network(a=8, b=12, u=6):
    def member(size, layer, weight, axis, role, k=1):
        return Member(layer, weight, axis, np.arange(size * k).reshape(k, size).T, role)

    return [
        ChannelGroup(
            "conv",
            a,
            (
                member(a, "conv", "kernel", 3, "out"),
                member(a, "conv", "bias", 0, "follows"),
                *(
                    member(a, "bn", w, 0, "follows")
                    for w in ("gamma", "beta", "moving_mean", "moving_variance")
                ),
                member(a, "depthwise", "kernel", 2, "follows"),
                member(a, "depthwise", "bias", 0, "follows"),
                member(a, "up", "kernel", 3, "in"),
            ),
        ),
        ChannelGroup(
            "up",
            b,
            (
                member(b, "up", "kernel", 2, "out"),
                member(b, "up", "bias", 0, "follows"),
                member(b, "gru", "cell.kernel", 0, "in"),
            ),
        ),
        ChannelGroup(
            "gru",
            u,
            (
                member(u, "gru", "cell.kernel", 1, "out", k=3),
                member(u, "gru", "cell.recurrent_kernel", 1, "out", k=3),
                member(u, "gru", "cell.recurrent_kernel", 0, "in"),
                member(u, "gru", "cell.bias", 1, "follows", k=3),
                member(u, "head", "kernel", 0, "in"),
            ),
        ),
    ]


@pytest.mark.parametrize("widths", [(8, 12, 6), (5, 12, 6), (8, 3, 6), (8, 12, 1), (2, 5, 3)])
def test_costs_are_those_of_the_smaller_network(widths):
    cost = CostModel(read_graph(network()), groups_of_network())
    gone = {n: w - s for n, w, s in zip(("conv", "up", "gru"), (8, 12, 6), widths, strict=True)}
    smaller = model_statistics(network(*widths))
    assert cost.parameters_left(gone) == smaller.parameters
    assert cost.bytes_left(gone) == 4 * smaller.parameters
    assert cost.macs_left(gone) == pytest.approx(smaller.macs)
    assert cost.channels_left(gone) == sum(widths)
    by_layer = {layer.name: layer.macs for layer in smaller.layers}
    for name, macs in cost.macs_by_layer(gone).items():
        assert macs == pytest.approx(by_layer[name])


def moves_of(*sizes):
    generator = np.random.default_rng(0)
    groups = [ChannelGroup(str(i), size, ()) for i, size in enumerate(sizes)]
    return ranked(groups, {group.name: generator.random(group.size) for group in groups})


@pytest.mark.parametrize("target", [3.0, 20.0, 49.5, 60.0])
def test_the_shortest_beginning_that_reaches_it(target):
    moves = moves_of(20, 30, 10)
    reached = moves_to(moves, lambda gone: 60 - sum(gone.values()), target)
    assert reached == moves[: 60 - int(target)]


def test_what_cannot_be_reached():
    assert moves_to(moves_of(4, 4), lambda gone: 8 - sum(gone.values()), 1.0) is None


def test_a_large_last_move_gives_way_to_smaller_ones():
    sizes = {"wide": 50.0, "slim": 1.0}
    moves = [Move("wide", np.array([i]), i / 10) for i in range(3)]
    moves += [Move("slim", np.array([i]), 1 + i / 10) for i in range(20)]
    moves.sort(key=lambda move: move.rank)

    def cost(gone):
        return 200 - sum(sizes[name] * count for name, count in gone.items())

    reached = gone_after(moves_to(moves, cost, 140.0))
    assert reached == {"wide": 1, "slim": 10}
    assert 0.98 * 140 <= cost(reached) <= 140
    assert gone_after(moves_to(moves, cost, 125.0)) == {"wide": 2}


def test_units_of_moves():
    moves = [
        Move("a", np.array([4, 1]), 0),
        Move("b", np.array([0]), 0),
        Move("a", np.array([2]), 1),
    ]
    drop = drop_of(moves)
    assert drop == {"a": [1, 2, 4], "b": [0]}


def test_goals():
    assert target_of(ratio=0.3).goal(100) == pytest.approx(70)
    assert target_of(macs=0.3).goal(1000) == pytest.approx(300)
    assert target_of(macs=250).goal(1000) == 250
    assert target_of(parameters=0.9).goal(1000) == pytest.approx(900)
    assert target_of(size_bytes=60_000).goal(10**6) == 60_000
    assert target_of(latency_ms=0.5, measure=lambda model: 1.0).goal(2.0) == 0.5
    assert target_of(latency_ms=1.0, measure=lambda model: 1.0).goal(2.0) == 1


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "One target is needed .* found none"),
        ({"ratio": 0.5, "macs": 0.5}, "found ratio and macs"),
        ({"ratio": 0}, r"ratio=0 must be a number in \(0, 1\)"),
        ({"ratio": 1.0}, "cannot lose all its channels"),
        ({"ratio": -0.1}, "ratio=-0.1"),
        ({"ratio": "half"}, "ratio='half'"),
        ({"ratio": float("nan")}, "ratio=nan"),
        ({"ratio": True}, "ratio=True"),
        ({"macs": 1.0}, "macs=1.0 must be a fraction"),
        ({"macs": 1.5}, "macs=1.5 must be a fraction"),
        ({"macs": -3}, "macs=-3 must be a number above 0"),
        ({"parameters": float("nan")}, "parameters=nan"),
        ({"size_bytes": 0}, "size_bytes=0"),
        ({"latency_ms": 1.0}, "latency_ms needs measure="),
        ({"macs": 0.5, "measure": max}, "macs is counted, not measured"),
    ],
)
def test_impossible_targets_are_refused(asked, says):
    with pytest.raises(ArgumentError, match=says):
        target_of(**asked)
