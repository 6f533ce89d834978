"""The parent's side of interpreters: files are opened in the worker, and again if it died."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfedge.runtime.interpreter import interpreter_worker
from tfedge.runtime.worker import Worker

_KEPT_SESSIONS = 8


class Device:
    """The interpreters of one runtime, open files by key.

    Args:
        runtime: An installed runtime, as `choose_runtime` returns it.
    """

    def __init__(self, runtime: str):
        self.runtime = runtime
        self.worker = interpreter_worker(runtime)
        self._open: OrderedDict[str, None] = OrderedDict()
        self._pid: int | None = None

    @contextlib.contextmanager
    def session(self, key: str, content: bytes, **details: Any) -> Iterator[Worker]:
        """Make sure that a file is open under ``key`` and keep the worker to oneself.

        Args:
            key: One per file and settings.
            content: Bytes of the file.
            **details: What `tfedge.runtime.session.open_session` takes beside them.
        """
        with self.worker.exclusive() as worker:
            self._forget_the_dead()
            if key not in self._open:
                self._make_room()
                buffer = np.frombuffer(content, np.uint8)
                worker.call("tfedge.runtime.session:open_session", key, buffer, **details)
                self._open[key], self._pid = None, worker.pid
            self._open.move_to_end(key)
            yield worker

    def close(self, key: str) -> None:
        """Give back the memory of a file."""
        with self.worker.exclusive() as worker:
            self._forget_the_dead()
            if key in self._open:
                del self._open[key]
                worker.call("tfedge.runtime.session:close_session", key)

    def _forget_the_dead(self) -> None:
        """Forget what was open in a process that has ended."""
        if not self.worker.still(self._pid):
            self._open.clear()

    def _make_room(self) -> None:
        """Close the file that was used longest ago when too many are open."""
        while len(self._open) >= _KEPT_SESSIONS:
            oldest, _ = self._open.popitem(last=False)
            self.worker.call("tfedge.runtime.session:close_session", oldest)


_DEVICES: dict[str, Device] = {}


def device(runtime: str) -> Device:
    """Return the one device of this runtime.

    Example:
        >>> device("litert") is device("litert")
        True
    """
    return _DEVICES.setdefault(runtime, Device(runtime))
