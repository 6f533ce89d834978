"""A device over ssh: what it is, and files run on it."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge._version import __version__
from tfedge.core.errors import ArgumentError, DeviceError
from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.remote.address import parse_address
from tfedge.runtime.remote.connection import Connection
from tfedge.runtime.remote.failures import no_runtime
from tfedge.runtime.remote.frames import Frame

_KEPT_FILES = 8


@dataclass(frozen=True, repr=False)
class RemoteInfo(Record):
    """What a device is, and what is installed there.

    Attributes:
        host: Its own name.
        system: Operating system and its version.
        machine: Kind of processor, such as ``"aarch64"``.
        cores: Number of processors.
        memory_bytes: Size of the main memory.
        python: Path of the Python that serves.
        python_version: Its version.
        numpy: Version of NumPy.
        runtimes: Runtimes that are installed, the preferred one first.
        tfedge: Version of tfedge, always the one here.
    """

    host: str
    system: str
    machine: str
    cores: int
    memory_bytes: int
    python: str
    python_version: str
    numpy: str
    runtimes: tuple[str, ...]
    tfedge: str

    def __repr__(self) -> str:
        """Return two lines."""
        return (
            f"{self.host}: {self.machine}, {self.cores} cores, {human_size(self.memory_bytes)}, "
            f"{self.system}\n  Python {self.python_version}, NumPy {self.numpy}, "
            f"{', '.join(self.runtimes)}"
        )


class RemoteDevice:
    """A device on which files run, over the user's own ssh.

    The half of tfedge without TensorFlow travels along and lies in a temporary folder while the
    connection is open; nothing is installed, and the folder is gone afterwards. ``ssh`` uses the
    keys, agent and config that it always uses, checks the host's key and asks nothing. The
    connection is opened at the first use and serves until `close`.

    Args:
        address: ``"ssh://user@host:port"``; ``?python=/path/to/python`` names a Python with NumPy
            and a runtime, ``?config=/path`` another config for ssh.
        python: The same, as an argument.

    Raises:
        ArgumentError: If this is no such address.

    Example:
        >>> device = RemoteDevice("ssh://pi@kitchen", python="~/edge/bin/python")
        >>> device
        RemoteDevice('pi@kitchen', python='~/edge/bin/python')
        >>> device.close()
    """

    def __init__(self, address: str, python: str | None = None):
        self.address = parse_address(address, python)
        self._connection: Connection | None = None
        self._files: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.RLock()

    def __enter__(self) -> RemoteDevice:
        """Return the device itself."""
        return self

    def __exit__(self, *_) -> None:
        """End the connection."""
        self.close()

    def __repr__(self) -> str:
        """Return address and Python."""
        return f"RemoteDevice({self.address.name!r}, python={self.address.python!r})"

    @property
    def name(self) -> str:
        """The address, for messages and records."""
        return self.address.name

    @property
    def info(self) -> RemoteInfo:
        """What the device is. Connects if need be.

        Raises:
            DeviceError: If it cannot be reached.
            MissingPackageError: If ssh is missing here, or Python, NumPy or a runtime there.
        """
        with self.connected() as connection:
            hello = connection.hello
            return RemoteInfo(**{**hello, "runtimes": tuple(hello["runtimes"])})

    def close(self) -> None:
        """End the connection; the device ends what runs there. A later use connects again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._files.clear()

    @contextlib.contextmanager
    def session(
        self, key: str, lite: TFLiteModel, options: dict[str, Any]
    ) -> Iterator[tuple[Connection, dict[str, Any]]]:
        """Make sure that a file is open there under ``key``, and keep the device to oneself.

        Args:
            key: One per file and options.
            lite: The file.
            options: For `tfedge.Runner` there.

        Yields:
            The connection, and what runs the file.
        """
        with self.connected() as connection:
            if key not in self._files:
                while len(self._files) >= _KEPT_FILES:
                    self.close_file(next(iter(self._files)))
                (answer,) = self.ask("open", lite, key=key, name=lite.name, options=options)
                self._files[key] = answer.value
            self._files.move_to_end(key)
            yield connection, self._files[key]

    def close_file(self, key: str) -> None:
        """Give back the memory of a file there."""
        with self._lock:
            if self._files.pop(key, None) and self._connection and self._connection.alive:
                self.ask("close", key=key)

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """Give the connection to one caller at a time, a new one if the last has ended."""
        with self._lock:
            if self._connection is None or not self._connection.alive:
                self.close()
                self._connection = self._open()
            try:
                yield self._connection
            except (DeviceError, KeyboardInterrupt):
                self.close()
                raise

    def ask(self, kind: str, lite: TFLiteModel | None = None, **value: Any) -> list[Frame]:
        """Ask for something small and return all answers; the file travels along if there is one.

        Args:
            kind: One of `tfedge.runtime.remote.tasks.TASKS`.
            lite: A file that the task takes.
            **value: What the task takes beside it.
        """
        content = [] if lite is None else [[np.frombuffer(lite.content, np.uint8)]]
        with self.connected() as connection:
            return list(connection.call(kind, content, **value))

    def _open(self) -> Connection:
        """Connect, and see that everything is there."""
        connection = Connection(self.address)
        hello = connection.hello
        if hello["tfedge"] == __version__ and hello["runtimes"]:
            return connection
        connection.close()
        if not hello["runtimes"]:
            raise no_runtime(self.address, hello["python"])
        raise DeviceError(
            f"{self.name} runs tfedge {hello['tfedge']}, this is {__version__}. Take tfedge out "
            "of the PYTHONSTARTUP or sitecustomize of the Python there."
        )


@contextlib.contextmanager
def opened(on: str | RemoteDevice) -> Iterator[RemoteDevice]:
    """Give the device that a user named; one that was named by its address is closed afterwards.

    Args:
        on: An address, or a device that stays open.

    Raises:
        ArgumentError: If it is neither.

    Example:
        >>> with opened("ssh://pi@kitchen") as device:
        ...     print(device.name)
        pi@kitchen
    """
    if isinstance(on, RemoteDevice):
        yield on
    elif isinstance(on, str):
        with RemoteDevice(on) as device:
            yield device
    else:
        raise ArgumentError(
            f"on={on!r} is no device. Pass 'ssh://user@host' or a tfedge.RemoteDevice."
        )
