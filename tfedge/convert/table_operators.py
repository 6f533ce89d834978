"""Operators that LiteRT computes in int8 by a table, and that the converter leaves in float.

TensorFlow's quantizer does not know ``ELU``: it writes ``DEQUANTIZE``, ``ELU``, ``QUANTIZE``. The
runtimes do know it: their int8 kernel looks up 256 values, rounded from the same float function.
So the three are one operator on the int8 tensors that are there already, and compute the same.
"""

from __future__ import annotations

from typing import Any

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

_NAMES = schema.BuiltinOperator
_BY_TABLE = frozenset({_NAMES.ELU})


def with_int8_tables(content: bytes) -> bytes:
    """Return a file in which such operators work on int8 tensors, where they are between two.

    Args:
        content: The bytes of a ``.tflite`` file of any mode.
    """
    file = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    kinds = [one.builtinCode for one in file.operatorCodes]
    if _BY_TABLE.isdisjoint(kinds):
        return content
    for graph in file.subgraphs:
        _join(graph, kinds)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(file))


def _join(graph: Any, kinds: list[int]) -> None:
    """Give each operator the tensors before its ``DEQUANTIZE`` and after its ``QUANTIZE``."""
    makers = {tensor: one for one in graph.operators for tensor in one.outputs}
    done = set()
    for one in graph.operators:
        if kinds[one.opcodeIndex] not in _BY_TABLE:
            continue
        before, (*between, after) = makers.get(one.inputs[0]), _until_quantized(graph, one, kinds)
        if before is None or after is None or not _is(before, _NAMES.DEQUANTIZE, kinds):
            continue
        if _are_int8(graph, before, after):
            _in_int8(graph, [one, *between], before.inputs, after.outputs)
            done.add(id(after))
    graph.operators = [one for one in graph.operators if id(one) not in done]
    _drop_idle(graph, kinds)


def _until_quantized(graph: Any, operator: Any, kinds: list[int]) -> list[Any]:
    """Return the reshapes behind an operator and the ``QUANTIZE`` at their end, else None last."""
    found: list[Any] = []
    users = _users(graph, operator.outputs[0])
    while len(users) == 1 and _is(users[0], _NAMES.RESHAPE, kinds):
        found.append(users[0])
        users = _users(graph, users[0].outputs[0])
    ends = len(users) == 1 and _is(users[0], _NAMES.QUANTIZE, kinds)
    return [*found, users[0] if ends else None]


def _in_int8(graph: Any, chain: list[Any], start: Any, end: Any) -> None:
    """Let operators, one behind the other, compute from one int8 tensor to another."""
    last = graph.tensors[end[0]]
    for one in chain[:-1]:
        tensor = graph.tensors[one.outputs[0]]
        tensor.type, tensor.quantization = last.type, last.quantization
    chain[0].inputs = list(start)
    chain[-1].outputs = list(end)


def _users(graph: Any, tensor: int) -> list[Any]:
    """Return the operators that read a tensor; None stands for the outside."""
    found = [one for one in graph.operators if tensor in list(one.inputs)]
    return [*found, None] if tensor in list(graph.outputs) else found


def _is(operator: Any, kind: int, kinds: list[int]) -> bool:
    """Return whether there is an operator, of that kind."""
    return operator is not None and kinds[operator.opcodeIndex] == kind


def _are_int8(graph: Any, before: Any, after: Any) -> bool:
    """Return whether what goes in and what comes out is int8."""
    ends = (before.inputs[0], after.outputs[0])
    return all(graph.tensors[end].type == schema.TensorType.INT8 for end in ends)


def _drop_idle(graph: Any, kinds: list[int]) -> None:
    """Remove each ``DEQUANTIZE`` whose output nobody reads any more."""
    graph.operators = [
        one
        for one in graph.operators
        if not _is(one, _NAMES.DEQUANTIZE, kinds) or _users(graph, one.outputs[0])
    ]
