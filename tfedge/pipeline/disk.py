"""The disk: full, read-only, littered by processes that were killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from tfedge.core.errors import StorageError


@contextlib.contextmanager
def said_in_words(path: Path, what: str) -> Iterator[None]:
    """Say what cannot be written, and that nothing is lost.

    Args:
        path: The work folder.
        what: What is being done, to be read after "Cannot".

    Raises:
        StorageError: In place of any error of the operating system.

    Example:
        >>> with said_in_words(Path("work"), "keep the stage 'prune'"):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.StorageError: Cannot keep the stage 'prune' in 'work': No space left ...
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        said = StorageError(
            f"Cannot {what} in {str(path)!r}: {reason}. Nothing was left half written, and the "
            "stages that were finished are kept. Make room or choose another folder; the same "
            "call goes on from there."
        )
        said.strerror = reason
        raise said from error


@contextlib.contextmanager
def gone_afterwards(folder: Path) -> Iterator[None]:
    """Take a folder away at the end, if it is still there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with gone_afterwards(folder):
        ...     found = folder.exists()
        >>> found, folder.exists()
        (True, False)
    """
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def swept(path: Path) -> None:
    """Take away what processes of this machine left half written and do not run any more.

    Args:
        path: The work folder; what is half written is called ``.stage.host.process``.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> left = folder / f".prune-ab.{socket.gethostname()}.{2**22 + 1}"
        >>> left.mkdir()
        >>> swept(folder)
        >>> left.exists()
        False
    """
    for left in path.glob(f".*.{socket.gethostname()}.*"):
        number = left.name.rpartition(".")[2]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _runs(number: int) -> bool:
    """Return whether a process runs."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
