"""One ssh process, and messages through it: nothing waits for ever, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterable
from typing import Any

from tfedge.core import errors
from tfedge.core.errors import DeviceError, MissingPackageError, TfedgeError, WorkerError
from tfedge.runtime.remote.address import Address
from tfedge.runtime.remote.boot import first_bytes, shell_script
from tfedge.runtime.remote.failures import not_begun, went_away
from tfedge.runtime.remote.frames import Frame, pack, skip_greeting, unpack

_BEGIN_SECONDS = 90.0
_SILENT_SECONDS = 20.0
_END_SECONDS = 5.0
_UNDER_WAY = 3


class Connection:
    """A device that serves, for as long as this object is open.

    Args:
        address: The device.
        silent_s: After how many seconds without a sign of life it counts as gone; the device
            sends one every two seconds.

    Raises:
        DeviceError: If it cannot be reached.
        MissingPackageError: If ssh is missing here, or Python or NumPy there.
    """

    def __init__(self, address: Address, silent_s: float = _SILENT_SECONDS):
        self.address, self.silent_s = address, silent_s
        self._frames: queue.SimpleQueue[Frame | Exception] = queue.SimpleQueue()
        self._said = tempfile.TemporaryFile("a+b")  # noqa: SIM115 (lives as long as the process)
        self._text, self._busy = "", False
        self._process = self._started()
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self._write([first_bytes()], _BEGIN_SECONDS)
            self.hello = self.receive(_BEGIN_SECONDS).value
        except BaseException as error:
            code = self.close()
            if isinstance(error, DeviceError):
                raise not_begun(address, code, self.said()) from error
            raise

    def call(self, kind: str, batches: Iterable = (), **value: Any) -> Generator[Frame, None, None]:
        """Ask for something and yield the answers.

        A few batches are sent ahead, so that the device need not wait for them.

        Args:
            kind: One of `tfedge.runtime.remote.tasks.TASKS`.
            batches: Lists of arrays, drawn as the device gets on.
            **value: What the task takes beside them.

        Raises:
            TfedgeError: What the device raised, or `DeviceError` if it went away.
        """
        if self._busy:
            raise WorkerError(
                f"{self.address.name} is in the middle of a stream. Finish or close that first, "
                "or use a second RemoteDevice."
            )
        self._busy, exchange = True, _Exchange(self)
        try:
            self.send(Frame(kind, value))
            for arrays in batches:
                self.send(Frame("batch", None, arrays))
                exchange.under_way += 1
                if exchange.under_way == _UNDER_WAY:
                    exchange.under_way -= 1
                    yield exchange.answer()
            exchange.end()
            while (frame := exchange.answer()).kind != "done":
                yield frame
        except KeyboardInterrupt:
            self.close()
            raise
        finally:
            self._busy = False
            exchange.settle()

    @property
    def alive(self) -> bool:
        """Whether the connection stands."""
        return self._process.poll() is None

    def said(self) -> str:
        """Return what ssh, and programs on the device, printed as errors."""
        if not self._said.closed:
            self._said.seek(0)
            self._text = self._said.read().decode(errors="replace").strip()
        return self._text

    def close(self) -> int | None:
        """End the connection and return the status of ssh, None if it had to be killed.

        The device ends what runs and removes its temporary folder when it sees that.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            return self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return None
        finally:
            self.said()
            self._said.close()

    def _started(self) -> subprocess.Popen:
        """Start ssh."""
        try:
            return subprocess.Popen(
                self.address.command(shell_script(self.address)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            self._said.close()
            raise MissingPackageError(
                "There is no ssh program here, which reaches devices. Install OpenSSH's client "
                "(Debian and Ubuntu: apt install openssh-client)."
            ) from error

    def receive(self, seconds: float) -> Frame:
        """Return the next message that is more than a sign of life."""
        while True:
            try:
                found = self._frames.get(timeout=seconds)
            except queue.Empty:
                raise self._silent(seconds) from None
            if isinstance(found, Exception):
                self._frames.put(found)
                raise self._gone(self.close(), seconds) from found
            if found.kind != "beat":
                return found

    def send(self, frame: Frame) -> None:
        """Send a message."""
        self._write(pack(frame), self.silent_s)

    def _write(self, parts: Iterable, seconds: float) -> None:
        """Write to ssh; raise if for some seconds it takes nothing."""
        for part in parts:
            view = memoryview(part)
            while view:
                if not select.select([], [self._pipe], [], seconds)[1]:
                    raise self._silent(seconds)
                try:
                    view = view[os.write(self._pipe, view) :]
                except BrokenPipeError as error:
                    raise self._gone(self.close(), seconds) from error

    def _silent(self, seconds: float) -> TfedgeError:
        """End ssh and return the error for a device that was silent for some seconds."""
        self._process.kill()
        self.close()
        return self._gone(None, seconds)

    def _gone(self, code: int | None, seconds: float) -> TfedgeError:
        """Return the error for a device that went away."""
        return went_away(self.address, code, self.said(), seconds)

    def _read(self) -> None:
        """Take in what the device sends until the stream ends."""
        stream = self._process.stdout
        assert stream is not None
        try:
            skip_greeting(stream.read)
            while True:
                self._frames.put(unpack(stream.read))
        except (EOFError, WorkerError, ValueError) as error:
            self._frames.put(error)
        finally:
            stream.close()


class _Exchange:
    """One request and its answers: what is still owed on either side."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._patience_s = connection.silent_s
        self._ended = self._over = False
        self.under_way = 0

    def end(self) -> None:
        """Tell the device that no more comes."""
        self._ended = True
        self._connection.send(Frame("end"))

    def answer(self) -> Frame:
        """Return the next answer, or raise the error that the device sent."""
        frame = self._connection.receive(self._patience_s)
        self._over = frame.kind in ("done", "error")
        if frame.kind != "error":
            return frame
        kind = getattr(errors, frame.value["kind"], WorkerError)
        known = isinstance(kind, type) and issubclass(kind, TfedgeError)
        where = self._connection.address.name
        raise (kind if known else WorkerError)(f"On {where}: {frame.value['text']}")

    def settle(self) -> None:
        """After an error or an early end: leave the stream where the next request begins."""
        if not self._connection.alive:
            return
        if not self._ended:
            self.end()
        while not self._over:
            frame = self._connection.receive(self._patience_s)
            self._over = frame.kind in ("done", "error")
