"""Weights in few bits, computed in float: a float file is rewritten; runs inside the worker."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections import Counter

from tfedge.core.errors import MissingPackageError

_PACKAGE = "ai_edge_quantizer"
_NAMES = {0: "float32", 1: "float16", 9: "int8", 17: "int4"}


def require_quantizer(mode: str) -> None:
    """Raise unless the package that rewrites weights is installed.

    Args:
        mode: Name of the mode that needs it, for the message.

    Raises:
        MissingPackageError: If it is not.
    """
    if importlib.util.find_spec(_PACKAGE) is None:
        raise MissingPackageError(
            f"quantize={mode!r} needs ai-edge-quantizer, which is not installed. Install it with: "
            "pip install tfedge[weights]. quantize='dynamic' makes 8-bit weights without it."
        )


def with_few_bits(content: bytes, bits: int) -> bytes:
    """Return a float file whose weights are integers, one scale for each output channel.

    Operators for which there is no such form keep float weights: 4-bit depthwise convolutions,
    and LSTM.

    Args:
        content: A float file.
        bits: Width of the weights, 4 or 8.
    """
    from ai_edge_quantizer import quantizer, recipe

    recipes = {4: recipe.weight_only_wi4_afp32, 8: recipe.weight_only_wi8_afp32}
    with contextlib.redirect_stdout(io.StringIO()):
        rewriter = quantizer.Quantizer(bytearray(content))
        rewriter.load_quantization_recipe(recipes[bits]())
        return bytes(rewriter.quantize().quantized_model)


def values_by_type(content: bytes) -> dict[str, int]:
    """Return how many weights a file stores in each type; vectors such as biases are left out.

    Args:
        content: A file.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    file = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    counts: Counter[str] = Counter()
    for graph in file.subgraphs:
        for tensor in graph.tensors:
            stored = file.buffers[tensor.buffer].data
            shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
            if stored is not None and len(stored) and len(shape) > 1 and tensor.type in _NAMES:
                size = 1
                for length in shape:
                    size *= length
                counts[_NAMES[tensor.type]] += size
    return dict(counts)
