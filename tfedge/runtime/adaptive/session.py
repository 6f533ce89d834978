"""What the worker of an adaptive runner does: keep every variant open and run micro-batches.

Everything here runs in a worker process. Requests lie in shared memory; their values are
quantized from there straight into the memory of the input tensor (``interpreter.tensor``), and
outputs go from the output tensor into shared memory: nothing lies in between.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tfedge.core.affine import dequantize
from tfedge.core.errors import ModelError, WorkerError
from tfedge.runtime.codes import to_codes
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.interpreter import open_interpreter
from tfedge.runtime.latency.timing import filler
from tfedge.runtime.session import agree, batched

_ROUNDS = 5
_OPEN: dict[int, _Rung] = {}


class _Slot:
    """An interpreter for one number of samples, whose tensors are filled in place."""

    def __init__(self, interpreter: Any, inputs: Sequence[TensorInfo], size: int, stateful: bool):
        self.size, self._interpreter, self._stateful = size, interpreter, stateful
        indices = [item["index"] for item in interpreter.get_input_details()]
        for index, tensor in zip(indices, inputs, strict=True):
            if size != tensor.shape[0]:
                interpreter.resize_tensor_input(index, (size, *tensor.shape[1:]), strict=False)
        interpreter.allocate_tensors()
        self._shapes = [tuple(tensor.shape[1:]) for tensor in inputs]
        self._inputs = [
            _Input(interpreter, index, tensor)
            for index, tensor in zip(indices, inputs, strict=True)
        ]
        self._outputs = [item["index"] for item in interpreter.get_output_details()]

    def run(self, pieces: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
        """Return the outputs for pieces of samples, ``size`` of them together or fewer.

        The outputs lie in the interpreter's memory and are valid until the next run.
        """
        self._fit([array.shape[1:] for array in pieces[0]])
        if self._stateful:
            self._interpreter.reset_all_variables()
        for place, target in enumerate(self._inputs):
            target.fill([piece[place] for piece in pieces])
        self._interpreter.invoke()
        samples = sum(len(piece[0]) for piece in pieces)
        return [batched(self._read(index), self.size)[:samples] for index in self._outputs]

    def _fit(self, shapes: list[tuple[int, ...]]) -> None:
        """Allocate anew if samples have another size than those before, which open axes allow."""
        if shapes == self._shapes:
            return
        for target, shape in zip(self._inputs, shapes, strict=True):
            wanted = (self.size, *shape)
            self._interpreter.resize_tensor_input(target.index, wanted, strict=False)
        self._interpreter.allocate_tensors()
        self._shapes = shapes

    def _read(self, index: int) -> np.ndarray:
        """Return an output, in the interpreter's own memory where it can be seen."""
        if hasattr(self._interpreter, "tensor"):
            return self._interpreter.tensor(index)()
        return self._interpreter.get_tensor(index)


class _Input:
    """The memory of an input: the tensor's own where it can be seen, else an array beside it."""

    def __init__(self, interpreter: Any, index: int, tensor: TensorInfo):
        self.index, self._tensor, self._interpreter = index, tensor, interpreter
        self._direct = hasattr(interpreter, "tensor")

    def fill(self, pieces: Sequence[np.ndarray]) -> None:
        """Write samples into the first rows. No view of the memory may outlive this."""
        memory = self._interpreter.tensor(self.index)() if self._direct else self._beside()
        start = 0
        for piece in pieces:
            stop = start + len(piece)
            _encode(piece, self._tensor, memory[start:stop])
            start = stop
        if not self._direct:
            self._interpreter.set_tensor(self.index, memory)

    def _beside(self) -> np.ndarray:
        """Return an array for a compiled file, which shows its memory to nobody."""
        details = self._interpreter.get_input_details()
        [found] = (item for item in details if item["index"] == self.index)
        return np.zeros(found["shape"], found["dtype"])


class _Rung:
    """One variant, open for single samples and for micro-batches of some sizes.

    Args:
        content: Bytes of the file.
        settings: ``runtime``, ``threads`` and ``accelerator`` for `open_interpreter`.
        inputs: Its inputs, in the order of the file.
        stateful: Whether states must be cleared before every run.
        batch: Most samples together.
    """

    def __init__(
        self,
        content: bytes,
        settings: dict[str, Any],
        inputs: Sequence[TensorInfo],
        stateful: bool,
        batch: int,
    ):
        def slot(size: int) -> _Slot:
            """Open the file for some samples at once."""
            return _Slot(open_interpreter(file=content, **settings), inputs, size, stateful)

        native = inputs[0].shape[0]
        single = slot(native)
        wider = [_paying(single, slot, inputs, size) for size in _sizes(batch) if native == 1]
        slots = [single, *(one for one in wider if one is not None)]
        self._slots = [(one, _seconds(one, inputs)) for one in slots]
        self.together = max(one.size for one in slots)

    def run(self, parts: list[list[np.ndarray]]) -> list[np.ndarray]:
        """Return the outputs for the samples of all parts, one after the other."""
        left, pieces, found = sum(len(part[0]) for part in parts), _Pieces(parts), []
        slot = self._best(left)
        if left <= slot.size:
            return slot.run(list(pieces.take(left)))
        while left:
            slot = self._best(left)
            samples = min(slot.size, left)
            found.append(_owned(slot.run(list(pieces.take(samples)))))
            left -= samples
        return [joined(column) for column in zip(*found, strict=True)]

    def _best(self, left: int) -> _Slot:
        """Return the interpreter that takes the least time for each sample of what is left."""
        slot, _ = min(self._slots, key=lambda one: one[1] / min(left, one[0].size))
        return slot


def _sizes(batch: int) -> list[int]:
    """Return how many samples are worth an interpreter: a quarter each time, down to two."""
    sizes = []
    while batch > 1:
        sizes.append(batch)
        batch //= 4
    return sizes


class _Pieces:
    """Samples of several requests, taken so many at a time, without a copy."""

    def __init__(self, parts: list[list[np.ndarray]]):
        self._parts, self._part, self._row = parts, 0, 0

    def take(self, samples: int) -> Iterator[list[np.ndarray]]:
        """Yield slices that have ``samples`` samples together."""
        while samples:
            arrays = self._parts[self._part]
            stop = min(self._row + samples, len(arrays[0]))
            yield [array[self._row : stop] for array in arrays]
            samples -= stop - self._row
            self._row = stop
            if stop == len(arrays[0]):
                self._part, self._row = self._part + 1, 0


def _owned(outputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return outputs that outlive the next run."""
    return [output.copy() for output in outputs]


def _encode(values: np.ndarray, tensor: TensorInfo, memory: np.ndarray) -> None:
    """Write values into the memory of an input, as codes if it is quantized."""
    if tensor.scale is None or tensor.scale == 0:
        np.copyto(memory, values, casting="same_kind")
    else:
        scale, zero = float(tensor.scale), int(tensor.zero_point)  # type: ignore[arg-type]
        to_codes(values, scale, zero, tensor.dtype, out=memory)


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return one output over all samples.

    Raises:
        ModelError: If its shape changes from sample to sample.

    Example:
        >>> joined([np.zeros((2, 3)), np.zeros((1, 3))]).shape
        (3, 3)
    """
    if len(parts) == 1:
        return parts[0]
    if len({part.shape[1:] for part in parts}) > 1:
        raise ModelError(
            "The shape of an output changes from sample to sample, so the results do not fit one "
            "array. Ask for one sample at a time."
        )
    return np.concatenate(parts)


def _paying(single: _Slot, slot: Any, inputs: Sequence[TensorInfo], batch: int) -> _Slot | None:
    """Return an interpreter for micro-batches, None if they are wrong or no faster."""
    try:
        wide = slot(batch)
        values = [_values(tensor, batch) for tensor in inputs]
        together = _owned(wide.run([values]))
    except (RuntimeError, ValueError):
        return None
    for pick in sorted({0, 1, batch // 2, batch - 1}):
        alone = _owned(single.run([[value[pick : pick + 1] for value in values]]))
        if not all(agree(one[0], many[pick]) for one, many in zip(alone, together, strict=True)):
            return None
    return wide if _seconds(wide, inputs) < batch * _seconds(single, inputs) else None


def _values(tensor: TensorInfo, samples: int) -> np.ndarray:
    """Return some values that an input may be given."""
    shape = (samples, *tensor.shape[1:])
    if tensor.scale is None or tensor.scale == 0:
        return filler(shape, tensor.dtype)
    codes = filler(shape, tensor.dtype)
    return dequantize(codes, float(tensor.scale), int(tensor.zero_point))  # type: ignore[arg-type]


def _seconds(slot: _Slot, inputs: Sequence[TensorInfo]) -> float:
    """Return how long a run takes, the best of a few."""
    values, times = [_values(tensor, slot.size) for tensor in inputs], []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        slot.run([values])
        times.append(time.perf_counter() - start)
    return min(times)


def open_rung(place: int, content: np.ndarray, **details: Any) -> int:
    """Keep a variant open at a place and return how many samples it runs together."""
    _OPEN[place] = _Rung(content.tobytes(), **details)
    return _OPEN[place].together


def run(place: int, parts: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Return the outputs of a variant for several requests, in codes or floats of the file.

    Raises:
        WorkerError: If nothing is open in this process: it follows one that has died.
    """
    if place not in _OPEN:
        raise WorkerError("The worker process was started again; its variants are not open yet.")
    return _OPEN[place].run(parts)
