"""The real arena of a file, as tflite-micro's own interpreter allocates it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.errors import MissingPackageError, ModelError
from tfedge.core.records import Record
from tfedge.runtime.memory.arena import ALIGNMENT_BYTES
from tfedge.runtime.memory.micro_session import roomy_arena
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file
from tfedge.runtime.worker import Worker, WorkerCallError, shared_worker

_PATIENCE_SECONDS = 60.0
_TOTALS = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_SECTIONS = re.compile(r"'([^']+)' used (\d+) bytes")
_PREFIX = re.compile(r"^\[RecordingMicroAllocator\] |^Failed starting model allocation\.\s*", re.M)


@dataclass(frozen=True, repr=False)
class MicroArena(Record):
    """What tflite-micro allocates for a file.

    Attributes:
        arena_bytes: All of what it uses: head and tail.
        head_bytes: Activations, and what kernels work in.
        tail_bytes: What lies there for good: structures of tensors and operators, settings of
            kernels, states.
        required_bytes: The smallest arena in which the file starts and runs, which the planning
            at the start can make larger than what is used afterwards. Give a program this much.
        sections: What is known of the tail, in bytes by name.
        pointer_bytes: Size of a pointer where it was measured. On a 32-bit device structures with
            pointers, and so the tail, are smaller than on a 64-bit computer; the head is the same.
        version: Of the package tflite-micro.

    Example:
        >>> MicroArena(24_224, 16_000, 8_224, 24_224, {}, 8, "0.dev1")
        arena 24,224 bytes: head 16,000, tail 8,224 (tflite-micro 0.dev1, 64-bit)
    """

    arena_bytes: int
    head_bytes: int
    tail_bytes: int
    required_bytes: int
    sections: Mapping[str, int]
    pointer_bytes: int
    version: str

    def __repr__(self) -> str:
        """Return the sizes in one line."""
        text = (
            f"arena {self.arena_bytes:,} bytes: head {self.head_bytes:,}, tail "
            f"{self.tail_bytes:,} (tflite-micro {self.version}, {8 * self.pointer_bytes}-bit)"
        )
        if self.required_bytes > self.arena_bytes:
            text += f"; {self.required_bytes:,} to start"
        return text


def micro_available() -> bool:
    """Return whether tflite-micro is installed. Does not import it.

    Example:
        >>> micro_available() in (True, False)
        True
    """
    return importlib.util.find_spec("tflite_micro") is not None


def micro_arena(model: Any) -> MicroArena:
    """Open a file in tflite-micro's interpreter, run it once on zeros, and return what it took.

    It runs in a worker process; a file that ends it raises an error here.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.

    Returns:
        The sizes.

    Raises:
        MissingPackageError: If tflite-micro is not installed.
        ModelError: If tflite-micro does not run the file; the message has its reason.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> micro_arena(sample_model()).head_bytes if micro_available() else 32
        32
    """
    if not micro_available():
        raise MissingPackageError(
            "The real arena needs tflite-micro, which is not installed. Install it with: "
            "pip install 'tfedge[micro]' (Linux on x86-64). tfedge.memory plans it without."
        )
    lite = opened_file(model, "be opened by tflite-micro")
    worker = shared_worker("tflite-micro interpreter")
    worked, said = _tried(worker, lite, roomy_arena(lite.size_bytes))
    totals = {name: int(size) for name, size in _TOTALS.findall(said)}
    if not worked or len(totals) != 3:
        raise ModelError(
            f"tflite-micro does not run {lite.name!r}: {_reason(said)}. "
            "If it lacks operators, tfedge.check(model, 'micro') lists them all."
        )
    return MicroArena(
        arena_bytes=totals["total"],
        head_bytes=totals["head"],
        tail_bytes=totals["tail"],
        required_bytes=_required(worker, lite, totals["total"]),
        sections={name: int(size) for name, size in _SECTIONS.findall(said)},
        pointer_bytes=struct.calcsize("P"),
        version=importlib.metadata.version("tflite-micro"),
    )


def _tried(worker: Worker, lite: TFLiteModel, arena_bytes: int) -> tuple[bool, str]:
    """Return whether a file runs in an arena of that size, and what was said."""
    content = np.frombuffer(lite.content, np.uint8)
    target = "tfedge.runtime.memory.micro_session:allocate"
    try:
        return worker.call(
            target, content, len(lite.inputs), arena_bytes, timeout=_PATIENCE_SECONDS
        )
    except WorkerCallError as failure:
        if not failure.died:
            raise
        return False, f"its process died ({failure.kind})"


def _required(worker: Worker, lite: TFLiteModel, used: int) -> int:
    """Return the smallest arena that works, on whole 16 bytes: what is used, or more."""
    low = high = -(-used // ALIGNMENT_BYTES)
    while not _tried(worker, lite, high * ALIGNMENT_BYTES)[0]:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _tried(worker, lite, middle * ALIGNMENT_BYTES)[0]:
            high = middle
        else:
            low = middle
    return high * ALIGNMENT_BYTES


def _reason(said: str) -> str:
    """Return what tflite-micro said, in one line of bearable length."""
    text = " ".join(_PREFIX.sub("", said).split()).rstrip(".")
    return text if len(text) <= 300 else f"{text[:297]}..."
