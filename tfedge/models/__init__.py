"""Every Keras model comes in here: adopted as tf_keras, copied, loaded, released again."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfedge.models.adopt import adopt as adopt
    from tfedge.models.registry import register_layer as register_layer

_NAMES = {
    "adopt": "tfedge.models.adopt",
    "register_layer": "tfedge.models.registry",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first touched."""
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tfedge.models' has no attribute {name!r}")
