"""Settings of operators, read from the bytes of a file: strides, fused activations, masks.

Interpreters do not tell them. A FlatBuffer is made of tables; a table begins with the distance
back to its vtable, which lists where each field lies.

Reference:
    FlatBuffers, "Internals": https://flatbuffers.dev/internals/, and the schema of TensorFlow Lite.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tfedge.core.errors import ModelError
from tfedge.runtime.model import TFLiteModel

_SUBGRAPHS, _OPERATORS, _OPTIONS = 2, 3, 4


class _Field(NamedTuple):
    """A setting: number in its table, format for `struct`, and what it is when left out."""

    number: int
    kind: str
    default: float = 0


_FUSED = "fused_activation"
_FIELDS: dict[str, dict[str, _Field]] = {
    "AVERAGE_POOL_2D": {_FUSED: _Field(5, "b")},
    "MAX_POOL_2D": {_FUSED: _Field(5, "b")},
    "CONCATENATION": {_FUSED: _Field(1, "b")},
    "CONV_2D": {"dilation_w": _Field(4, "<i", 1), "dilation_h": _Field(5, "<i", 1)},
    "DEPTHWISE_CONV_2D": {
        "depth_multiplier": _Field(3, "<i"),
        "dilation_w": _Field(5, "<i", 1),
        "dilation_h": _Field(6, "<i", 1),
    },
    "FULLY_CONNECTED": {"weights_format": _Field(1, "b"), "keep_num_dims": _Field(2, "?")},
    "SOFTMAX": {"beta": _Field(0, "<f")},
    "STRIDED_SLICE": {
        "ellipsis_mask": _Field(2, "<i"),
        "new_axis_mask": _Field(3, "<i"),
        "shrink_axis_mask": _Field(4, "<i"),
    },
    "MIRROR_PAD": {"mode": _Field(0, "b")},
    "PACK": {"axis": _Field(1, "<i")},
}


def operator_options(lite: TFLiteModel) -> tuple[dict[str, float], ...]:
    """Return the settings of each operator that checks look at, in the order of execution.

    Args:
        lite: The file.

    Raises:
        ModelError: If the bytes are not those of a whole file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> operator_options(sample_model())
        ({},)
    """
    data = lite.content
    try:
        graph = _element(data, _vector(data, _follow(data, 0), _SUBGRAPHS), 0)
        places = _vector(data, graph, _OPERATORS)
        return tuple(
            _settings(data, _element(data, places, operator.index), operator.name)
            for operator in lite.operators
        )
    except struct.error as error:
        raise ModelError(f"{lite.name!r} is damaged: {error}. Copy or convert it again.") from error


def _settings(data: bytes, operator: int, name: str) -> dict[str, float]:
    """Return the settings in one operator's table."""
    place = _field(data, operator, _OPTIONS)
    table = _follow(data, place) if place else 0
    return {key: _value(data, table, field) for key, field in _FIELDS.get(name, {}).items()}


def _value(data: bytes, table: int, field: _Field) -> float:
    """Return one setting, its default where the file leaves it out."""
    place = _field(data, table, field.number) if table else 0
    return struct.unpack_from(field.kind, data, place)[0] if place else field.default


def _follow(data: bytes, place: int) -> int:
    """Return where the offset at a place leads."""
    return place + struct.unpack_from("<I", data, place)[0]


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a table keeps a field, or 0 if it is left out."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    if 4 + 2 * number >= size:
        return 0
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _vector(data: bytes, table: int, number: int) -> int:
    """Return where the vector of a field lies, its length first."""
    return _follow(data, _field(data, table, number))


def _element(data: bytes, vector: int, number: int) -> int:
    """Return where a table in a vector of tables lies."""
    return _follow(data, vector + 4 + 4 * number)
