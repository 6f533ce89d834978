"""Which reader a word for data belongs to."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tfedge.cli.data.request import Request, Source
from tfedge.core.errors import DataError

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_TABLES = (".csv", ".tsv")
_ARRAYS = (".npz", ".npy")
_RECORDS = (".tfrecord", ".tfrecords", ".tfrec")


def open_source(request: Request) -> Source:
    """Find data and look at their names and heads, before anything slow is done.

    Args:
        request: Where they lie, and how they are read.

    Raises:
        ArgumentError: If an option is missing that this kind of data needs.
        DataError: If nothing lies there, it is no kind of data that is known, or keys are missing.
    """
    path = Path(request.path)
    if request.path == "-":
        return _stream(request)
    if _FUNCTION.fullmatch(request.path) and not path.exists():
        from tfedge.cli.data.functions import FunctionSource

        return FunctionSource(request)
    if path.is_dir():
        from tfedge.cli.data.images import ImageSource

        return ImageSource(request)
    return _file(request, sorted(path.parent.glob(path.name)) or [path])


def _file(request: Request, paths: list[Path]) -> Source:
    """Return the source of one file, or of several TFRecord files."""
    if missing := [path for path in paths if not path.exists()]:
        raise DataError(f"No data at {str(missing[0])!r}. Check the path.")
    kinds = {_kind(path) for path in paths}
    if kinds == {"records"}:
        from tfedge.cli.data.records import RecordSource

        return RecordSource(request, paths)
    if len(paths) > 1:
        raise DataError(f"{request.path!r} are {len(paths)} files; only TFRecord may be several.")
    if kinds == {"table"}:
        from tfedge.cli.data.tables import TableSource

        return TableSource(request, paths[0].read_bytes())
    if kinds == {"arrays"}:
        from tfedge.cli.data.arrays import ArraySource

        return ArraySource(request, paths[0])
    raise DataError(
        f"{request.path!r} is no kind of data that is known here. Known are .npz and .npy, folders "
        "of images, .csv and .tsv, .tfrecord, and MODULE:FUNCTION."
    )


def _kind(path: Path) -> str:
    """Return the kind of a file; shards of TFRecord end in numbers."""
    if path.suffix.lower() in _ARRAYS:
        return "arrays"
    if path.suffix.lower() in _TABLES:
        return "table"
    if any(word in path.name.lower() for word in _RECORDS):
        return "records"
    return ""


def _stream(request: Request) -> Source:
    """Return what is on stdin: arrays, or CSV."""
    import io

    content = sys.stdin.buffer.read()
    if content[:2] == b"PK" or content[:6] == b"\x93NUMPY":
        from tfedge.cli.data.arrays import ArraySource

        return ArraySource(request, io.BytesIO(content))
    from tfedge.cli.data.tables import TableSource

    return TableSource(request, content)
