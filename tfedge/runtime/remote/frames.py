"""Messages between two machines: JSON and arrays over a stream of bytes. Nothing is unpickled.

A frame is ``TFE1``, the length of its head, the head as JSON, then the bytes of each array in
the order in which the head lists types and shapes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfedge.core.errors import WorkerError

BEGIN = b"\x00tfedge begins\x00"
_MAGIC = b"TFE1"
_HEAD = struct.Struct(">4sI")
_KINDS = "fiub"
_LONGEST_HEAD = 64 << 20


class Frame(NamedTuple):
    """One message: what kind it is, plain data, arrays."""

    kind: str
    value: Any = None
    arrays: Sequence[np.ndarray] = ()


def pack(frame: Frame) -> list[Any]:
    """Return a frame as buffers to write one after the other; arrays are not copied.

    Example:
        >>> parts = pack(Frame("batch", None, [np.arange(3)]))
        >>> b"".join(parts)[:4]
        b'TFE1'
    """
    arrays = [np.ascontiguousarray(array) for array in frame.arrays]
    listed = [[array.dtype.name, list(array.shape)] for array in arrays]
    head = json.dumps([frame.kind, frame.value, listed], allow_nan=False).encode()
    bodies = (array.reshape(-1).view(np.uint8).data for array in arrays if array.size)
    return [_HEAD.pack(_MAGIC, len(head)) + head, *bodies]


def unpack(read: Callable[[int], bytes]) -> Frame:
    """Return the next frame of a stream.

    Args:
        read: Returns as many bytes as asked, fewer only at the end.

    Raises:
        EOFError: If the stream ends.
        WorkerError: If what comes is no frame.

    Example:
        >>> import io
        >>> stream = io.BytesIO(b"".join(pack(Frame("batch", {"key": 1}, [np.arange(3)]))))
        >>> unpack(stream.read).arrays
        [array([0, 1, 2])]
    """
    magic, length = _HEAD.unpack(_exactly(read, _HEAD.size))
    if magic != _MAGIC or length > _LONGEST_HEAD:
        raise WorkerError(f"The device sent {magic!r} where a message begins.")
    kind, value, listed = json.loads(_exactly(read, length))
    return Frame(kind, value, [_array(read, *item) for item in listed])


def _array(read: Callable[[int], bytes], dtype: str, shape: Sequence[int]) -> np.ndarray:
    """Read one array, which only holds numbers."""
    kind = np.dtype(dtype)
    if kind.kind not in _KINDS:
        raise WorkerError(f"The device sent an array of {dtype}.")
    content = bytearray(_exactly(read, math.prod(shape) * kind.itemsize))
    return np.frombuffer(content, kind).reshape(shape)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    """Read that many bytes."""
    found = read(count) if count else b""
    if len(found) != count:
        raise EOFError(f"the stream ended {count - len(found)} bytes early")
    return found


def skip_greeting(read: Callable[[int], bytes], most: int = 1 << 20) -> bytes:
    """Read up to where frames begin and return what came before: what a login shell printed.

    Raises:
        EOFError: If frames never begin.

    Example:
        >>> import io
        >>> skip_greeting(io.BytesIO(b"Welcome!" + BEGIN).read)
        b'Welcome!'
    """
    seen = bytearray()
    while not seen.endswith(BEGIN):
        byte = read(1)
        if not byte or len(seen) > most:
            raise EOFError(bytes(seen).decode(errors="replace"))
        seen += byte
    return bytes(seen[: -len(BEGIN)])
