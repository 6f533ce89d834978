"""What a worker reads out of a file: tensors, operators, stored values. Delegates stay off.

A delegate would hide the operators that it takes over behind one node of its own.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.runtime.interpreter import open_interpreter, runtime_module

_SPARE_BYTES = 2 << 30


def describe(content: np.ndarray, runtime: str) -> dict[str, Any]:
    """Return tensors, operators, inputs, outputs and signatures of a file as plain data.

    Args:
        content: Bytes of the file, uint8.
        runtime: Which installed runtime reads it.
    """
    runtime_module(runtime)
    with _frugal(content.nbytes):
        return _described(open_interpreter(runtime, content.tobytes(), delegates=False))


def _described(interpreter: Any) -> dict[str, Any]:
    """Return what an interpreter knows about its file."""
    operators = [_operator(item) for item in interpreter._get_ops_details()]
    inputs = [int(item["index"]) for item in interpreter.get_input_details()]
    stored = {item["index"] for item in _stored(interpreter)}
    made = {index for operator in operators for index in operator["outputs"]}
    tensors = [_tensor(item) for item in interpreter.get_tensor_details()]
    for tensor in tensors:
        tensor["constant"] = tensor["index"] in stored
        tensor["variable"] = tensor["index"] not in stored | made | set(inputs)
    return {
        "tensors": tensors,
        "operators": operators,
        "inputs": inputs,
        "outputs": [int(item["index"]) for item in interpreter.get_output_details()],
        "signatures": interpreter._get_full_signature_list(),
    }


def constants(content: np.ndarray, runtime: str) -> dict[int, np.ndarray]:
    """Return the stored values of a file by tensor index, sparse ones made dense.

    A value that only a DENSIFY operator reads is stored sparsely; its dense form appears under
    the index of that operator's output, after one run on zeros.
    """
    interpreter = open_interpreter(runtime, content.tobytes(), delegates=False, keep=True)
    values = {
        item["index"]: np.copy(interpreter.get_tensor(item["index"]))
        for item in _stored(interpreter)
    }
    sparse = [op for op in interpreter._get_ops_details() if op["op_name"] == "DENSIFY"]
    if sparse:
        interpreter.allocate_tensors()
        interpreter.invoke()
    for operator in sparse:
        values.pop(int(operator["inputs"][0]))
        index = int(operator["outputs"][0])
        values[index] = np.copy(interpreter.get_tensor(index))
    return values


def activations(
    content: np.ndarray, runtime: str, arrays: list[np.ndarray]
) -> list[tuple[int, np.ndarray]]:
    """Run samples one by one and return every tensor that the file computes, stacked.

    Args:
        content: Bytes of the file, uint8.
        runtime: Which installed runtime runs it.
        arrays: One array per input, exact types, samples along the first axis.
    """
    interpreter = open_interpreter(runtime, content.tobytes(), delegates=False, keep=True)
    inputs = interpreter.get_input_details()
    for item, array in zip(inputs, arrays, strict=True):
        interpreter.resize_tensor_input(item["index"], (1, *array.shape[1:]), strict=False)
    interpreter.allocate_tensors()
    operators = interpreter._get_ops_details()
    computed = [int(index) for op in operators for index in op["outputs"] if index >= 0]
    rows: dict[int, list[np.ndarray]] = {index: [] for index in computed}
    for sample in range(len(arrays[0])):
        interpreter.reset_all_variables()
        for item, array in zip(inputs, arrays, strict=True):
            interpreter.set_tensor(item["index"], array[sample : sample + 1])
        interpreter.invoke()
        for index, row in rows.items():
            row.append(np.copy(interpreter.get_tensor(index)))
    return [(index, np.concatenate(row)) for index, row in rows.items() if _alike(row)]


def _alike(row: list[np.ndarray]) -> bool:
    """Return whether the values of one tensor can be stacked: numbers, one entry per sample."""
    shapes = {value.shape for value in row}
    return len(shapes) == 1 and row[0].shape[:1] == (1,) and row[0].dtype.kind in "fiub"


@contextlib.contextmanager
def _frugal(size: int) -> Generator[None, None, None]:
    """Refuse memory out of all proportion to a file's size, which a damaged file may ask for."""
    if sys.platform != "linux":
        yield
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _SPARE_BYTES + 16 * size
    before = resource.getrlimit(resource.RLIMIT_AS)
    if before[1] != resource.RLIM_INFINITY:
        most = min(most, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _stored(interpreter: Any) -> list[dict]:
    """Return the details of the tensors whose values lie in the file.

    Before anything is allocated, only those have data. Strings and handles are asked for
    nothing: reading one ends the process.
    """
    computed = {int(index) for op in interpreter._get_ops_details() for index in op["outputs"]}
    found = []
    for item in interpreter.get_tensor_details():
        if item["index"] in computed or np.dtype(item["dtype"]).kind in "OSU":
            continue
        try:
            interpreter.get_tensor(item["index"])
        except ValueError:
            continue
        found.append(item)
    return found


def _tensor(item: dict) -> dict[str, Any]:
    """Return a tensor's details as plain data."""
    quantization = item["quantization_parameters"]
    scales = [float(scale) for scale in quantization["scales"]]
    points = [int(point) for point in quantization["zero_points"]]
    per_channel = len(scales) > 1
    return {
        "index": int(item["index"]),
        "name": item["name"],
        "shape": tuple(map(int, item["shape"])),
        "shape_signature": tuple(map(int, item["shape_signature"])),
        "dtype": np.dtype(item["dtype"]).name,
        "scale": tuple(scales) if per_channel else next(iter(scales), None),
        "zero_point": tuple(points) if per_channel else next(iter(points), None),
        "axis": int(quantization["quantized_dimension"]) if per_channel else None,
    }


def _operator(item: dict) -> dict[str, Any]:
    """Return an operator's details as plain data."""
    return {
        "index": int(item["index"]),
        "name": item["op_name"],
        "inputs": tuple(map(int, item["inputs"])),
        "outputs": tuple(map(int, item["outputs"])),
    }
