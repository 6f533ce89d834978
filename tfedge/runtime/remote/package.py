"""The half of tfedge that runs on devices, as one zip file."""

from __future__ import annotations

import functools
import importlib.resources
import io
import zipfile
from collections.abc import Iterator
from typing import Any

_PARTS = ("__init__.py", "_version.py", "errors.py", "core", "runtime", "evaluate")


@functools.cache
def device_zip() -> bytes:
    """Return a zip of ``tfedge.core``, ``tfedge.runtime`` and ``tfedge.evaluate``.

    Python runs it as it is: ``PYTHONPATH=tfedge-device.zip python -m tfedge.runtime``. It needs
    NumPy and one runtime beside it. Equal sources give equal bytes.

    Example:
        >>> names = zipfile.ZipFile(io.BytesIO(device_zip())).namelist()
        >>> "tfedge/runtime/__main__.py" in names, "tfedge/convert/__init__.py" in names
        (True, False)
    """
    memory = io.BytesIO()
    root = importlib.resources.files("tfedge")
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part in _PARTS:
            for name, item in _files(root / part, f"tfedge/{part}"):
                archive.writestr(zipfile.ZipInfo(name), item.read_bytes(), zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def _files(item: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the files at and below a place, sorted, with their names; no compiled ones."""
    if item.is_file():
        yield name, item
    elif item.name != "__pycache__":
        for child in sorted(item.iterdir(), key=lambda child: child.name):
            yield from _files(child, f"{name}/{child.name}")
