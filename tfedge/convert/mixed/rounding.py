"""Quantizes a float file with ranges again, with other settings; runs inside the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import deduplicate_readonly_buffers, mlir_quantize
from tensorflow.lite.tools import flatbuffer_utils

from tfedge.convert.table_operators import with_int8_tables


def rounded(
    content: np.ndarray,
    kept: Sequence[str],
    kernels: Mapping[str, np.ndarray],
    input_type: str,
    output_type: str,
) -> np.ndarray:
    """Return the integer file of a float file.

    Args:
        content: Bytes of a float file with ranges, uint8.
        kept: Names of the first outputs of the operators that stay in float.
        kernels: Weights that take the place of the file's, by name of tensor.
        input_type: Type of the inputs.
        output_type: Type of the outputs.
    """
    made = mlir_quantize(
        with_kernels(content, kernels).tobytes(),
        input_data_type=tf.as_dtype(input_type),
        output_data_type=tf.as_dtype(output_type),
        denylisted_nodes=set(kept) or None,
    )
    return np.frombuffer(with_int8_tables(deduplicate_readonly_buffers(made)), np.uint8)


def with_kernels(content: np.ndarray, kernels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return a float file with other weights.

    Args:
        content: Bytes of a float file, uint8.
        kernels: Weights by name of tensor.
    """
    if not kernels:
        return content
    file = flatbuffer_utils.convert_bytearray_to_object(bytearray(content.tobytes()))
    for tensor in file.subgraphs[0].tensors:
        values = kernels.get(tensor.name.decode())
        if values is not None:
            file.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
    return np.frombuffer(bytes(flatbuffer_utils.convert_object_to_bytearray(file)), np.uint8)
