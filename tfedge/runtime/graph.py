"""What a ``.tflite`` file is made of, as records: tensors and operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfedge.core.records import Record

CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE", "DENSIFY", "CAST", "FAKE_QUANT"})
_MEASURES = frozenset({"SHAPE", "RANK"})
_FLOATS = ("float32", "float16", "float64", "bfloat16")


@dataclass(frozen=True, repr=False)
class TensorInfo(Record):
    """One tensor of a file.

    Attributes:
        index: Position in the file.
        name: Name in the signature for inputs and outputs that have one, else in the graph.
        shape: Shape as stored, with 1 for sizes left open.
        shape_signature: Shape with -1 for sizes left open.
        dtype: NumPy name of the stored type.
        scale: Real size of one step, a tuple when there is one per channel, None for float.
        zero_point: Code of the real value 0, shaped like ``scale``.
        axis: Channel axis of ``scale`` when there is one per channel.
        constant: Whether the value is stored in the file.
        variable: Whether the value lives on from one run to the next, as a state.

    Example:
        >>> TensorInfo(0, "x", (1, 4), (-1, 4), "int8", scale=0.5, zero_point=3).text
        'x int8 (-1, 4) scale=0.5 zero_point=3'
    """

    index: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    dtype: str
    scale: float | tuple[float, ...] | None = None
    zero_point: int | tuple[int, ...] | None = None
    axis: int | None = None
    constant: bool = False
    variable: bool = False

    @property
    def text(self) -> str:
        """Name, type, shape (-1 where open) and quantization in one line."""
        head = f"{self.name} {self.dtype} {self.shape_signature}"
        if self.scale is None:
            return head
        if isinstance(self.scale, tuple):
            return f"{head} {len(self.scale)} scales"
        return f"{head} scale={self.scale:.6g} zero_point={self.zero_point}"


@dataclass(frozen=True, repr=False)
class OperatorInfo(Record):
    """One operator of a file.

    Attributes:
        index: Position in the order of execution.
        name: Name of the operator, such as ``"CONV_2D"``.
        numeric_type: What it computes in: ``"float32"``, ``"int8"``, ``"int16x8"`` (16-bit
            activations, 8-bit weights), ``"dynamic-int8"`` (float activations, 8-bit weights),
            ``"float32->int8"`` for conversions, or the type of the data it moves.
        output: Name of its first output tensor.
        inputs: Indices of the tensors it reads; -1 where an optional one is left out.
        outputs: Indices of the tensors it writes.
        input_shapes: Shape of each input that is present.
        output_shapes: Shape of each output.

    Example:
        >>> OperatorInfo(0, "RELU", "int8", "y", (0,), (1,), ((1, 4),), ((1, 4),)).computes_in_float
        False
    """

    index: int
    name: str
    numeric_type: str
    output: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]

    @property
    def computes_in_float(self) -> bool:
        """Whether an integer-only device could not run it; conversions do not count."""
        return self.name not in CONVERSIONS and (
            self.numeric_type in _FLOATS or self.numeric_type.startswith("dynamic-")
        )


def numeric_type(name: str, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> str:
    """Return what an operator computes in, from the tensors around it.

    Args:
        name: Name of the operator.
        inputs: Tensors that it reads, constants included.
        outputs: Tensors that it writes.

    Example:
        >>> x, y = (TensorInfo(i, "t", (1,), (1,), "int8") for i in range(2))
        >>> numeric_type("RELU", [x], [y])
        'int8'
    """
    flowing = [tensor.dtype for tensor in inputs if not tensor.constant]
    weights = {tensor.dtype for tensor in inputs if tensor.constant and len(tensor.shape) > 1}
    written = outputs[0].dtype if outputs else "none"
    if name in CONVERSIONS:
        read = flowing[0] if flowing else inputs[0].dtype
        return read if read == written else f"{read}->{written}"
    if name in _MEASURES:
        return written
    types = [*flowing, *(tensor.dtype for tensor in outputs)]
    floats = next((dtype for dtype in types if dtype in _FLOATS), None)
    if floats:
        packed = sorted(weights & {"int8", "uint8", "int4", "int2"})
        return f"dynamic-{packed[0]}" if packed else floats
    if "int16" in types:
        return "int16x8" if "int8" in weights else "int16"
    return next((dtype for dtype in types if dtype in ("int8", "uint8", "int4")), written)
