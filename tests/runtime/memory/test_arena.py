"""The plan of memory against graphs whose places were worked out by hand."""

import itertools

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ModelError
from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.memory.arena import Buffer, life_times, plan, plan_arena


def tensor(index, shape, dtype="int8", **more):
    return TensorInfo(index, f"t{index}", shape, shape, dtype, **more)


def operators(*edges):
    return [
        OperatorInfo(i, "ANY", "int8", "", inputs, outputs, (), ())
        for i, (inputs, outputs) in enumerate(edges)
    ]


def offsets(found):
    return {one.name: one.offset_bytes for one in found.buffers}


def test_a_chain_reuses_what_is_no_longer_needed():
    # 0 (64) -> 1 (128) -> 2 (32) -> 3 (96): the largest at 0, the next beside it if they meet.
    tensors = [tensor(i, (1, size)) for i, size in enumerate((64, 128, 32, 96))]
    chain = operators(((0,), (1,)), ((1,), (2,)), ((2,), (3,)))
    found = plan(life_times(tensors, chain, [0], [3]))
    assert offsets(found) == {"t1": 0, "t3": 0, "t0": 128, "t2": 128}
    assert found.arena_bytes == found.peak_bytes == 192


def test_a_residual_branch_lives_until_the_sum():
    # t0 is read by the first and the last operator; t1 and t2 are between.
    tensors = [tensor(i, (1, 100)) for i in range(4)]
    graph = operators(((0,), (1,)), ((1,), (2,)), ((0, 2), (3,)))
    buffers = life_times(tensors, graph, [0], [3])
    assert [(one.first, one.last) for one in buffers] == [(0, 2), (0, 1), (1, 2), (2, 2)]
    found = plan(buffers)
    # All 112 bytes, so the last goes first: t3 at 0; t2 meets it; t1 does not, and meets t2 only;
    # t0 meets all of them.
    assert offsets(found) == {"t3": 0, "t2": 112, "t1": 0, "t0": 224}
    assert found.arena_bytes == 336


def test_gaps_are_filled_and_greed_can_waste():
    # Sizes in units of 16: a 4 (times 0-1), b 3 (1-2), c 2 (2-3), d 1 (0-3).
    buffers = [Buffer("a", 64, 0, 1), Buffer("b", 48, 1, 2), Buffer("c", 32, 2, 3)]
    found = plan([*buffers, Buffer("d", 16, 0, 3)])
    # a at 0; b beside it at 64; c under b at 0; d meets all: the gap between c (to 32) and b
    # (from 64) is taken by a up to 64, so it goes on top.
    assert offsets(found) == {"a": 0, "b": 64, "c": 0, "d": 112}
    assert (found.arena_bytes, found.peak_bytes) == (128, 128)
    # A gap of exactly the size between two others.
    high = [Buffer("x", 64, 0, 9), Buffer("y", 48, 0, 1), Buffer("z", 32, 0, 9)]
    assert offsets(plan([*high, Buffer("w", 48, 5, 6)])) == {"x": 0, "y": 64, "w": 64, "z": 112}


def test_sizes_are_those_of_the_types_on_16_bytes():
    sizes = {"int8": 16, "int16": 32, "float32": 48, "int64": 80, "bool": 16}
    for dtype, size in sizes.items():
        [one] = life_times([tensor(0, (1, 3, 3), dtype)], operators(((0,), ())), [0], [])
        assert one.size_bytes == size


def test_constants_need_nothing_and_states_lie_elsewhere():
    tensors = [
        tensor(0, (1, 16)),
        tensor(1, (1, 999), constant=True),
        tensor(2, (1, 32), variable=True),
        tensor(3, (1, 16)),
        tensor(4, (1, 16)),
    ]
    graph = operators(((0, 1), (3,)), ((3, -1, 2), (4,)))
    found = {one.name: (one.first, one.last) for one in life_times(tensors, graph, [0], [4])}
    assert found == {"t0": (0, 0), "t3": (0, 1), "t4": (1, 1)}


def test_an_output_that_is_read_again_lives_to_the_end():
    tensors = [tensor(i, (1, 16)) for i in range(4)]
    graph = operators(((0,), (1,)), ((1,), (2,)), ((2,), (3,)))
    found = {one.name: one.last for one in life_times(tensors, graph, [0], [1, 3])}
    assert found["t1"] == 2 and found["t0"] == 0


def test_states_are_counted_apart(load):
    model = load("lstm")
    [cell, hidden] = (one for one in model.tensors() if one.variable)
    # Both on 16 bytes; the hidden state of 8-bit codes, the cell's of 16-bit ones or floats.
    found = plan_arena(model)
    sizes = [np.prod(one.shape) * np.dtype(one.dtype).itemsize for one in (cell, hidden)]
    assert found.state_bytes == sum(-(-int(size) // 16) * 16 for size in sizes)
    assert not {cell.name, hidden.name} & {one.name for one in found.buffers}
    assert "for states" in repr(found)


def test_strings_have_no_plan():
    with pytest.raises(ModelError, match="'t0' is of type bytes"):
        life_times([tensor(0, (2,), "bytes")], operators(((0,), ())), [0], [])


@pytest.mark.parametrize("seed", range(20))
def test_nothing_overlaps_in_random_plans(seed):
    rng = np.random.default_rng(seed)
    buffers = []
    for i in range(30):
        first, last = np.sort(rng.integers(0, 20, 2)).tolist()
        buffers.append(Buffer(f"b{i}", 16 * int(rng.integers(1, 40)), first, last))
    found = plan(buffers)
    for a, b in itertools.combinations(found.buffers, 2):
        if a.first <= b.last and b.first <= a.last:
            apart = a.offset_bytes + a.size_bytes <= b.offset_bytes
            assert apart or b.offset_bytes + b.size_bytes <= a.offset_bytes
    used = [sum(b.size_bytes for b in buffers if b.first <= t <= b.last) for t in range(20)]
    assert found.peak_bytes == max(used) <= found.arena_bytes


def test_files(load, tflite_files):
    found = plan_arena(load("cnn_int8"))
    # 8x8 image -> 8x8x16 -> 6x6x16 -> 6x6x24 -> 3x3x24 -> 10; the first pair is the largest.
    assert found.peak_bytes == 8 * 8 * 16 + 6 * 6 * 16
    assert found.arena_bytes == found.peak_bytes
    assert plan_arena(tflite_files / "cnn_int8.tflite") == found
    assert plan_arena(load("cnn_float")).peak_bytes == 4 * found.peak_bytes
    assert "in use at the peak" in repr(found)


def test_a_model_is_refused():
    with pytest.raises(ModelError, match="Convert it to a TFLiteModel first"):
        tfedge.runtime.plan_arena(object())
