"""The memory of a file: planned, and as tflite-micro really allocates it."""

from __future__ import annotations

from typing import Any

from tfedge.core.errors import ModelError
from tfedge.runtime.costs import tensor_bytes
from tfedge.runtime.memory.arena import ArenaPlan, Buffer, plan_arena
from tfedge.runtime.memory.micro import MicroArena, micro_arena, micro_available
from tfedge.runtime.memory.record import MemoryRecord, OperatorMemory
from tfedge.runtime.memory.scratch import scratch_bytes
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file


def memory(model: Any, *, micro: bool | None = None) -> MemoryRecord:
    """Return what memory a file needs: flash, the arena of its activations, each operator's part.

    The arena is planned by the life-times of tensors, as tflite-micro does it
    (`tfedge.runtime.plan_arena`). With the extra ``micro`` the file is also opened by
    tflite-micro's interpreter, which tells what it allocates beside the activations.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        micro: True to ask tflite-micro, False not to, None to ask it if it is installed; then a
            file that it does not run is no error, and the record's ``micro_note`` says why.

    Returns:
        A :class:`MemoryRecord`, which prints a table, and has ``.to_pandas()`` and ``.plot()``.

    Raises:
        ModelError: If it is no file, a tensor has no fixed size, or with ``micro=True``
            tflite-micro does not run it.
        MissingPackageError: If ``micro=True`` and tflite-micro is not installed.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> memory(sample_model(), micro=False)
        'halve': 936 bytes of flash, arena of 32 bytes for activations
          Most at operator 0 MUL, 32 bytes:
            16  serving_default_x:0
            16  PartitionedCall:0
          tflite-micro: not asked
          operator     type  live  scratch  weights
          0 MUL     float32    32        0        4

    Reference:
        David et al., "TensorFlow Lite Micro", MLSys 2021, arXiv:2010.08678, section 4.4.
    """
    lite = opened_file(model, "have its memory planned")
    plan = plan_arena(lite)
    real, note = _real(lite, micro)
    constants = [tensor for tensor in lite.tensors() if tensor.constant]
    return MemoryRecord(
        model=lite.name,
        flash_bytes=lite.size_bytes,
        weight_bytes=sum(tensor_bytes(tensor) for tensor in constants),
        arena_bytes=plan.arena_bytes,
        peak_bytes=plan.peak_bytes,
        state_bytes=plan.state_bytes,
        operators=_operators(lite, plan),
        buffers=plan.buffers,
        micro=real,
        micro_note=note,
    )


def _real(lite: TFLiteModel, micro: bool | None) -> tuple[MicroArena | None, str]:
    """Return what tflite-micro allocates, or why that is not known."""
    if micro is None and not micro_available():
        return None, "not installed (pip install 'tfedge[micro]')"
    if micro is False:
        return None, "not asked"
    try:
        return micro_arena(lite), ""
    except ModelError as error:
        if micro:
            raise
        return None, str(error)


def _operators(lite: TFLiteModel, plan: ArenaPlan) -> tuple[OperatorMemory, ...]:
    """Return what is in use at each operator."""
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    rows = []
    for place, one in enumerate(lite.operators):
        live = sum(buffer.size_bytes for buffer in plan.buffers if _lives(buffer, place))
        read = {tensors[index] for index in one.inputs if index in tensors}
        rows.append(
            OperatorMemory(
                index=place,
                name=one.name,
                output=one.output,
                numeric_type=one.numeric_type,
                live_bytes=live,
                scratch_bytes=sum(scratch_bytes(one, tensors)),
                weight_bytes=sum(tensor_bytes(tensor) for tensor in read if tensor.constant),
            )
        )
    return tuple(rows)


def _lives(buffer: Buffer, place: int) -> bool:
    """Return whether a buffer is in use while an operator runs."""
    return buffer.first <= place <= buffer.last
