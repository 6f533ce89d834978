"""Which operators run on an Edge TPU or a GPU."""

import dataclasses

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.accelerators.check import _edgetpu, check, partitions
from tfedge.runtime.accelerators.operator import Operator, operators_of
from tfedge.runtime.accelerators.options import operator_options
from tfedge.runtime.graph import OperatorInfo, TensorInfo

# Read off the conditions in LiteRT's gpu_compatibility.cc and model_builder.cc: SHAPE is none of
# the cases, STRIDED_SLICE must not shrink an axis, PACK takes no int32, RESHAPE has one computed
# input, GATHER a vector of indices.
_SHAPES = ["SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE"]
_MISFITS = {
    "cnn_dynamic": _SHAPES,
    "cnn_float": _SHAPES,
    "cnn_int8": _SHAPES,
    "cnn_int8_float_io": _SHAPES,
    "fixed_reshape": [],
    "four_at_once": [],
    "mixes_samples": [],
    "sparse": [],
    "tokens": ["GATHER"],
    "two_by_two": _SHAPES,
}


@pytest.mark.parametrize("name", _MISFITS)
def test_what_a_gpu_does_not_take(load, name):
    found = check(load(name), "gpu")
    assert [row.name for row in found.misfits] == _MISFITS[name]
    assert found.fits == (not _MISFITS[name])


def test_float16_weights_are_unpacked_for_a_gpu(load):
    found = check(load("cnn_float16"), "gpu")
    assert {row.name for row in found.misfits} == {
        row.name for row in check(load("cnn_float"), "gpu").misfits
    }


def test_an_int8_file_on_an_edge_tpu(load):
    found = check(load("cnn_int8"), "edgetpu")
    assert [row.name for row in found.misfits] == ["SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE"]
    assert found.mapped == 4, "what comes before the first that does not run"
    assert not found.fits
    assert "4 of 10 operators" in repr(found)


def test_float_and_16_bits_do_not_run_on_an_edge_tpu(load):
    for name, kind in (("cnn_float", "float32"), ("cnn_int16x8", "int16")):
        found = check(load(name), "edgetpu")
        assert found.mapped == 0
        assert found.operators[0].why == f"{kind} activations; int8 ones are needed"


def test_the_table(load):
    found = check(load("cnn_int8"), "gpu")
    frame = found.to_pandas()
    assert list(frame.columns) == ["index", "name", "numeric_type", "output", "runs", "why"]
    assert frame.runs.sum() == len(found.operators) - len(found.misfits) == 6
    assert [row.name for row in found.operators] == [o.name for o in load("cnn_int8").operators]


def test_settings_of_operators_are_those_of_the_schema(load):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    names = {"dilation_w": "dilationWFactor", "dilation_h": "dilationHFactor"}
    names |= {"fused_activation": "fusedActivationFunction", "depth_multiplier": "depthMultiplier"}
    names |= {"weights_format": "weightsFormat", "keep_num_dims": "keepNumDims", "beta": "beta"}
    names |= {"ellipsis_mask": "ellipsisMask", "new_axis_mask": "newAxisMask", "axis": "axis"}
    names |= {"shrink_axis_mask": "shrinkAxisMask"}
    seen = set()
    for name in (*_MISFITS, "lstm"):
        lite = load(name)
        graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(lite.content, 0)).subgraphs[0]
        for ours, theirs in zip(operator_options(lite), graph.operators, strict=True):
            for key, value in ours.items():
                assert value == getattr(theirs.builtinOptions, names[key])
                seen.add(key)
    assert seen >= set(names)


def tensor(index, shape, dtype="int8", **more):
    return TensorInfo(index, f"t{index}", shape, shape, dtype, **more)


def why(name, shapes, out, options=None, constants=None, dtype="int8"):
    """Return why an operator of these shapes does not run on an Edge TPU."""
    constants = constants or {}
    if constants == "rest":
        constants = dict.fromkeys(range(1, len(shapes)), 0)
    inputs = [tensor(i, shape, dtype, constant=i in constants) for i, shape in enumerate(shapes)]
    stored = {place: np.asarray(value) for place, value in constants.items()}
    info = OperatorInfo(0, name, dtype, "out", (), (), (), ())
    return _edgetpu(Operator(info, tuple(inputs), (tensor(9, out, dtype),), options or {}, stored))


PLAIN = {"dilation_w": 1, "dilation_h": 1, "depth_multiplier": 1, "fused_activation": 0}
CASES = {
    "wide batch": (("ADD", [(2, 8, 8, 4)] * 2, (2, 8, 8, 4)), "innermost"),
    "add": (("ADD", [(1, 8, 8, 4)] * 2, (1, 8, 8, 4)), ""),
    "dilated": (
        ("CONV_2D", [(1, 8, 8, 4), (4, 3, 3, 4)], (1, 8, 8, 4), PLAIN | {"dilation_w": 2}, "rest"),
        "same dilation",
    ),
    "dilated depthwise": (
        (
            "DEPTHWISE_CONV_2D",
            [(1, 8, 8, 4), (1, 3, 3, 4)],
            (1, 8, 8, 4),
            PLAIN | {"dilation_w": 2, "dilation_h": 2},
            "rest",
        ),
        "",
    ),
    "dilated depthwise, one way": (
        (
            "DEPTHWISE_CONV_2D",
            [(1, 8, 8, 4), (1, 3, 3, 4)],
            (1, 8, 8, 4),
            PLAIN | {"dilation_h": 2},
            "rest",
        ),
        "same dilation",
    ),
    "computed weights": (
        ("CONV_2D", [(1, 8, 8, 4), (1, 3, 3, 4)], (1, 8, 8, 4), PLAIN),
        "weights that lie in the file",
    ),
    "fused pool": (
        ("MAX_POOL_2D", [(1, 8, 8, 4)], (1, 4, 4, 4), {"fused_activation": 1}),
        "no fused activation",
    ),
    "mean": (("MEAN", [(1, 8, 8, 4), (2,)], (1, 4), None, {1: [1, 2]}), ""),
    "mean of batch": (("MEAN", [(1, 8, 4), (1,)], (8, 4), None, {1: [-3]}), "batch"),
    "pad": (
        ("PAD", [(1, 8, 8, 4), (4, 2)], (1, 9, 8, 4), None, {1: [[0, 0], [1, 0], [0, 0], [0, 0]]}),
        "",
    ),
    "pad channels": (
        ("PAD", [(1, 8, 8, 4), (4, 2)], (1, 8, 8, 5), None, {1: [[0, 0], [0, 0], [0, 0], [0, 1]]}),
        "",
    ),
    "pad batch": (
        ("PAD", [(1, 8, 4), (3, 2)], (2, 8, 4), None, {1: [[0, 1], [0, 0], [0, 0]]}),
        "batch",
    ),
    "mean of channels": (("MEAN", [(1, 8, 8, 8), (1,)], (1, 8, 8), None, {1: [3]}), ""),
    "mean of six channels": (
        ("MEAN", [(1, 8, 8, 6), (1,)], (1, 8, 8), None, {1: [-1]}),
        "multiples of 4 only; there are 6",
    ),
    "long softmax": (("SOFTMAX", [(1, 16_001)], (1, 16_001)), "16,000"),
    "softmax": (("SOFTMAX", [(1, 16_000)], (1, 16_000)), ""),
    "softmax of rows": (("SOFTMAX", [(1, 8, 10)], (1, 8, 10)), "one vector"),
    "dense rows": (
        ("FULLY_CONNECTED", [(8, 4), (3, 4)], (8, 3), {"weights_format": 0}, "rest"),
        "one vector",
    ),
    "strided": (
        (
            "STRIDED_SLICE",
            [(1, 8, 4), (3,), (3,), (3,)],
            (1, 4, 4),
            {"ellipsis_mask": 0, "new_axis_mask": 0},
            {1: [0, 0, 0], 2: [1, 8, 4], 3: [1, 2, 1]},
        ),
        "strides of 1",
    ),
    "slopes": (("PRELU", [(1, 8, 8, 4), (8, 8, 4)], (1, 8, 8, 4), None, "rest"), "each channel"),
    "unknown": (("HARD_SWISH", [(1, 4)], (1, 4)), "not among"),
    "squeeze": (("SQUEEZE", [(1, 1, 8, 4)], (8, 4)), ""),
    "squeeze inside": (("SQUEEZE", [(1, 8, 1, 4)], (8, 4)), "leading axes"),
    "split batch": (("SPLIT", [(), (2, 4)], (1, 4), None, {0: 0}), "batch"),
    "pack": (("PACK", [(1, 4), (1, 4)], (1, 2, 4), {"axis": 1}), ""),
    "zeros": (
        ("CONCATENATION", [(1, 4), (1, 4)], (1, 8), {"fused_activation": 0}, {1: [0] * 4}),
        "",
    ),
    "ones": (
        ("CONCATENATION", [(1, 4), (1, 4)], (1, 8), {"fused_activation": 0}, {1: [1] * 4}),
        "of zeros",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_limits_of_the_edge_tpu(case):
    arguments, expected = CASES[case]
    found = why(*arguments)
    assert expected in found
    assert bool(found) == bool(expected)


def test_open_sizes_do_not_run_on_an_edge_tpu(load):
    item = operators_of(load("cnn_int8"))[0]
    open_sizes = dataclasses.replace(item.inputs[0], shape_signature=(1, -1, -1, 1))
    changed = dataclasses.replace(item, inputs=(open_sizes, *item.inputs[1:]))
    assert "no constant size" in _edgetpu(changed)
    assert not _edgetpu(item)


def chain(links):
    """Return operators from (inputs, outputs)."""
    info = OperatorInfo(0, "ADD", "int8", "t", (), (), (), ())
    return [
        Operator(
            info, tuple(tensor(i, (1,)) for i in i_), tuple(tensor(o, (1,)) for o in o_), {}, {}
        )
        for i_, o_ in links
    ]


def test_pieces():
    line = chain([([0], [1]), ([1], [2]), ([2], [3]), ([3], [4])])
    assert partitions(line, [True] * 4) == [[0, 1, 2, 3]]
    assert partitions(line, [True, False, True, True]) == [[0], [2, 3]]
    assert partitions(line, [False] * 4) == []
    fork = chain([([0], [1]), ([0], [2]), ([0], [3]), ([1, 2, 3], [4])])
    assert partitions(fork, [True, False, True, True]) == [[0, 2], [3]], "branches share a piece"


def test_what_cannot_be_checked(load):
    with pytest.raises(ArgumentError, match="'edgetpu', 'gpu', 'micro'"):
        tfedge.check(load("cnn_int8"), "npu")
    with pytest.raises(ModelError, match="Convert it to a TFLiteModel"):
        tfedge.check(len, "gpu")


def test_tflite_micro_runs_all_or_nothing(load):
    assert tfedge.check(load("cnn_int8"), "micro").fits
    found = tfedge.check(load("cnn_dynamic"), "micro")
    assert not found.fits and found.mapped == 0
    assert {row.why for row in found.misfits} == {
        "float activations with integer weights are not supported"
    }
    half = tfedge.check(load("cnn_float16"), "micro").misfits
    assert {(row.name, row.why) for row in half} == {("DEQUANTIZE", "float16 is not supported")}
    assert tfedge.check(load("words"), "micro").misfits[0].why == "strings are not supported"
    [densify] = tfedge.check(load("sparse"), "micro").misfits
    assert densify.why == "tflite-micro has no such operator"
