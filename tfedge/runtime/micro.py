"""tflite-micro's interpreter with the face of the others: what a microcontroller computes.

Its kernels are those of the microcontroller's reference build. It takes one shape, one thread, and
the built-in operators that tflite-micro has; `tfedge.check(model, "micro")` lists the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.runtime.memory.micro_session import heard, roomy_arena


class MicroInterpreter:
    """A file in an arena that is large enough; inputs and outputs are named by their place.

    Args:
        file: Bytes or path of the file.
        threads: Must be 1.

    Raises:
        ModelError: If tflite-micro does not take the file, or threads are asked for.
    """

    def __init__(self, file: bytes | str, threads: int = 1):
        if threads != 1:
            raise ModelError(f"tflite-micro has one thread; threads={threads} was asked for.")
        content = Path(file).read_bytes() if isinstance(file, str) else file
        self._interpreter = _opened(content)
        with heard():  # it prints where the list ends
            self._inputs = _details(self._interpreter.get_input_details)
            self._outputs = _details(self._interpreter.get_output_details)

    def get_input_details(self) -> list[dict]:
        """Return index, shape and dtype of each input."""
        return self._inputs

    def get_output_details(self) -> list[dict]:
        """Return index, shape and dtype of each output."""
        return self._outputs

    def allocate_tensors(self) -> None:
        """Do nothing: the arena was filled when the file was opened."""

    def reset_all_variables(self) -> None:
        """Clear states that live on between runs."""
        self._interpreter.reset()

    def resize_tensor_input(self, index: int, shape: tuple[int, ...], strict: bool = False) -> None:
        """Refuse another shape than the file's own: the arena is planned for that one."""
        if tuple(self._inputs[index]["shape"]) != tuple(shape):
            own = tuple(map(int, self._inputs[index]["shape"]))
            raise ValueError(f"tflite-micro plans its arena for {own}, the file's own, not {shape}")

    def set_tensor(self, index: int, value: np.ndarray) -> None:
        """Copy an input into the arena."""
        self._interpreter.set_input(np.ascontiguousarray(value), index)

    def invoke(self) -> None:
        """Run once."""
        self._interpreter.invoke()

    def get_tensor(self, index: int) -> np.ndarray:
        """Return a copy of an output."""
        return np.array(self._interpreter.get_output(index))


def _opened(content: bytes) -> Any:
    """Return tflite-micro's own interpreter of a file."""
    from tflite_micro.python.tflite_micro import runtime

    arena_bytes, reason = roomy_arena(len(content)), ""
    with heard() as said:
        try:
            return runtime.Interpreter.from_bytes(content, arena_size=arena_bytes)
        except (RuntimeError, ValueError) as error:
            reason = str(error)
    why = " ".join((said[0] or reason).split()).rstrip(".")
    raise ModelError(
        f"tflite-micro does not take the file: {why}. tfedge.check(model, 'micro') lists the "
        "operators that it lacks."
    )


def _details(describe: Any) -> list[dict]:
    """Return the details of all inputs or outputs, which are told one by one."""
    found: list[dict] = []
    while True:
        try:
            details = describe(len(found))
        except IndexError:
            return found
        found.append({"index": len(found), "shape": details["shape"], "dtype": details["dtype"]})
