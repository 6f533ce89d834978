"""A process of its own for work that may crash, leak or clash with TensorFlow.

A worker is started once and reused. If it dies, the call raises `WorkerError` with the last
lines of its log; if the caller is interrupted, the worker is ended and nothing is left behind.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from tfedge.core.errors import WorkerError
from tfedge.runtime.channel import Answer, Channel, SharedBuffer

if TYPE_CHECKING:
    import subprocess

_BOOT = (
    "import json, sys; setup = json.loads(sys.argv[1]); sys.path[:] = setup.pop('path'); "
    "from tfedge.runtime.worker_main import main; main(**setup)"
)
_LOOKAHEAD = 2


class WorkerCallError(WorkerError):
    """A call in a worker raised an error that is not one of ours, or the worker died.

    Attributes:
        kind: Name of the exception's class, or of the signal that ended the process.
        log: The last lines that the worker printed.
        died: Whether the process is gone.
    """

    def __init__(self, message: str, kind: str, log: str, *, died: bool):
        super().__init__(message)
        self.kind, self.log, self.died = kind, log, died


class Worker:
    """A Python process that runs named functions, one at a time.

    Args:
        name: What the worker is for, as error messages say it.
        environment: Variables to set in the worker, beside the caller's own.

    Example:
        >>> with Worker("example") as worker:
        ...     worker.call("math:sqrt", 9.0)
        3.0
    """

    def __init__(self, name: str, environment: dict[str, str] | None = None):
        self.name = name
        self._environment = environment or {}
        self._lock = threading.RLock()
        self._process: subprocess.Popen | None = None
        self._channel: Channel | None = None
        self._pending: deque[Answer] = deque()
        self._owner = os.getpid()

    def __enter__(self) -> Worker:
        """Return the worker itself."""
        return self

    def __exit__(self, *_) -> None:
        """End the process."""
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id, or None while no process runs."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the process runs and belongs to this very process."""
        return self._is_mine() and self._process.poll() is None  # type: ignore[union-attr]

    def still(self, pid: int | None) -> bool:
        """Return whether the process of that id runs yet, with all that was opened in it."""
        return self.alive and self.pid == pid

    @contextlib.contextmanager
    def exclusive(self) -> Generator[Worker, None, None]:
        """Keep other threads from calling this worker between several calls of one's own."""
        with self._lock:
            yield self

    def call(self, target: str, *args, timeout: float | None = None, **kwargs) -> Any:
        """Run ``target`` in the worker and return its result.

        Args:
            target: ``"package.module:function"``.
            *args: Arguments; arrays in them travel through shared memory.
            timeout: Seconds after which the worker is ended, None for no limit.
            **kwargs: Keyword arguments for the function.

        Returns:
            What the function returned; arrays are the caller's own.

        Raises:
            TfedgeError: Whatever of our own errors the function raised.
            WorkerCallError: If the function raised anything else, or the process died.
        """
        with contextlib.closing(self.map(target, [(args, kwargs)], timeout=timeout)) as results:
            return next(results)

    def map(
        self, target: str, calls: Iterable[tuple[tuple, dict]], timeout: float | None = None
    ) -> Generator[Any, None, None]:
        """Run ``target`` once per item and yield the results in order.

        The next item is prepared and sent while the worker is busy with the one before it.

        Args:
            target: ``"package.module:function"``.
            calls: Pairs ``(args, kwargs)``, drawn one ahead.
            timeout: Seconds that one call may take.
        """
        with self._lock:
            mine: deque[Answer] = deque()
            try:
                for args, kwargs in calls:
                    mine.append(self._send((target, args, kwargs), timeout))
                    if len(mine) == _LOOKAHEAD:
                        yield self._result(mine.popleft(), timeout)
                while mine:
                    yield self._result(mine.popleft(), timeout)
            except (KeyboardInterrupt, SystemExit):
                self._kill()
                raise
            self._trim()

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines that the worker printed since its last call began."""
        if self._process is None:
            return ""
        self._log.seek(0)
        text = self._log.read().decode(errors="replace")
        return "\n".join(text.strip().splitlines()[-lines:])

    def close(self) -> None:
        """End the process. A later call starts a new one."""
        if self._is_mine():
            self._kill()

    def _is_mine(self) -> bool:
        """Return whether this process started a worker: a fork of it holds a copy only."""
        return self._process is not None and self._owner == os.getpid()

    def _start(self) -> None:
        """Start the process and connect to it."""
        import subprocess  # the import of tfedge.runtime does not wait for these
        import tempfile
        from multiprocessing import Pipe

        here, there = Pipe()
        buffers = [SharedBuffer() for _ in range(4)]
        outgoing, incoming = buffers[:2], buffers[2:]
        descriptors = [buffer.descriptor for buffer in buffers]
        setup = {
            "path": sys.path,
            "pipe": there.fileno(),
            "incoming": descriptors[:2],
            "outgoing": descriptors[2:],
        }
        self._log = tempfile.TemporaryFile(mode="a+b")  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, json.dumps(setup)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[there.fileno(), *descriptors],
            env={**os.environ, **self._environment},
            start_new_session=True,
        )
        there.close()
        self._owner = os.getpid()
        self._channel = Channel(here, outgoing, incoming, copies=True)

    def _send(self, message: tuple, timeout: float | None) -> Answer:
        """Send a message, starting the process when none runs, and return its answer to come.

        Drawing the next item of a `map` may itself call this worker; answers arrive in the order
        of the messages and each goes to whoever asked.
        """
        while len(self._pending) >= _LOOKAHEAD:
            self._receive(timeout)
        if not self.alive:
            if self._is_mine():
                self._bury()
            self._drop()
            self._start()
        assert self._channel is not None
        answer = Answer()
        self._pending.append(answer)
        try:
            self._channel.send(message)
        except (BrokenPipeError, ConnectionResetError):
            self._bury()
        return answer

    def _result(self, answer: Answer, timeout: float | None) -> Any:
        """Wait for an answer and return the result or raise the error in it."""
        while answer in self._pending:
            self._receive(timeout)
        if answer.verdict == "result":
            return answer.value
        if answer.verdict == "refusal":
            raise answer.value
        kind, message, trace = answer.value
        raise WorkerCallError(f"{kind}: {message}", kind, trace, died=False)

    def _receive(self, timeout: float | None) -> None:
        """Wait for the oldest answer that has not arrived yet."""
        assert self._channel is not None
        try:
            if self._channel.wait(timeout):
                verdict, value = self._channel.receive()
                self._pending.popleft().arrive(verdict, value)
            else:
                self._kill(f"gave no answer within {timeout:g} s and was ended", "Timeout")
        except (EOFError, ConnectionResetError):
            self._bury()

    def _bury(self) -> None:
        """Answer what was under way with how the process ended and what it printed last."""
        assert self._process is not None
        kind = _cause(self._process.wait())
        self._drop(f"process died ({kind})", kind, self.log_tail())

    def _trim(self) -> None:
        """Give back the memory of large messages, and forget what was printed."""
        if self._channel is not None and not self._pending:
            self._channel.trim()
            self._log.truncate(0)

    def _kill(self, what: str = "was ended", kind: str = "SIGKILL") -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._drop(what, kind)

    def _drop(self, what: str = "was ended", kind: str = "SIGKILL", log: str = "") -> None:
        """Forget a process that has ended, and tell whoever still waits for it."""
        if self._channel is not None:
            self._channel.close()
            self._log.close()
        self._process = self._channel = None
        said = f"\nIts last lines:\n{log}" if log else ""
        message = (
            f"The {self.name} worker {what}. Your session is unharmed and the next call starts a "
            f"new worker.{said}"
        )
        while self._pending:
            error = WorkerCallError(message, kind, log, died=True)
            self._pending.popleft().arrive("refusal", error)


def _cause(code: int) -> str:
    """Return how a process ended, in words."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


_SHARED: dict[str, Worker] = {}


def shared_worker(name: str, environment: dict[str, str] | None = None) -> Worker:
    """Return the worker of that name, the same one every time.

    Example:
        >>> shared_worker("example") is shared_worker("example")
        True
    """
    if name not in _SHARED:
        _SHARED[name] = Worker(name, environment)
    return _SHARED[name]


@atexit.register
def close_workers() -> None:
    """End every shared worker; later calls start new ones."""
    for worker in _SHARED.values():
        worker.close()
