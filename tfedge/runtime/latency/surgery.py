"""Files with one operator of another file, made by moving a few offsets; weights stay in place."""

from __future__ import annotations

from collections.abc import Sequence

from tfedge.core.errors import ModelError
from tfedge.runtime.flatbuffer import (
    append_numbers,
    element,
    field,
    follow,
    set_word,
    vector,
    word,
)

_SUBGRAPHS, _SIGNATURES = 2, 7
_INPUTS, _OUTPUTS, _OPERATORS = 1, 2, 3


def only_operator(
    content: bytes, operator: int | None, inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """Return a file that runs a single operator of another file.

    The list of operators is cut to one; lists of inputs and outputs are appended and pointed at.
    Nothing else is touched.

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

    Reference:
        LiteRT, ``schema.fbs``: the numbers of the fields.
    """
    data = bytearray(content)
    model = follow(data, 0)
    graph = element(data, vector(data, model, _SUBGRAPHS), 0)
    operators = vector(data, graph, _OPERATORS)
    if operator is not None:
        if operator >= word(data, operators):
            raise ModelError(
                f"There is no operator {operator}: the file has {word(data, operators)}."
            )
        first = operators + 4
        set_word(data, first, element(data, operators, operator) - first)
    set_word(data, operators, 0 if operator is None else 1)
    if field(data, model, _SIGNATURES):
        set_word(data, vector(data, model, _SIGNATURES), 0)
    append_numbers(data, field(data, graph, _INPUTS), inputs)
    append_numbers(data, field(data, graph, _OUTPUTS), outputs)
    return bytes(data)
