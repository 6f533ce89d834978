"""Settings and versions of operators, read from the bytes of a file.

Interpreters do not tell them.

Reference:
    The schema of TensorFlow Lite, ``tensorflow/compiler/mlir/lite/schema/schema.fbs``.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tfedge.core.errors import ModelError
from tfedge.runtime.flatbuffer import element, field, follow, vector
from tfedge.runtime.model import TFLiteModel

_CODES, _SUBGRAPHS, _OPERATORS, _OPTIONS = 1, 2, 3, 4


class _Field(NamedTuple):
    """A setting: number in its table, format for `struct`, and what it is when left out."""

    number: int
    kind: str
    default: float = 0


_CODE, _VERSION = _Field(0, "<I"), _Field(2, "<i", 1)

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
    "LSTM": {
        _FUSED: _Field(0, "b"),
        "cell_clip": _Field(1, "<f"),
        "proj_clip": _Field(2, "<f"),
        "kernel_type": _Field(3, "b"),
    },
    "ONE_HOT": {"axis": _Field(0, "<i")},
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
    return tuple(
        _settings(lite.content, place, operator.name)
        for operator, place in zip(lite.operators, _places(lite), strict=True)
    )


def operator_versions(lite: TFLiteModel) -> tuple[int, ...]:
    """Return the version of each operator that a file asks for, in the order of execution.

    Args:
        lite: The file.

    Raises:
        ModelError: If the bytes are not those of a whole file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> operator_versions(sample_model())
        (1,)
    """
    data = lite.content
    codes = vector(data, follow(data, 0), _CODES)
    numbers = [int(_value(data, place, _CODE)) for place in _places(lite)]
    return tuple(int(_value(data, element(data, codes, number), _VERSION)) for number in numbers)


def _places(lite: TFLiteModel) -> list[int]:
    """Return where the table of each operator lies, in the order of execution."""
    data = lite.content
    try:
        graph = element(data, vector(data, follow(data, 0), _SUBGRAPHS), 0)
        places = vector(data, graph, _OPERATORS)
        return [element(data, places, operator.index) for operator in lite.operators]
    except struct.error as error:
        raise ModelError(f"{lite.name!r} is damaged: {error}. Copy or convert it again.") from error


def _settings(data: bytes, operator: int, name: str) -> dict[str, float]:
    """Return the settings in one operator's table."""
    place = field(data, operator, _OPTIONS)
    table = follow(data, place) if place else 0
    return {key: _value(data, table, one) for key, one in _FIELDS.get(name, {}).items()}


def _value(data: bytes, table: int, setting: _Field) -> float:
    """Return one setting, its default where the file leaves it out."""
    place = field(data, table, setting.number) if table else 0
    return struct.unpack_from(setting.kind, data, place)[0] if place else setting.default
