"""Results as records: frozen dataclasses that print well and travel as plain data."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np


def _plain(value: Any) -> Any:
    """Return ``value`` as what JSON knows: numbers, strings, lists, dicts."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return value


def _strict(value: Any) -> Any:
    """Return plain data with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclasses.dataclass(frozen=True, repr=False)
class Record:
    """Base of every result.

    Subclasses are frozen dataclasses (``@dataclass(frozen=True, repr=False)``) with units in
    their field names.

    Example:
        >>> @dataclasses.dataclass(frozen=True, repr=False)
        ... class Size(Record):
        ...     size_bytes: int
        >>> Size(12).to_json()
        '{"size_bytes": 12}'
        >>> Size(12)
        Size
          size_bytes  12
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data, nested records included."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def to_json(self, indent: int | None = None) -> str:
        """Return the fields as JSON text; numbers that are not finite become null."""
        return json_text(self, indent)

    def __repr__(self) -> str:
        """Return one aligned line per field."""
        rows = {name: _shown(value) for name, value in self.to_dict().items()}
        width = max(map(len, rows), default=0)
        lines = [f"  {name:<{width}}  {text}" for name, text in rows.items()]
        return "\n".join([type(self).__name__, *lines])


def json_text(value: Any, indent: int | None = None) -> str:
    """Return records, and plain data with records in them, as JSON text.

    Args:
        value: A record, a dictionary, a list, an array, a number, a text.
        indent: Columns by which what is inside is moved in; None for one line.

    Returns:
        The text; numbers that are not finite are null in it.

    Example:
        >>> json_text({"sqnr_db": float("inf"), "sizes": (1, 2)})
        '{"sqnr_db": null, "sizes": [1, 2]}'
    """
    return json.dumps(_strict(_plain(value)), indent=indent, allow_nan=False)


def _shown(value: Any) -> str:
    """Return a field as short text."""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
