"""The GPU delegate's conditions, each on an operator made for it.

What is expected was read off LiteRT's gpu_compatibility.cc and model_builder.cc.
"""

import pytest

from tfedge.runtime.accelerators.check import check
from tfedge.runtime.accelerators.gpu import gpu
from tfedge.runtime.accelerators.operator import Neighbours, Operator, operators_of
from tfedge.runtime.accelerators.options import operator_versions
from tfedge.runtime.graph import OperatorInfo, TensorInfo

TANH = {"fused_activation": 4, "cell_clip": 0.0, "proj_clip": 0.0, "kernel_type": 0}
BASIC = TANH | {"kernel_type": 1}


def tensor(index, text):
    """Return a tensor from ``"float32 1x8x4 constant"``."""
    dtype, sizes, *more = text.split(" ")
    shape = () if sizes == "-" else tuple(int(size) for size in sizes.split("x"))
    return TensorInfo(index, f"t{index}", shape, shape, dtype, constant="constant" in more)


def why(name, inputs, outputs, options=None, version=1, around=()):
    """Return why the delegate leaves an operator; ``None`` stands for an input left out."""
    places = [-1 if text is None else place for place, text in enumerate(inputs)]
    given = [tensor(place, text) for place, text in enumerate(inputs) if text]
    made = [tensor(100 + place, text) for place, text in enumerate(outputs)]
    numeric_type = made[0].dtype
    info = OperatorInfo(0, name, numeric_type, "t100", tuple(places), (100,), (), ())
    around = Neighbours(*around)
    return gpu(Operator(info, tuple(given), tuple(made), options or {}, {}, version, around))


F = "float32 1x8x8x4"
FULL = [*["float32 1x4"] * 18, "float32 1x4", "float32 1x4"]
CELL = ["float32 1x4", "float32 1x4", "float32 16x8 constant", "float32 16 constant", "float32 1x4"]
STATES = ["float32 1x4", "float32 1x4", "float32 1x8", "float32 1x16"]
FLAGS = ["float32 1x4", "float32 1x4"], ["bool 1x4"], None, 1
CASES = {
    "full LSTM": (("LSTM", FULL, ["float32 1x4"], TANH), ""),
    "full LSTM, optional inputs left out": (
        ("LSTM", [None, *FULL[1:19], *[None] * 5], ["float32 1x4"], TANH),
        "",
    ),
    "LSTM of 18 inputs": (("LSTM", FULL[:18], ["float32 1x4"], TANH), "20 or 24 inputs"),
    "LSTM with ReLU": (
        ("LSTM", FULL, ["float32 1x4"], TANH | {"fused_activation": 1}),
        "takes tanh activation only",
    ),
    "LSTM of two outputs": (("LSTM", FULL, ["float32 1x4"] * 2, TANH), "one output"),
    "LSTM of a new version": (("LSTM", FULL, ["float32 1x4"], TANH, 5), "versions up to 4"),
    "basic LSTM": (("LSTM", CELL, STATES, BASIC), ""),
    "basic LSTM with computed weights": (
        ("LSTM", [*CELL[:2], "float32 16x8", *CELL[3:]], STATES, BASIC),
        "3 computed and 2 constant inputs",
    ),
    "basic LSTM that clips": (("LSTM", CELL, STATES, BASIC | {"cell_clip": 1.0}), "cell_clip"),
    "basic LSTM that clips projections": (
        ("LSTM", CELL, STATES, BASIC | {"proj_clip": 1.0}),
        "proj_clip",
    ),
    "basic LSTM of an odd width": (
        ("LSTM", CELL, [*STATES[:3], "float32 1x18"], BASIC),
        "multiples of 4 only; there are 18",
    ),
    "dense of per-channel dynamic range": (
        ("FULLY_CONNECTED", ["float32 1x4", "int8 3x4 constant"], ["float32 1x3"], None, 12),
        "takes versions up to 9; the file asks for 12",
    ),
    "five axes": (("TANH", ["float32 1x2x2x2x2"], ["float32 1x2x2x2x2"]), "up to 4 axes"),
    "sum of whole numbers": (("ADD", ["int32 1x4"] * 2, ["int32 1x4"]), "int32 activations"),
    "add": (("ADD", [F, F], [F]), ""),
    "add a bias": (("ADD", [F, "float32 4 constant"], [F]), ""),
    "add three axes to four": (("ADD", [F, "float32 8x8x4"], [F]), ""),
    "add three axes to a batch": (
        ("ADD", ["float32 2x8x8x4", "float32 8x8x4"], ["float32 2x8x8x4"]),
        "cannot broadcast (8, 8, 4) to (2, 8, 8, 4)",
    ),
    "add one number": (("ADD", [F, "float32 1x1"], [F]), ""),
    "add a row to each sample": (
        ("ADD", ["float32 2x8x8x4", "float32 2x4"], ["float32 2x8x8x4"]),
        "",
    ),
    "multiply by a column": (("MUL", [F, "float32 8x4"], [F]), "cannot broadcast"),
    "outer product": (
        ("MUL", ["float32 1x8x1", "float32 1x1x8"], ["float32 1x8x8"]),
        "each is the smaller one",
    ),
    "unpack": (("UNPACK", [F], ["float32 1x8x4"]), ""),
    "ceil": (("CEIL", [F], [F]), "not among the supported"),
    "batch to space": (("BATCH_TO_SPACE_ND", [F], [F]), "not among the supported"),
    "comparison for a cast": (("LESS", *FLAGS, ((True, True, (("CAST", "float32"),)))), ""),
    "comparison for a choice": (("LESS", *FLAGS, ((True, True, (("SELECT_V2", "float32"),)))), ""),
    "comparison for int32": (
        ("LESS", *FLAGS, (True, True, (("CAST", "int32"),))),
        "one CAST or SELECT to float",
    ),
    "comparison for two": (
        ("LESS", *FLAGS, (True, True, (("CAST", "float32"),) * 2)),
        "one CAST or SELECT to float",
    ),
    "comparison as output": (("LESS", *FLAGS), "one CAST or SELECT to float"),
    "cast of flags": (
        ("CAST", ["bool 1x4"], ["float32 1x4"], None, 1, (True, True, (("MUL", "float32"),))),
        "",
    ),
    "cast of flags as output": (
        ("CAST", ["bool 1x4"], ["float32 1x4"], None, 1, (True, True, ())),
        "from one operator for one operator",
    ),
    "cast of flags from outside": (
        ("CAST", ["bool 1x4"], ["float32 1x4"], None, 1, (False, True, (("MUL", "float32"),))),
        "from one operator for one operator",
    ),
    "cast of flags that others read": (
        ("CAST", ["bool 1x4"], ["float32 1x4"], None, 1, (True, False, (("MUL", "float32"),))),
        "from one operator for one operator",
    ),
    "cast to whole numbers": (("CAST", ["float32 1x4"], ["int32 1x4"]), ""),
    "cast to long numbers": (("CAST", ["float32 1x4"], ["int64 1x4"]), "cannot cast"),
    "choice": (("SELECT_V2", ["bool 1x4", "float32 1x4", "float32 -"], ["float32 1x4"]), ""),
    "choice of rows": (
        ("SELECT_V2", ["bool 2x4", "float32 2x4", "float32 4"], ["float32 2x4"]),
        "cannot broadcast (4,)",
    ),
    "choice of a stored row": (
        ("SELECT", ["bool 1x4", "float32 1x4 constant", "float32 1x4"], ["float32 1x4"]),
        "no constant values of 2 axes",
    ),
    "choice of whole numbers": (
        ("SELECT", ["bool 1x4", "int32 1x4", "int32 1x4"], ["int32 1x4"]),
        "between floats only",
    ),
    "one hot": (
        (
            "ONE_HOT",
            ["int32 1", "int32 - constant", "float32 - constant", "float32 - constant"],
            ["float32 1x10"],
            {"axis": -1},
        ),
        "",
    ),
    "one hot of a row": (
        (
            "ONE_HOT",
            ["int32 3x1", "int32 - constant", "float32 - constant", "float32 - constant"],
            ["float32 3x1x10"],
            {"axis": -1},
        ),
        "one number in a batch",
    ),
    "one hot of computed values": (
        (
            "ONE_HOT",
            ["int32 1", "int32 - constant", "float32 -", "float32 - constant"],
            ["float32 1x10"],
            {"axis": -1},
        ),
        "constant float values",
    ),
    "one hot in front": (
        (
            "ONE_HOT",
            ["int32 1", "int32 - constant", "float32 - constant", "float32 - constant"],
            ["float32 10x1"],
            {"axis": 0},
        ),
        "a last axis only",
    ),
    "running sum": (("CUMSUM", [F, "int32 - constant"], [F]), ""),
    "running sum along a computed axis": (("CUMSUM", [F, "int32 -"], [F]), "constant axis"),
    "running sum of codes": (
        ("CUMSUM", ["int8 1x4", "int32 - constant"], ["int8 1x4"]),
        "float values",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_conditions_of_the_gpu_delegate(case):
    arguments, expected = CASES[case]
    if arguments[0] == "FULLY_CONNECTED":
        arguments = (*arguments[:3], {"weights_format": 0, "keep_num_dims": 0}, *arguments[4:])
    found = why(*arguments)
    assert expected in found
    assert bool(found) == bool(expected)


def test_versions_are_those_of_the_schema(load):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    for name in ("cnn_dynamic", "cnn_int8", "cnn_int16x8", "two_by_two", "lstm"):
        lite = load(name)
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(lite.content, 0))
        expected = [
            model.operatorCodes[operator.opcodeIndex].version
            for operator in model.subgraphs[0].operators
        ]
        assert list(operator_versions(lite)) == expected
        assert [item.version for item in operators_of(lite)] == expected


def test_neighbours_are_those_in_the_graph(load):
    first, *_, last = operators_of(load("cnn_float"))
    assert not first.neighbours.made
    assert first.neighbours.readers == (("DEPTHWISE_CONV_2D", "float32"),)
    assert last.neighbours == Neighbours(True, True, ())
    shape = next(i for i in operators_of(load("cnn_float")) if i.info.name == "SHAPE")
    assert not shape.neighbours.alone, "RESHAPE reads what SHAPE measures"


def test_only_the_largest_piece_runs_on_a_gpu(load):
    found = check(load("cnn_float"), "gpu")
    assert [row.runs for row in found.operators] == [True] * 4 + [False] * 4 + [True] * 2
    assert (found.partitions, found.mapped) == (2, 4)
    late = check(load("two_by_two"), "gpu")
    assert (late.partitions, late.mapped) == (1, 6)
