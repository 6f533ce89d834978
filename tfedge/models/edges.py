"""The edges of a layer graph, and how to find them in the arguments of a call."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One edge of the graph: ``index`` tells it apart; ``shape`` has None where it is open."""

    index: int
    shape: tuple
    dtype: str


def map_tensors(structure: Any, function: Callable[[Any], Any]) -> Any:
    """Return a copy of lists, tuples, dicts and slices with every tensor replaced."""
    if is_tensor(structure):
        return function(structure)
    if isinstance(structure, dict):
        return {key: map_tensors(value, function) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(map_tensors(value, function) for value in structure))
    if isinstance(structure, (list, tuple)):
        kind = tuple if isinstance(structure, tuple) else list
        return kind(map_tensors(value, function) for value in structure)
    if isinstance(structure, slice):
        parts = (structure.start, structure.stop, structure.step)
        return slice(*(map_tensors(part, function) for part in parts))
    return structure


def tensors_in(structure: Any) -> list[Any]:
    """Return the tensors of a structure in order; dict values by sorted key, as Keras does."""
    found: list[Any] = []
    ordered = dict(sorted(structure.items())) if isinstance(structure, dict) else structure
    map_tensors(ordered, found.append)
    return found


def is_tensor(value: Any) -> bool:
    """Return whether a value is an edge: a symbolic tensor of either Keras, or a Tensor."""
    if isinstance(value, Tensor):
        return True
    return any(kind.__name__ == "KerasTensor" for kind in type(value).__mro__)


def static_size(shape: tuple) -> int | None:
    """Return the number of values of one sample, or None if a dimension is open."""
    dims = shape[1:]
    return None if any(dim is None for dim in dims) else math.prod(dims)
