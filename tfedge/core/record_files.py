"""Records as JSON files that name their class, and back.

Numbers, texts and objects are plain JSON, so that other programs read them too. What JSON has no
word for is an object with one key that begins with ``$``: an array, a list (sequences without
a word are tuples), a number that is not finite.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfedge._version import __version__
from tfedge.core.checks import as_path
from tfedge.core.errors import ArgumentError, DataError, TfedgeError
from tfedge.core.files import write_for_user
from tfedge.core.records import Record
from tfedge.core.rooms import enter

_PLAIN = (str, bool, int, type(None))


def save_record(record: Record, path: str | os.PathLike) -> Path:
    """Write a record as JSON, whole or not at all; `load_record` reads it.

    Args:
        record: Any record. A `TFLiteModel` is a file already and has its own ``save``.
        path: Where to write. An existing file is replaced.

    Returns:
        The path.

    Raises:
        ArgumentError: If it is no record, holds something that JSON cannot carry, or cannot be
            written there.

    Example:
        >>> save_record(7, "seven.json")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: int is no record; save_record takes what tfedge's ...
    """
    path = as_path("path", path)
    text = json.dumps(encode_record(record), indent=2, allow_nan=False) + "\n"
    return write_for_user(path, text.encode(), "a record")


def load_record(path: str | os.PathLike) -> Any:
    """Read a record that `save_record` or ``python -m tfedge.runtime`` wrote, as its class.

    Args:
        path: A JSON file.

    Returns:
        The record, equal to the one that was written.

    Raises:
        DataError: If there is no such file, it holds no record, or a record of a class that this
            version does not have or whose fields differ.

    Example:
        >>> import tempfile
        >>> from tfedge.runtime import TensorInfo
        >>> path = save_record(TensorInfo(0, "x", (1, 4), (-1, 4), "int8"),
        ...                    f"{tempfile.mkdtemp()}/x.json")
        >>> load_record(path).shape_signature
        (-1, 4)
    """
    path = as_path("path", path)
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"Cannot read {str(path)!r}: {error.strerror}. Check the path.") from error
    except ValueError as error:
        raise DataError(
            f"{str(path)!r} is not JSON ({error}). Copy it again, or write it again with "
            "tfedge.save_record or python -m tfedge.runtime ... --json."
        ) from error
    return decode_record(found, f"{str(path)!r}")


def encode_record(record: Record) -> dict[str, Any]:
    """Return a record as plain data that names its class and the version of tfedge.

    Example:
        >>> from tfedge.runtime import TensorInfo
        >>> found = encode_record(TensorInfo(0, "x", (1, 4), (-1, 4), "int8"))
        >>> found["record"], found["fields"]["shape"]
        ('TensorInfo', [1, 4])
    """
    if not isinstance(record, Record):
        raise ArgumentError(
            f"{type(record).__name__} is no record; save_record takes what tfedge's functions "
            "return, such as the result of benchmark or evaluate."
        )
    return {"tfedge": __version__, **_encoded_record(record, type(record).__name__)}


def decode_record(found: Any, where: str = "the data") -> Any:
    """Return the record in plain data, as `encode_record` made it.

    Args:
        found: The plain data.
        where: What to call them in messages.

    Raises:
        DataError: As `load_record` raises it.

    Example:
        >>> from tfedge.runtime import TensorInfo
        >>> record = TensorInfo(0, "x", (1, 4), (-1, 4), "int8")
        >>> decode_record(encode_record(record)) == record
        True
    """
    if not isinstance(found, dict) or not {"tfedge", "record", "module", "fields"} <= set(found):
        raise DataError(
            f"{where} names no record class: to_json() writes the fields alone. Write it with "
            "tfedge.save_record or python -m tfedge.runtime ... --json."
        )
    version = found["tfedge"]
    where = f"{where}, written by {'the newer ' if _newer(version) else ''}tfedge {version},"
    try:
        return _decoded_record(found, where)
    except TfedgeError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{where} is damaged ({error!r}). Copy or write it again.") from error


def _newer(version: Any) -> bool:
    """Return whether a version of tfedge is above this one; what is no version is not."""
    found, here = (re.findall(r"\d+", str(text)) for text in (version, __version__))
    return [int(part) for part in found] > [int(part) for part in here]


def _encoded_record(record: Record, where: str) -> dict[str, Any]:
    """Return class and fields of a record."""
    return {
        "record": type(record).__name__,
        "module": type(record).__module__,
        "fields": {
            field.name: _encoded(getattr(record, field.name), f"{where}.{field.name}")
            for field in dataclasses.fields(record)
            if field.init
        },
    }


def _encoded(value: Any, where: str) -> Any:
    """Return a value as JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, Record):
        return {"$record": _encoded_record(value, where)}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        items = {key: _encoded(item, f"{where}[{key!r}]") for key, item in value.items()}
        return {"$dict": items} if len(items) == 1 and next(iter(items))[:1] == "$" else items
    if isinstance(value, (list, tuple)):
        parts = [_encoded(item, f"{where}[{place}]") for place, item in enumerate(value)]
        return {"$list": parts} if isinstance(value, list) else parts
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        flat = _encoded(value.reshape(-1).tolist(), where)["$list"]
        return {"$array": {"dtype": str(value.dtype), "shape": list(value.shape), "values": flat}}
    raise ArgumentError(
        f"{where} is a {type(value).__name__}, which JSON cannot carry. A TFLiteModel is written "
        "by its own save()."
    )


def _decoded(value: Any, where: str) -> Any:
    """Return what `_encoded` was given."""
    if isinstance(value, list):
        return tuple(_decoded(item, where) for item in value)
    if not isinstance(value, dict):
        return value
    word, *more = value or [""]
    if more or word[:1] != "$":
        return {key: _decoded(item, where) for key, item in value.items()}
    item = value[word]
    if word == "$array":
        return np.array(_decoded(item["values"], where), item["dtype"]).reshape(item["shape"])
    if word == "$record":
        return _decoded_record(item, where)
    if word == "$dict":
        return {key: _decoded(inner, where) for key, inner in item.items()}
    if word == "$list":
        return list(_decoded(item, where))
    if word == "$float":
        return float(item)
    raise DataError(f"{where} holds {word!r}, which tfedge {__version__} does not know. Update it.")


def _decoded_record(found: dict[str, Any], where: str) -> Record:
    """Return a record from its class and fields."""
    name = found["record"]
    kind = _class(name, found["module"])
    if kind is None:
        raise DataError(
            f"{where} holds a {name!r}; tfedge {__version__} here has no such record. Read it "
            "with the version that wrote it, or a newer one."
        )
    fields = {key: _decoded(item, where) for key, item in found["fields"].items()}
    try:
        return kind(**fields)
    except TypeError as error:
        raise DataError(
            f"{where} holds a {name} whose fields are not those of tfedge {__version__} here "
            f"({error}). Read it with the version that wrote it."
        ) from error


def _class(name: str, module: str) -> type[Record] | None:
    """Return the record class of that name: one that is imported, else one of tfedge's own."""
    known = {(kind.__name__, kind.__module__): kind for kind in _descendants(Record)}
    same_name = [kind for (other, _), kind in known.items() if other == name]
    if (name, module) in known or len(same_name) == 1:
        return known.get((name, module)) or same_name[0]
    if module.split(".")[0] != "tfedge":
        return None
    try:
        kind = enter(f"{module}:{name}")
    except (ModuleNotFoundError, AttributeError):
        return None
    return kind if isinstance(kind, type) and issubclass(kind, Record) else None


def _descendants(kind: type[Record]) -> list[type[Record]]:
    """Return every class below a class."""
    below = kind.__subclasses__()
    return [*below, *(deeper for one in below for deeper in _descendants(one))]
