"""Files with one operator of another file, made by moving a few offsets; weights stay in place.

A ``.tflite`` file is a FlatBuffer: tables whose fields are offsets to what lies further back. So a
list of inputs or outputs can be appended to the file and pointed at, and the list of operators can
be cut to one. Nothing else is touched.

Reference:
    FlatBuffers, "Internals": https://flatbuffers.dev/internals/
    LiteRT, ``schema.fbs``: the numbers of the fields.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tfedge.core.errors import ModelError

_SUBGRAPHS, _SIGNATURES = 2, 7
_INPUTS, _OUTPUTS, _OPERATORS = 1, 2, 3


def only_operator(
    content: bytes, operator: int | None, inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """Return a file that runs a single operator of another file.

    Args:
        content: Bytes of a ``.tflite`` file.
        operator: Position of the operator in the main graph; None for no operator at all.
        inputs: Indices of the tensors to feed.
        outputs: Indices of the tensors to read.

    Returns:
        The bytes of the new file; tensors keep their indices, signatures are gone.

    Raises:
        ModelError: If the file has no such operator.

    Example:
        >>> from tfedge.runtime.model import TFLiteModel
        >>> from tfedge.runtime.sample import sample_model
        >>> half = sample_model()
        >>> feed, read = (tensor.index for tensor in half.inputs + half.outputs)
        >>> TFLiteModel(only_operator(half.content, 0, [feed], [read])).operators[0].name
        'MUL'
    """
    data = bytearray(content)
    data += bytes(-len(data) % 4)
    model = _read(data, 0)
    graph = _element(data, _vector(data, model, _SUBGRAPHS), 0)
    operators = _vector(data, graph, _OPERATORS)
    if operator is not None:
        if operator >= _word(data, operators):
            raise ModelError(
                f"There is no operator {operator}: the file has {_word(data, operators)}."
            )
        target = _element(data, operators, operator)
        struct.pack_into("<I", data, operators + 4, target - (operators + 4))
    struct.pack_into("<I", data, operators, 0 if operator is None else 1)
    if _field(data, model, _SIGNATURES):
        struct.pack_into("<I", data, _vector(data, model, _SIGNATURES), 0)
    for number, indices in ((_INPUTS, inputs), (_OUTPUTS, outputs)):
        place = _field(data, graph, number)
        struct.pack_into("<I", data, place, len(data) - place)
        data += struct.pack(f"<I{len(indices)}i", len(indices), *indices)
    return bytes(data)


def _word(data: bytearray, place: int) -> int:
    """Return the 32-bit number at a place."""
    return int(struct.unpack_from("<I", data, place)[0])


def _read(data: bytearray, place: int) -> int:
    """Return where the offset at a place leads."""
    return place + _word(data, place)


def _field(data: bytearray, table: int, number: int) -> int:
    """Return where a table keeps a field, or 0 if it is left out."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    if 4 + 2 * number >= size:
        return 0
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _vector(data: bytearray, table: int, number: int) -> int:
    """Return where the vector of a field lies, its length first."""
    return _read(data, _field(data, table, number))


def _element(data: bytearray, vector: int, number: int) -> int:
    """Return where a table in a vector lies."""
    return _read(data, vector + 4 + 4 * number)
