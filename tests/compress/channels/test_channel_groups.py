"""Which channels belong together, and which may not go, written down by hand."""

import channel_zoo
import keras as keras3
import numpy as np
import pytest
import tf_keras

from tfedge.compress.pruning.channels.dependency.places import reshaped
from tfedge.compress.pruning.channels.dependency.ties import Ties
from tfedge.compress.pruning.channels.graph import read_channels

BOTH = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])

REMOVABLE = {
    "residual": {"stem": 6, "inner": 5, "late": 7},
    "residual_of_input": {"inner": 5},
    "dense_block": {"a": 4, "b": 3, "c": 3},
    "concat_of_places": {"a": 4, "c": 3},
    "depthwise": {"wide": 6, "sep": 5, "last": 4},
    "squeeze_excite": {"conv": 6, "squeeze": 4},
    "flattened": {"conv": 4, "hidden": 6},
    "decoder": {"seed": 6, "up": 5, "up2": 4},
    "one_dimension": {"a": 6, "s": 5, "t": 4},
    "three_dimensions": {"a": 4, "t": 5},
    "grouped": {"a": 4, "columns": 3, "b": 4, "c": 6},
    "transformer": {
        "table": 8, "mha": 4, "mha#2": 6, "mha#3": 5, "wide": 16,
        "cross": 2, "cross#2": 3, "cross#3": 3, "cross#4": 6,
    },
    "recurrent": {"lstm": 6, "gru": 5, "td": 6, "gru1": 4, "rnn": 4},
    "both_directions": {"both": 5, "two": 4, "sum": 4},
    "cells": {"stack": 5, "stack#2": 4, "one": 4},
    "convolutional_recurrence": {"lstm": 4, "each": 5, "gru": 3},
    "shared": {"first": 5, "second": 5, "start": 5},
    "nested": {"conv": 5, "base_conv": 6},
    "einsum_dense": {"plain": 8, "heads": 4, "join": 6},
    "norms": {"places": 5, "soft": 6, "noisy": 5},
    "operators": {"conv": 4, "conv#2": 2, "join": 3},
    "mixer": {"tokens": 5, "channels": 7, "last": 5},
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("name", REMOVABLE)
def test_removable_groups(name, keras):
    graph = read_channels(channel_zoo.MODELS[name](keras))
    assert {group.name: group.size for group in graph.removable} == REMOVABLE[name]


@BOTH
@pytest.mark.parametrize(
    ("name", "group", "reason"),
    [
        ("residual", "head", "it is an output of the model"),
        ("residual_of_input", "back", "joined with the model's input"),
        ("squeeze_excite", "gate", "there is only one"),
        ("shuffled", "grouped", "all of them would go together"),
        ("transformer", "project", "takes its statistics over it"),
        ("norms", "unit", "takes its statistics over it"),
        ("norms", "probable", "activation 'softmax' of 'probable' mixes it"),
        ("unknown_layers", "odd", "'dot' (Dot), about whose channels nothing is known"),
        ("einsum_dense", "heads#2", "several axes"),
        ("attention_without_norm", "q2", "without a weight between"),
        ("mixer", "across", "while another axis carries channels"),
    ],
)
def test_reasons(name, group, reason, keras):
    graph = read_channels(channel_zoo.MODELS[name](keras))
    assert reason in graph.group(group).fixed
    assert graph.group(group) in graph.fixed


@BOTH
def test_members_of_a_residual_group(keras):
    graph = read_channels(channel_zoo.residual(keras))
    members = {(m.layer, m.weight, m.axis, m.role) for m in graph.group("stem").members}
    norm = next(m[0] for m in members if m[1] == "beta")
    assert members == {
        ("stem", "kernel", 3, "out"), ("stem", "bias", 0, "follows"),
        ("inner", "kernel", 2, "in"),
        ("outer", "kernel", 3, "out"), ("outer", "bias", 0, "follows"),
        (norm, "beta", 0, "follows"), (norm, "moving_mean", 0, "follows"),
        (norm, "moving_variance", 0, "follows"),
        ("late", "kernel", 2, "in"),
    }  # fmt: skip
    for member in graph.group("stem").members:
        assert np.array_equal(member.positions, np.arange(6)[:, None])


@BOTH
def test_positions_after_flatten_and_gates(keras):
    graph = read_channels(channel_zoo.flattened(keras))
    dense = next(m for m in graph.group("conv").members if m.layer == "hidden")
    assert dense.positions.tolist() == [[c + 4 * place for place in range(4)] for c in range(4)]
    graph = read_channels(channel_zoo.recurrent(keras))
    lstm = next(m for m in graph.group("lstm").members if m.weight == "cell.kernel" and m.axis == 1)
    assert lstm.positions[2].tolist() == [2, 8, 14, 20]
    graph = read_channels(channel_zoo.dense_block(keras))
    offsets = {m.layer: m.positions[0, 0] for m in graph.group("b").members if m.role == "in"}
    assert offsets["c"] == 4


@BOTH
def test_units_are_named(keras):
    graph = read_channels(channel_zoo.transformer(keras))
    assert [graph.group(f"mha{n}").unit for n in ("", "#2", "#3")] == [
        "head", "key dimension", "value dimension",
    ]  # fmt: skip
    assert "mha: 4 × head" in repr(graph)
    assert graph.group("wide").layers() == ("wide", "narrow", "cross")


def test_ties_agree_with_a_search():
    rng = np.random.default_rng(0)
    for _ in range(20):
        ties, pairs = Ties(), rng.integers(0, 60, (2, 40))
        ties.new(60)
        ties.tie(*pairs[:, :20])
        ties.labels()
        ties.tie(*pairs[:, 20:])
        neighbours = {one: {one} for one in range(60)}
        for a, b in pairs.T:
            merged = neighbours[a] | neighbours[b]
            for one in merged:
                neighbours[one] = merged
        assert ties.labels().tolist() == [min(neighbours[one]) for one in range(60)]


def test_long_chains_are_tied():
    ties = Ties()
    ids = ties.new(100_000)
    order = np.random.default_rng(0).permutation(ids)
    ties.tie(order[1:], order[:-1])
    assert not ties.labels().any()


@pytest.mark.parametrize(
    ("before", "axes", "after"),
    [
        ((2, 3, 4), (2,), (2, 12)),
        ((2, 3, 4), (1, 2), (2, 12)),
        ((2, 3, 4), (2,), (6, 4)),
        ((2, 12), (1,), (2, 3, 2, 2)),
        ((2, 1, 4), (2,), (2, 4)),
        ((2, 6, 4), (1,), (2, 3, 2, 4)),
        ((2, 6, 4), (2,), (2, 24, 1)),
    ],
)
def test_reshape_follows_numpy(before, axes, after):
    shape = [size if axis in axes else 1 for axis, size in enumerate(before)]
    ids = np.arange(np.prod(shape)).reshape(shape)
    expected = np.broadcast_to(ids, before).reshape(after)
    assert np.array_equal(np.broadcast_to(reshaped(ids, before, after), after), expected)


def test_reshape_that_mixes_the_batch_is_not_followed():
    assert reshaped(np.arange(3).reshape(1, 3, 1), (None, 3, 4), (None, 4)) is None
