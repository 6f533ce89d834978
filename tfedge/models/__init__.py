"""Every Keras model comes in here: opened, adopted as tf_keras, and released again."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfedge.models.adopt import adopt as adopt
    from tfedge.models.channels import register_channels as register_channels
    from tfedge.models.files import load_model as load_model
    from tfedge.models.graph import name_map as name_map
    from tfedge.models.registry import register_layer as register_layer
    from tfedge.models.release import release as release
    from tfedge.models.statistics import model_statistics as model_statistics

_NAMES = {
    "adopt": "tfedge.models.adopt",
    "load_model": "tfedge.models.files",
    "model_statistics": "tfedge.models.statistics",
    "name_map": "tfedge.models.graph",
    "register_channels": "tfedge.models.channels",
    "register_layer": "tfedge.models.registry",
    "release": "tfedge.models.release",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first touched."""
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tfedge.models' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(_NAMES)
