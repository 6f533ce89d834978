"""The arguments of an operation, whether Keras 3 or a TensorFlow function was called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.models.edges import tensors_in

_SAME_WORD = {
    "axis": ("axis", "axes", "perm", "dim"),
    "keepdims": ("keepdims", "keep_dims"),
    "shape": ("newshape", "shape"),
    "sections": ("indices_or_sections", "num_or_size_splits"),
    "pad": ("pad_width", "paddings"),
    "equation": ("subscripts", "equation"),
}


class Options:
    """Arguments by name: of the constructor and call in Keras 3, of the function in TensorFlow.

    Args:
        call: The call of an operation.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._places: dict[str, int | str] = {}
        self._config: dict[str, Any] = {}
        function = getattr(call.layer, "function", None)
        if function is None:
            self._given = self._of_keras3(call)
        else:
            self._given = self._of_function(call, function)

    def get(self, word: str, default: Any = None) -> Any:
        """Return an argument under any of its names."""
        for name in _SAME_WORD.get(word, (word,)):
            if self._given.get(name) is not None:
                return self._given[name]
        return default

    def change(self, word: str, value: Callable[[Any, Any], Any]) -> None:
        """Name an argument that changes: ``value(kept, old)`` returns it anew."""
        for name in _SAME_WORD.get(word, (word,)):
            if name in self._config:
                self._call.sets(name, value)
            elif name in self._places:
                self._call.argument(self._places[name], value)

    def _of_keras3(self, call: Call) -> dict[str, Any]:
        """Return the settings of an operation and the named arguments of its call."""
        try:
            self._config = call.layer.get_config()
        except NotImplementedError:
            self._config = {}
        self._places = {name: name for name in call.kwargs}
        return {**self._config, **call.kwargs}

    def _of_function(self, call: Call, function: Callable) -> dict[str, Any]:
        """Return the arguments of a TensorFlow function by name."""
        parameters = list(inspect.signature(function).parameters)
        self._places = {name: place for place, name in enumerate(parameters[: len(call.args)])}
        self._places |= {name: name for name in call.kwargs}
        return {**dict(zip(parameters, call.args, strict=False)), **call.kwargs}

    def axes(self, rank: int, default: Any = None) -> tuple[int, ...]:
        """Return the axes that the operation names, counted from the front; all if none."""
        axis = self.get("axis", default)
        if axis is None:
            return tuple(range(rank))
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        return () if tensors_in(axes) else tuple(int(axis) % rank for axis in axes)
