"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


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
