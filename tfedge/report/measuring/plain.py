"""What callers hand over beside models and data, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.records import Record, _plain
from tfedge.report.findings import Limit

_FIELDS = ("name", "limit", "value", "met", "how")


def plain_mapping(name: str, value: Any) -> dict[str, Any] | None:
    """Return a mapping or record as plain data; None stays None.

    Args:
        name: Name of the argument, for messages.
        value: What came.

    Raises:
        ArgumentError: If it is something else.

    Example:
        >>> plain_mapping("recipe", {"steps": ("prune",)})
        {'steps': ['prune']}
    """
    if value is None:
        return None
    if isinstance(value, Record) or hasattr(value, "to_dict"):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        raise ArgumentError(
            f"{name} is a {type(value).__name__}; a mapping of names to values, or a record, is "
            "needed."
        )
    return _plain(dict(value))


def plain_rows(name: str, values: Any) -> tuple[dict[str, Any], ...]:
    """Return several mappings or records as plain data; None and nothing are no rows.

    Args:
        name: Name of the argument, for messages.
        values: What came.

    Raises:
        ArgumentError: If it is something else.

    Example:
        >>> plain_rows("trials", [{"accuracy": 0.9}])
        ({'accuracy': 0.9},)
    """
    if values is None:
        return ()
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ArgumentError(
            f"{name} is a {type(values).__name__}; a list of mappings or records is needed."
        )
    rows = (plain_mapping(f"{name}[{place}]", row) for place, row in enumerate(values))
    return tuple(row or {} for row in rows)


def constraints_of(budget: Any) -> tuple[Limit, ...]:
    """Return the limits of a budget: a list of rows, or a record that has them.

    Args:
        budget: Mappings or records, or one with ``constraints``.

    Raises:
        ArgumentError: If a row has no name or limit, or names something else.

    Example:
        >>> constraints_of([{"name": "size_bytes", "limit": 9000, "value": 8000}])[0].limit
        9000
    """
    if isinstance(budget, Mapping) or hasattr(budget, "to_dict"):
        budget = (plain_mapping("budget", budget) or {}).get("constraints", ())
    rows = plain_rows("budget", budget)
    for place, row in enumerate(rows):
        if "name" not in row or "limit" not in row:
            raise ArgumentError(
                f"budget[{place}] has {list(row)}; each limit needs a 'name' and a 'limit', and "
                "may have 'value', 'met' and 'how'."
            )
    return tuple(
        Limit(**{key: row[key] for key in _FIELDS if row.get(key) is not None}) for row in rows
    )


def class_names_of(names: Any) -> tuple[str, ...]:
    """Return names of classes as texts.

    Raises:
        ArgumentError: If it is one text.

    Example:
        >>> class_names_of(["cat", 7])
        ('cat', '7')
    """
    if isinstance(names, str):
        raise ArgumentError(f"class_names={names!r} is one text; a list of names is needed.")
    return tuple(str(name) for name in (() if names is None else names))
