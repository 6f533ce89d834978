"""A float ``.tflite`` file as something to write ranges into; runs inside the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

_MEASURES = {
    schema.BuiltinOperator.SHAPE,
    schema.BuiltinOperator.RANK,
    schema.BuiltinOperator.ZEROS_LIKE,
    schema.BuiltinOperator.CAST,
}


class FloatFile:
    """The tensors of a float file that take part in quantization.

    Args:
        content: Bytes of the file, as TensorFlow's converter hands it to its quantizer.

    Attributes:
        observed: Indices of the float tensors that the file computes or takes in.
        has_inner_values: Whether operators keep values that only TensorFlow's own calibrator
            sees: inside of fused LSTMs, and bodies of loops and branches.
        remembers: Whether states live on from one run to the next.
    """

    def __init__(self, content: bytes):
        self.content = bytes(content)
        self._file = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
        self._graph = self._file.subgraphs[0]
        operators = self._graph.operators
        (signature,) = self._file.signatureDefs
        ends = [*signature.inputs, *signature.outputs]
        self._ends = {int(end.tensorIndex): end.name for end in ends}
        self.remembers = any(tensor.isVariable for tensor in self._graph.tensors)
        self.has_inner_values = len(self._file.subgraphs) > 1 or any(
            operator.intermediates is not None and len(operator.intermediates)
            for operator in operators
        )
        touched = [*self._graph.inputs]
        touched += [index for operator in operators for index in operator.outputs]
        self.observed = sorted({int(index) for index in touched if self._is_computed(index)})

    def name(self, index: int) -> str:
        """Return the name of a tensor; where several layers were fused, that of the last."""
        name = self._ends.get(index, self._graph.tensors[index].name)
        return name.decode().split(";")[0]

    def sample_bytes(self) -> int:
        """Return the memory that all observed tensors take for one sample."""
        shapes = [self._graph.tensors[index].shape for index in self.observed]
        return 4 * sum(int(np.prod(shape)) for shape in shapes if shape is not None)

    def computed(self) -> set[int]:
        """Return the observed tensors that the file computes from the values of its inputs."""
        inputs = {int(index) for index in self._graph.inputs}
        live = set(inputs)
        for operator in self._graph.operators:
            code = self._file.operatorCodes[operator.opcodeIndex]
            measures = max(code.builtinCode, code.deprecatedBuiltinCode) in _MEASURES
            if not measures and live & {int(index) for index in operator.inputs}:
                live |= {int(index) for index in operator.outputs}
        return (live - inputs) & set(self.observed)

    def with_ranges(self, ranges: Mapping[int, tuple[float, float]]) -> bytes:
        """Return the file with these ranges written beside its tensors.

        Args:
            ranges: Low and high by index of tensor.
        """
        for index, (low, high) in ranges.items():
            parameters: Any = schema.QuantizationParametersT()
            parameters.min, parameters.max = [low], [high]
            self._graph.tensors[index].quantization = parameters
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self._file))

    def _is_computed(self, index: int) -> bool:
        """Return whether a tensor is float and not stored in the file."""
        if index < 0:
            return False
        tensor = self._graph.tensors[index]
        stored = self._file.buffers[tensor.buffer].data
        is_stored = stored is not None and len(stored)
        return tensor.type == schema.TensorType.FLOAT32 and not is_stored and not tensor.isVariable
