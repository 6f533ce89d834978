"""What a worker does with tflite-micro: open a file in an arena, run it once, tell what it took.

tflite-micro prints what it has to say to the process's own standard error, and a bad file or a
small arena can end the process.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Generator

import numpy as np


def roomy_arena(size_bytes: int) -> int:
    """Return the bytes of an arena that is large enough for a file of that size.

    Example:
        >>> roomy_arena(0)
        67108864
    """
    return 16 * size_bytes + (64 << 20)


def allocate(content: np.ndarray, inputs: int, arena_bytes: int) -> tuple[bool, str]:
    """Open a file in an arena of that size and run it once on zeros.

    Args:
        content: Bytes of the file, uint8.
        inputs: How many it has.
        arena_bytes: Size of the arena.

    Returns:
        Whether it ran, and what tflite-micro printed: its allocations, or why it did not run.
    """
    from tflite_micro.python.tflite_micro import runtime

    with heard() as said:
        try:
            interpreter = runtime.Interpreter.from_bytes(content.tobytes(), arena_size=arena_bytes)
            for number in range(inputs):
                details = interpreter.get_input_details(number)
                interpreter.set_input(np.zeros(details["shape"], details["dtype"]), number)
            interpreter.invoke()
            interpreter.print_allocations()
            worked, reason = True, ""
        except (RuntimeError, ValueError) as error:
            worked, reason = False, str(error)
    return worked, "\n".join(text for text in (said[0], reason) if text)


@contextlib.contextmanager
def heard() -> Generator[list[str], None, None]:
    """Collect what the process prints, from C++ too; the text is there at the end."""
    found = [""]
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    with tempfile.TemporaryFile() as file:
        try:
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
            yield found
        finally:
            for descriptor, original in zip((1, 2), kept, strict=True):
                os.dup2(original, descriptor)
                os.close(original)
            file.seek(0)
            found[0] = file.read().decode(errors="replace").strip()
