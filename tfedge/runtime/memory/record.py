"""What memory a file needs, operator by operator: a record, a table, a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfedge.core.records import Record
from tfedge.core.tables import frame, text_table
from tfedge.runtime.memory.arena import Buffer
from tfedge.runtime.memory.micro import MicroArena

_HEAD = ("operator", "type", "live", "scratch", "weights")
_LISTED, _NAME = 8, 60


@dataclass(frozen=True, repr=False)
class OperatorMemory(Record):
    """What memory is in use while one operator runs.

    Attributes:
        index: Position in the order of execution.
        name: Name of the operator, such as ``"CONV_2D"``.
        output: Name of the tensor that it writes.
        numeric_type: What it computes in, as in `tfedge.runtime.OperatorInfo`.
        live_bytes: All buffers that are in use then, those that wait for later operators too.
        scratch_bytes: How much of it is what the kernel works in.
        weight_bytes: Constants that it reads, which lie in the file.

    Example:
        >>> OperatorMemory(0, "RELU", "y", "int8", 64, 0, 0).live_bytes
        64
    """

    index: int
    name: str
    output: str
    numeric_type: str
    live_bytes: int
    scratch_bytes: int
    weight_bytes: int


@dataclass(frozen=True, repr=False)
class MemoryRecord(Record):
    """What memory a file needs.

    Attributes:
        model: Name of the model.
        flash_bytes: Size of the file, which a microcontroller keeps in flash.
        weight_bytes: How much of it are constants that operators read.
        arena_bytes: Planned size of the arena for activations.
        peak_bytes: Most bytes in use at one time; no plan can do with less.
        state_bytes: What lives on from one run to the next, beside the arena.
        operators: What is in use at each, in the order of execution.
        buffers: Where each tensor lies in the arena, and when.
        micro: What tflite-micro really allocates, if it was asked and runs the file.
        micro_note: Why that is not known, else empty.

    Example:
        >>> one = OperatorMemory(0, "RELU", "y", "int8", 64, 0, 0)
        >>> buffers = (Buffer("x", 32, 0, 0, 32), Buffer("y", 32, 0, 0, 0))
        >>> MemoryRecord("tiny", 900, 0, 64, 64, 0, (one,), buffers, None, "not asked")
        'tiny': 900 bytes of flash, arena of 64 bytes for activations
          Most at operator 0 RELU, 64 bytes:
            32  x
            32  y
          tflite-micro: not asked
          operator  type  live  scratch  weights
          0 RELU    int8    64        0        0
    """

    model: str
    flash_bytes: int
    weight_bytes: int
    arena_bytes: int
    peak_bytes: int
    state_bytes: int
    operators: tuple[OperatorMemory, ...]
    buffers: tuple[Buffer, ...]
    micro: MicroArena | None
    micro_note: str

    @property
    def ram_bytes(self) -> int:
        """RAM for the file: tflite-micro's arena if it is known, else activations and states."""
        if self.micro is not None:
            return self.micro.required_bytes
        return self.arena_bytes + self.state_bytes

    @property
    def peak(self) -> OperatorMemory:
        """The operator at which most bytes are in use; the first of several."""
        return max(self.operators, key=lambda one: one.live_bytes)

    def living(self, index: int) -> tuple[Buffer, ...]:
        """Return the buffers that are in use while an operator runs, the largest first.

        Args:
            index: Position of the operator in the order of execution.
        """
        found = [one for one in self.buffers if one.first <= index <= one.last]
        return tuple(sorted(found, key=lambda one: -one.size_bytes))

    def to_pandas(self) -> Any:
        """Return the operators as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([one.to_dict() for one in self.operators])

    def plot(self, axes: Any = None) -> Any:
        """Draw the life of each buffer: operators along x, where it lies in the arena along y.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        from tfedge.runtime.memory.chart import draw_life_times

        return draw_life_times(self, axes)

    def __repr__(self) -> str:
        """Return the sizes, what lives at the peak, and the operators that need most."""
        head = (
            f"{self.model!r}: {self.flash_bytes:,} bytes of flash, arena of {self.arena_bytes:,} "
            "bytes for activations"
        )
        lines = [head + (f", {self.state_bytes:,} for states" if self.state_bytes else "")]
        if self.operators:
            lines += self._peak_lines()
        lines.append(f"  tflite-micro: {self.micro_note or repr(self.micro)}")
        shown = sorted(self.operators, key=lambda one: -one.live_bytes)[:_LISTED]
        lines += text_table(_HEAD, [_cells(one) for one in shown]) if shown else []
        rest = len(self.operators) - len(shown)
        return "\n".join([*lines, *([f"  … and {rest} more with less"] if rest else [])])

    def _peak_lines(self) -> list[str]:
        """Return what lives at the peak."""
        peak, living = self.peak, self.living(self.peak.index)
        width = max((len(f"{one.size_bytes:,}") for one in living), default=0)
        rows = [f"    {one.size_bytes:>{width},}  {one.name[-_NAME:]}" for one in living]
        title = f"  Most at operator {peak.index} {peak.name}, {peak.live_bytes:,} bytes:"
        return [title, *rows[:_LISTED]]


def _cells(one: OperatorMemory) -> tuple[str, ...]:
    """Return a row of the table."""
    sizes = (one.live_bytes, one.scratch_bytes, one.weight_bytes)
    return (f"{one.index} {one.name}", one.numeric_type, *(f"{size:,}" for size in sizes))
