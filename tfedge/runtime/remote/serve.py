"""What runs on a device: take a message, do it, answer, until the connection closes."""

from __future__ import annotations

import os
import queue
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tfedge.core.errors import TfedgeError
from tfedge.runtime.remote.frames import BEGIN, Frame, pack, unpack
from tfedge.runtime.remote.tasks import TASKS, about

_BEAT_SECONDS = 2.0
_GRACE_SECONDS = 5.0


def serve(folder: str) -> None:
    """Serve messages from standard input until it closes, then end whatever still runs.

    Args:
        folder: Where temporary files go; whoever started this process removes it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["TMPDIR"] = tempfile.tempdir = str(Path(folder, "tmp"))
    Path(tempfile.tempdir).mkdir()
    desk = Desk()
    try:
        desk.run()
    except KeyboardInterrupt:
        sys.exit(1)


class Desk:
    """Both ends of the connection as this device sees them."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._frames: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._out.write(BEGIN)
        for target in (self._read, self._beat):
            threading.Thread(target=target, daemon=True).start()

    def run(self) -> None:
        """Say what is here, then answer until the other side has gone."""
        self.send(Frame("hello", about()))
        for frame in self._received():
            self._answer(frame)

    def send(self, frame: Frame) -> None:
        """Send a message."""
        with self._lock:
            self._out.writelines(pack(frame))
            self._out.flush()

    def _received(self) -> Iterator[Frame]:
        """Yield messages until the connection closes."""
        while (frame := self._frames.get()) is not None:
            yield frame

    def _batches(self) -> Iterator[list]:
        """Yield the arrays of messages up to the one that ends them."""
        for frame in self._received():
            if frame.kind == "end":
                return
            yield list(frame.arrays)
        raise KeyboardInterrupt

    def _answer(self, frame: Frame) -> None:
        """Do what a message asks for; its answers end with ``done`` or ``error``."""
        batches = self._batches()
        try:
            for answer in TASKS[frame.kind](batches, **frame.value):
                self.send(answer)
            last = Frame("done")
        except TfedgeError as error:
            last = Frame("error", {"kind": type(error).__name__, "text": str(error)})
        except Exception as error:
            text = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
            last = Frame("error", {"kind": "WorkerError", "text": text})
        self.send(last)
        for _ in batches:  # what was still under way when it failed
            continue

    def _read(self) -> None:
        """Take in messages; when the connection closes, interrupt what is under way."""
        try:
            while True:
                self._frames.put(unpack(sys.stdin.buffer.read))
        except EOFError:
            self._frames.put(None)
            _leave()

    def _beat(self) -> None:
        """Send a sign of life every two seconds."""
        while True:
            time.sleep(_BEAT_SECONDS)
            try:
                self.send(Frame("beat"))
            except OSError:
                _leave()


def _leave() -> NoReturn:
    """End this process: the main thread is interrupted so that it ends its workers."""
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)
