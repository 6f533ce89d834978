"""Locks between processes that end with the process that holds them, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file, waiting for it if another process does.

    Args:
        path: A file that serves as lock; made if it does not exist.

    Example:
        >>> import tempfile
        >>> with held(Path(tempfile.mkdtemp()) / "lock"):
        ...     print("alone")
        alone
    """
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Sign:
    """A sign of life: a file that is locked as long as this process lives.

    Args:
        folder: Where the files of all processes lie.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> sign = Sign(folder)
        >>> lives(folder, sign.name), lives(folder, "another")
        (True, False)
        >>> sign.end()
        >>> lives(folder, sign.name)
        False
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._path = folder / self.name
        self._file: IO = self._path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def end(self) -> None:
        """Take the sign away."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def lives(folder: Path, name: str) -> bool:
    """Return whether the process that made a sign is still there."""
    try:
        with (folder / name).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
