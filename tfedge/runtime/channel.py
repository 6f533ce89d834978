"""Messages between two processes: small things through a pipe, arrays through shared memory.

Pickle protocol 5 (PEP 574) hands out the buffers of every array in a message, however deeply
nested; they are laid into a shared file and read there without a copy. Both ends are our own
processes; no file of a user's is ever unpickled.
"""

from __future__ import annotations

import mmap
import os
import pickle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_ALIGNMENT = 64
_KEPT_BYTES = 64 << 20


class SharedBuffer:
    """Shared memory that grows when needed and has no name, so nothing is left behind."""

    def __init__(self, descriptor: int | None = None):
        """Open the memory behind ``descriptor``, or make new memory."""
        self.descriptor = _new_memory() if descriptor is None else descriptor
        self._map: mmap.mmap | None = None

    def view(self, size: int) -> memoryview:
        """Return the first ``size`` bytes, writable and shared."""
        if os.fstat(self.descriptor).st_size < size:
            os.ftruncate(self.descriptor, size)
        if self._map is None or len(self._map) < size:
            self._map = mmap.mmap(self.descriptor, size)
        return memoryview(self._map)

    def trim(self) -> None:
        """Give memory back after an unusually large message that neither side reads any more."""
        if os.fstat(self.descriptor).st_size > _KEPT_BYTES:
            os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        """Let go of the memory; it is freed when the other side lets go too."""
        self._map = None
        os.close(self.descriptor)


def _new_memory() -> int:
    """Return a descriptor of anonymous memory that a child process can inherit."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("tfedge")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Answer:
    """What a message will be answered with, once that has arrived."""

    verdict: str
    value: Any

    def arrive(self, verdict: str, value: Any) -> None:
        """Take what the other end sent, or what became of it."""
        self.verdict, self.value = verdict, value


class Channel:
    """One end of a two-way channel.

    Messages alternate between two buffers in each direction, so that one message can be read
    while the next is written.

    Args:
        connection: The pipe.
        outgoing: Two buffers that this end writes.
        incoming: Two buffers that this end reads.
        copies: Whether received arrays are the receiver's own. Otherwise they lie in shared
            memory and are valid only until the message is answered.
    """

    def __init__(
        self,
        connection: Connection,
        outgoing: list[SharedBuffer],
        incoming: list[SharedBuffer],
        *,
        copies: bool,
    ):
        self._connection = connection
        self._outgoing, self._incoming = outgoing, incoming
        self._copies = copies
        self._sent = self._received = 0

    def send(self, message: Any) -> None:
        """Send a message; blocks only while the pipe is full."""
        parts: list[pickle.PickleBuffer] = []
        head = pickle.dumps(message, protocol=5, buffer_callback=parts.append)
        spans = _write(parts, self._outgoing[self._sent % 2])
        self._sent += 1
        self._connection.send_bytes(pickle.dumps((head, spans)))

    def receive(self) -> Any:
        """Wait for a message. Raises EOFError when the other end is gone."""
        head, spans = pickle.loads(self._connection.recv_bytes())
        buffer = self._incoming[self._received % 2]
        self._received += 1
        memory = buffer.view(max((stop for _, stop in spans), default=0) or 1)
        views = [memory[start:stop] for start, stop in spans]
        return pickle.loads(head, buffers=map(bytearray, views) if self._copies else views)

    def trim(self) -> None:
        """Give memory back; only while no message is under way."""
        for buffer in (*self._outgoing, *self._incoming):
            buffer.trim()

    def wait(self, seconds: float | None) -> bool:
        """Return whether a message arrives within ``seconds`` (None: wait for ever)."""
        return self._connection.poll(seconds)

    def close(self) -> None:
        """Close the pipe and the memory."""
        self._connection.close()
        for buffer in (*self._outgoing, *self._incoming):
            buffer.close()


def _write(parts: list[pickle.PickleBuffer], buffer: SharedBuffer) -> list[tuple[int, int]]:
    """Lay buffers side by side into shared memory and return where each lies."""
    spans, end = [], 0
    raw = [part.raw() for part in parts]
    for item in raw:
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        end = start + item.nbytes
        spans.append((start, end))
    if end:
        memory = buffer.view(end)
        for item, (start, stop) in zip(raw, spans, strict=True):
            memory[start:stop] = item
    return spans
