"""Arguments of a call as JSON and back: tensors become numbered places.

A layer that repeats an operation must keep the operation's other arguments in its config:
axes, slices, dtypes, constants. JSON knows none of tuple, slice, Ellipsis or array, so these
are tagged: ``{"tuple": [...]}``, ``{"slice": [0, 3, None]}``, ``{"tensor": 0}`` and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.models.edges import is_tensor


def encode(value: Any, place_of: Callable[[Any], int]) -> Any:
    """Return ``value`` as plain JSON data.

    Args:
        value: Arguments: tensors, numbers, text, arrays and containers of these.
        place_of: Gives the place number of a tensor.

    Raises:
        ModelError: If something in ``value`` cannot be written as data.

    Example:
        >>> encode((slice(0, 2), None), place_of=id)
        {'tuple': [{'slice': [0, 2, None]}, None]}
    """
    if is_tensor(value):
        return {"tensor": place_of(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if value is Ellipsis:
        return {"ellipsis": True}
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return {"slice": [encode(part, place_of) for part in parts]}
    if isinstance(value, tuple):
        return {"tuple": [encode(item, place_of) for item in value]}
    if isinstance(value, list):
        return [encode(item, place_of) for item in value]
    if isinstance(value, dict):
        items = [[encode(key, place_of), encode(item, place_of)] for key, item in value.items()]
        return {"dict": items}
    return _encode_array(value)


def decode(data: Any, tensors: Sequence[Any]) -> Any:
    """Return what :func:`encode` was given, with ``tensors`` in their places.

    Example:
        >>> decode({"tuple": [{"tensor": 0}, {"slice": [0, 2, None]}]}, ["x"])
        ('x', slice(0, 2, None))
    """
    if isinstance(data, (list, tuple)):
        return [decode(item, tensors) for item in data]
    if not isinstance(data, dict):
        return data
    ((tag, inside),) = data.items()
    if tag == "tensor":
        return tensors[inside]
    if tag == "ellipsis":
        return Ellipsis
    if tag == "slice":
        return slice(*(decode(part, tensors) for part in inside))
    if tag == "tuple":
        return tuple(decode(item, tensors) for item in inside)
    if tag == "dict":
        return {decode(key, tensors): decode(item, tensors) for key, item in inside}
    if tag == "dtype":
        return inside
    return np.array(inside["values"], dtype=inside["dtype"])


def constant(value: Any) -> np.ndarray | None:
    """Return numbers of any kind (Python, NumPy, TensorFlow) as an array, else None."""
    if is_tensor(value) or isinstance(value, (str, bytes, dict)) or value is None:
        return None
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, NotImplementedError):
        return None
    return array if array.dtype.kind in "biuf" else None


def _encode_array(value: Any) -> Any:
    """Return a dtype or an array of any kind as tagged data."""
    name = getattr(value, "name", None)
    if type(value).__name__ == "DType" and isinstance(name, str):
        return {"dtype": name}
    array = constant(value)
    if array is None:
        raise ModelError(
            f"An operation holds {value!r} ({type(value).__name__}), which cannot be kept in a "
            f"layer's config. Use a tensor, a number, text or an array."
        )
    return {"array": {"values": array.tolist(), "dtype": array.dtype.name}}
