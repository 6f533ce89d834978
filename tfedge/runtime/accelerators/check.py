"""Which operators of a file an accelerator would run, before one is bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfedge.core.checks import one_of
from tfedge.core.records import Record
from tfedge.core.tables import frame
from tfedge.runtime.accelerators.edgetpu import EDGETPU, requirements
from tfedge.runtime.accelerators.gpu import gpu
from tfedge.runtime.accelerators.micro import micro
from tfedge.runtime.accelerators.operator import Operator, operators_of
from tfedge.runtime.opening import opened_file

_SHOWN = 40


@dataclass(frozen=True, repr=False)
class OperatorCheck(Record):
    """Whether one operator runs on an accelerator.

    Attributes:
        index: Position in the order of execution.
        name: Name of the operator.
        numeric_type: What it computes in.
        output: Name of its first output.
        runs: Whether it runs there.
        why: Why not, empty if it does.
    """

    index: int
    name: str
    numeric_type: str
    output: str
    runs: bool
    why: str


@dataclass(frozen=True, repr=False)
class AcceleratorCheck(Record):
    """Which operators of a file an accelerator runs.

    Attributes:
        model: Name of the file.
        accelerator: ``"edgetpu"``, ``"gpu"`` or ``"micro"``.
        operators: One entry for each operator, in the order of execution.
        partitions: Into how many pieces the graph falls that run there, each with data that goes
            there and comes back. The Edge TPU's compiler takes the first piece alone, the GPU
            delegate the largest (its option ``max_delegated_partitions`` is 1), and tflite-micro
            the whole file or nothing.
        mapped: How many operators run there in the end.

    Example:
        >>> row = OperatorCheck(0, "ELU", "float32", "y", False, "not supported")
        >>> AcceleratorCheck("cnn", "edgetpu", (row,), 0, 0)
        'cnn' on edgetpu: 0 of 1 operators in 0 pieces
          0  ELU  float32  no: not supported
    """

    model: str
    accelerator: str
    operators: tuple[OperatorCheck, ...]
    partitions: int
    mapped: int

    @property
    def fits(self) -> bool:
        """Whether the whole file runs there, in one piece."""
        return self.mapped == len(self.operators) and self.partitions == 1

    @property
    def misfits(self) -> tuple[OperatorCheck, ...]:
        """The operators that do not run there."""
        return tuple(row for row in self.operators if not row.runs)

    def to_pandas(self) -> Any:
        """Return the table as a ``pandas.DataFrame``.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([row.to_dict() for row in self.operators])

    def __repr__(self) -> str:
        """Return a summary, and a line for each operator that does not run there."""
        pieces = f"{self.partitions} piece" + ("" if self.partitions == 1 else "s")
        count = f"{self.mapped} of {len(self.operators)} operators in {pieces}"
        lines = [f"{self.model!r} on {self.accelerator}: {count}"]
        for row in self.misfits[:_SHOWN]:
            lines.append(f"  {row.index}  {row.name}  {row.numeric_type}  no: {row.why}"[:110])
        more = len(self.misfits) - _SHOWN
        return "\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])])


def check(model: Any, accelerator: str) -> AcceleratorCheck:
    """Return which operators of a file an accelerator would run, and why the others would not.

    Nothing is run and no accelerator is needed. Rules are those of Coral's list of supported
    operations for ``"edgetpu"``, those of TensorFlow Lite's GPU delegate for ``"gpu"``, and what
    tflite-micro has for ``"micro"``. An operator that passes may still be left on the CPU there:
    compilers also weigh sizes.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        accelerator: ``"edgetpu"``, ``"gpu"`` or ``"micro"``.

    Returns:
        A table of operators with a summary; `AcceleratorCheck.to_pandas` makes a frame of it.

    Raises:
        ArgumentError: If the accelerator is not one of these.
        ModelError: If the file cannot be read.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> check(sample_model(), "edgetpu")
        'halve' on edgetpu: 0 of 1 operators in 0 pieces
          0  MUL  float32  no: float32 activations; int8 ones are needed
        >>> check(sample_model(), "gpu").fits
        True

    Reference:
        https://coral.ai/docs/edgetpu/models-intro/, LiteRT's ``model_builder.cc`` and
        ``gpu_compatibility.cc``, and tflite-micro's ``micro_mutable_op_resolver.h``.
    """
    one_of("accelerator", accelerator, tuple(_JUDGES))
    lite, judge = opened_file(model, "be checked"), _JUDGES[accelerator]
    items = operators_of(lite)
    reasons = [judge(item) for item in items]
    pieces = partitions(items, [not reason for reason in reasons])
    taken: list[int] = _TAKEN[accelerator](pieces) if pieces else []
    if accelerator == "micro" and any(reasons):
        taken = []
    rows = (
        OperatorCheck(i.info.index, i.info.name, i.info.numeric_type, i.info.output, not why, why)
        for i, why in zip(items, reasons, strict=True)
    )
    return AcceleratorCheck(lite.name, accelerator, tuple(rows), len(pieces), len(taken))


def _edgetpu(item: Operator) -> str:
    """Return why the Edge TPU does not take an operator."""
    if item.info.name not in EDGETPU:
        return "not among the supported operations"
    return requirements(item) or EDGETPU[item.info.name](item)


def _first(pieces: list[list[int]]) -> list[int]:
    """Return the first piece, which is all that a compiler makes."""
    return pieces[0]


def _largest(pieces: list[list[int]]) -> list[int]:
    """Return the largest piece, the first of them where several are as large."""
    return max(pieces, key=len)


_TAKEN = {"edgetpu": _first, "gpu": _largest, "micro": _first}
_JUDGES = {"edgetpu": _edgetpu, "gpu": gpu, "micro": micro}


def partitions(items: Sequence[Operator], runs: Sequence[bool]) -> list[list[int]]:
    """Return the pieces that run on an accelerator, as TensorFlow Lite cuts a graph.

    Operators of one side are gathered as long as their inputs are there, then those of the other
    side, in turns (``PartitionGraphIntoIndependentNodeSubsets``).

    Args:
        items: The operators in the order of execution.
        runs: Whether each runs there.

    Returns:
        Positions of the operators of each piece.
    """
    waiting = dict.fromkeys(range(len(items)))
    missing = {tensor.index for item in items for tensor in item.outputs}
    pieces: list[list[int]] = []
    side = True
    while waiting:
        piece = []
        for place in list(waiting):
            needed = {tensor.index for tensor in items[place].inputs}
            if runs[place] == side and not needed & missing:
                piece.append(place)
                del waiting[place]
                missing -= {tensor.index for tensor in items[place].outputs}
        if piece and side:
            pieces.append(piece)
        side = not side
    return pieces
