"""Files that are written whole or not at all, one or several."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from tfedge.core.errors import ArgumentError


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the destination and move into place, or leave nothing.

    Args:
        path: The destination, in a folder that exists; what is there is replaced.
        content: All of it.

    Raises:
        OSError: If it cannot be written; the destination is as it was.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.bin"
        ...     write_whole(path, b"whole")
        ...     path.read_bytes()
        b'whole'
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_for_user(path: Path, content: bytes, what: str) -> Path:
    """Write whole or not at all where a user said, and return the path.

    Args:
        path: The destination; what is there is replaced.
        content: All of it.
        what: What it is, with its article, for the message.

    Raises:
        ArgumentError: If it cannot be written there.

    Example:
        >>> write_for_user(Path("/nowhere/a.json"), b"", "a record")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: Cannot write a record to '/nowhere/a.json': No such ...
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise ArgumentError(
            f"Cannot write {what} to {str(path)!r}: {error.strerror}. Choose a folder that "
            "exists and can be written."
        ) from error
    return path


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files, all of them or none.

    Args:
        contents: What to write, by destination, in folders that exist; what is there is replaced.

    Raises:
        OSError: If one cannot be written; all destinations are as they were.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     pair = [Path(folder) / name for name in ("a.h", "a.c")]
        ...     write_together(dict.fromkeys(pair, b"whole"))
        ...     [path.read_bytes() for path in pair]
        [b'whole', b'whole']
    """
    before = {path: path.read_bytes() if path.exists() else None for path in contents}
    written: list[Path] = []
    try:
        for path, content in contents.items():
            write_whole(path, content)
            written.append(path)
    except BaseException:
        for path in written:
            old = before[path]
            if old is None:
                path.unlink()
            else:
                write_whole(path, old)
        raise
