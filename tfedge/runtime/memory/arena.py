"""How much memory a file's tensors need on a device that plans ahead, as tflite-micro does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.core.records import Record
from tfedge.runtime.costs import tensor_bytes
from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.memory.scratch import scratch_bytes
from tfedge.runtime.opening import opened_file

ALIGNMENT_BYTES = 16


@dataclass(frozen=True, repr=False)
class Buffer(Record):
    """One tensor in the arena, or memory that a kernel works in.

    Attributes:
        name: Name of the tensor; for a kernel's own memory its operator and ``"scratch"``.
        size_bytes: Its size, rounded up to whole 16 bytes.
        first: The operator that writes it, by position; 0 for inputs.
        last: The last operator that reads it; for outputs the last of all.
        offset_bytes: Where it lies, from the start of the arena.

    Example:
        >>> Buffer("x", 16, 0, 2, 32).to_dict()["offset_bytes"]
        32
    """

    name: str
    size_bytes: int
    first: int
    last: int
    offset_bytes: int = 0


@dataclass(frozen=True, repr=False)
class ArenaPlan(Record):
    """Where each activation of a file lies while it runs.

    Attributes:
        arena_bytes: Size of the arena: the highest end of a buffer.
        peak_bytes: Most bytes that are in use at one time; no plan can do with less.
        buffers: One for each tensor that is computed or fed, in the order of the file, then the
            kernels' own.
        state_bytes: What lives on from one run to the next, and lies outside of the arena.
    """

    arena_bytes: int
    peak_bytes: int
    buffers: tuple[Buffer, ...]
    state_bytes: int = 0

    def __repr__(self) -> str:
        """Return the sizes, and the buffers that are in use at the peak."""
        head = f"ArenaPlan: {self.arena_bytes:,} bytes, {self.peak_bytes:,} in use at the peak"
        if self.state_bytes:
            head += f", and {self.state_bytes:,} for states"
        lines = [
            f"  {one.offset_bytes:>9,} to {one.offset_bytes + one.size_bytes:>9,}  {one.name[-60:]}"
            for one in busiest(self.buffers)
        ]
        return "\n".join([head, *lines])


def plan_arena(model: Any) -> ArenaPlan:
    """Plan the memory for the activations of a ``.tflite`` file by the life-times of its tensors.

    Every tensor that is not stored in the file gets a place from the operator that writes it to
    the last one that reads it; inputs from the start, outputs to the end. What a kernel asks for
    to work in counts too. The largest is placed first, each at the lowest offset that is free for
    as long as it lives, all on 16 bytes: the ``GreedyMemoryPlanner`` of tflite-micro, which calls
    the result the head of its arena. One sample is run.

    What the interpreter keeps beside it (states, structures of tensors and operators) comes on
    top; `tfedge.memory` has it. No operator is taken to work in place, a reshape neither. Bodies
    of loops are left out.

    Args:
        model: A :class:`tfedge.TFLiteModel`, or the path or bytes of a ``.tflite`` file.

    Returns:
        The plan.

    Raises:
        ModelError: If it is no file, or a tensor has no fixed size, as strings have none.

    Example:
        >>> def tensor(index, size, **more):
        ...     return TensorInfo(index, f"t{index}", (1, size), (1, size), "int8", **more)
        >>> def operator(index, inputs, outputs):
        ...     return OperatorInfo(index, "RELU", "int8", "", inputs, outputs, (), ())
        >>> tensors = [tensor(0, 20), tensor(1, 50), tensor(2, 10)]
        >>> chain = [operator(0, (0,), (1,)), operator(1, (1,), (2,))]
        >>> plan(life_times(tensors, chain, inputs=[0], outputs=[2]))
        ArenaPlan: 96 bytes, 96 in use at the peak
                 64 to        96  t0
                  0 to        64  t1

    Reference:
        David et al., "TensorFlow Lite Micro", MLSys 2021, arXiv:2010.08678, section 4.4.2.
    """
    lite = opened_file(model, "have an arena planned")
    tensors = lite.tensors()
    inputs = [tensor.index for tensor in lite.inputs]
    outputs = [tensor.index for tensor in lite.outputs]
    buffers = life_times(tensors, lite.operators, inputs, outputs)
    found = plan([*buffers, *kernel_buffers(tensors, lite.operators)])
    states = sum(_aligned(tensor) for tensor in tensors if tensor.variable)
    return replace(found, state_bytes=states)


def life_times(
    tensors: Iterable[TensorInfo],
    operators: Iterable[OperatorInfo],
    inputs: Iterable[int],
    outputs: Iterable[int],
) -> list[Buffer]:
    """Return the buffers that the tensors need, not placed yet, in the order of the file.

    Args:
        tensors: All tensors of the graph; those that are stored in the file need no buffer.
        operators: In the order of execution.
        inputs: Indices of the tensors that are fed.
        outputs: Indices of the tensors that are read at the end.

    Raises:
        ModelError: If a tensor has no fixed size.
    """
    known = {tensor.index: tensor for tensor in tensors if not (tensor.constant or tensor.variable)}
    operators = list(operators)
    first: dict[int, int] = dict.fromkeys(inputs, 0)
    last: dict[int, int] = {}
    for place, operator in enumerate(operators):
        for index in operator.outputs:
            first.setdefault(index, place)
        last.update(dict.fromkeys((*operator.inputs, *operator.outputs), place))
    last.update(dict.fromkeys(outputs, max(len(operators) - 1, 0)))
    return [
        Buffer(known[index].name, _aligned(known[index]), start, last.get(index, start))
        for index, start in sorted(first.items())
        if index in known
    ]


def kernel_buffers(
    tensors: Iterable[TensorInfo], operators: Iterable[OperatorInfo]
) -> list[Buffer]:
    """Return what kernels ask for to work in, each while its operator runs, not placed yet.

    Args:
        tensors: All tensors of the graph.
        operators: In the order of execution.
    """
    known = {tensor.index: tensor for tensor in tensors}
    return [
        Buffer(f"{operator.name} scratch", _whole(size), place, place)
        for place, operator in enumerate(operators)
        for size in scratch_bytes(operator, known)
        if size
    ]


def plan(buffers: Iterable[Buffer]) -> ArenaPlan:
    """Place buffers greedily by size: the largest first, each as low as it fits.

    Args:
        buffers: Buffers with life-times; their offsets do not count. Of equal sizes the one that
            is given last goes first, as in tflite-micro.

    Returns:
        The plan, buffers in the order in which they were given.

    Example:
        >>> plan([Buffer("a", 32, 0, 1), Buffer("b", 64, 1, 2), Buffer("c", 16, 2, 2)]).arena_bytes
        96
    """
    buffers = list(buffers)
    offsets: dict[int, int] = {}
    for number in sorted(range(len(buffers)), key=lambda n: (-buffers[n].size_bytes, -n)):
        one = buffers[number]
        beside = [(offsets[n], buffers[n]) for n in offsets if _meet(one, buffers[n])]
        offsets[number] = _lowest(one.size_bytes, beside)
    placed = tuple(replace(one, offset_bytes=offsets[n]) for n, one in enumerate(buffers))
    arena = max((one.offset_bytes + one.size_bytes for one in placed), default=0)
    return ArenaPlan(arena, sum(one.size_bytes for one in busiest(placed)), placed)


def _lowest(size: int, beside: list[tuple[int, Buffer]]) -> int:
    """Return the lowest offset at which a size fits between buffers that live at the same time."""
    offset = 0
    for start, buffer in sorted(beside, key=lambda pair: pair[0]):
        if start - offset >= size:
            break
        offset = max(offset, start + buffer.size_bytes)
    return offset


def _meet(one: Buffer, other: Buffer) -> bool:
    """Return whether two buffers are in use at the same time."""
    return one.first <= other.last and other.first <= one.last


def busiest(buffers: Iterable[Buffer]) -> list[Buffer]:
    """Return the buffers in use when most bytes are; of equal times the first.

    Example:
        >>> [one.name for one in busiest([Buffer("a", 32, 0, 1), Buffer("b", 64, 2, 2)])]
        ['b']
    """
    buffers = list(buffers)
    times = sorted({one.first for one in buffers})
    live = ([one for one in buffers if one.first <= time <= one.last] for time in times)
    return max(live, key=lambda found: sum(one.size_bytes for one in found), default=[])


def _aligned(tensor: TensorInfo) -> int:
    """Return the bytes of a tensor, rounded up to whole 16."""
    if tensor.dtype.startswith(("str", "bytes", "object")):
        raise ModelError(
            f"The tensor {tensor.name!r} is of type {tensor.dtype}, whose size is known when the "
            f"file runs only: its memory cannot be planned."
        )
    return _whole(tensor_bytes(tensor))


def _whole(size: int) -> int:
    """Return bytes rounded up to whole 16."""
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
