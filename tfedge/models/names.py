"""One name per layer in a flat model."""

from __future__ import annotations

import re
from typing import Any


class Names:
    """Settles the flat name of every layer, first come, first served.

    Attributes:
        paths: ``"outer/inner"`` path of every layer to its flat name.
    """

    def __init__(self) -> None:
        self.paths: dict[str, str] = {}
        self._flat: dict[int, str] = {}
        self._taken: set[str] = set()

    def of(self, layer: Any, path: tuple[str, ...]) -> str:
        """Return the flat name of a layer that lies in the models ``path``.

        It is the layer's own name; if that is taken, the nearest model's name goes before it,
        then the next one's, then a number after it.
        """
        if id(layer) not in self._flat:
            self._flat[id(layer)] = self._free(valid_name(str(layer.name)), path)
            self._taken.add(self._flat[id(layer)])
        self.paths.setdefault("/".join((*path, str(layer.name))), self._flat[id(layer)])
        return self._flat[id(layer)]

    def _free(self, name: str, path: tuple[str, ...]) -> str:
        """Return a name that no other layer has."""
        for outer in reversed(path):
            if name in self._taken:
                name = f"{valid_name(outer)}_{name}"
        free, number = name, 1
        while free in self._taken:
            free, number = f"{name}_{number}", number + 1
        return free


def valid_name(name: str) -> str:
    """Return a layer name that TensorFlow takes as a scope name.

    Example:
        >>> valid_name("my layer")
        'my_layer'
    """
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name)
    return name if re.match(r"[A-Za-z0-9.]", name) else f"layer{name}"
