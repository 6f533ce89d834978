"""Settings as plain data: what JSON and YAML can carry, in one form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfedge.core.errors import ArgumentError


def plain(value: Any, where: str) -> Any:
    """Return a value as dictionaries, lists, texts, numbers, True, False and None.

    Args:
        value: Such data; tuples become lists, NumPy's numbers Python's.
        where: What to call it in an error.

    Raises:
        ArgumentError: If something else is in it; names the place.

    Example:
        >>> plain({"exclude": ("head",), "macs": np.float32(0.5)}, "step")
        {'exclude': ['head'], 'macs': 0.5}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    raise ArgumentError(
        f"{where} is {value!r}, a {type(value).__name__}: a recipe is data that JSON can carry. "
        "Use texts, finite numbers, True, False, None, and lists and dictionaries of these."
    )
