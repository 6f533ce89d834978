"""Training that makes weights or channels sparse: group lasso, growing penalties, L0 gates."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfedge.compress.pruning.regularizers.gated_weights import L0Weights as L0Weights
    from tfedge.compress.pruning.regularizers.gated_weights import (
        TFKerasL0Weights as TFKerasL0Weights,
    )
    from tfedge.compress.pruning.regularizers.gates import L0Gate as L0Gate
    from tfedge.compress.pruning.regularizers.gates import TFKerasL0Gate as TFKerasL0Gate
    from tfedge.compress.pruning.regularizers.group_lasso import GroupLasso as GroupLasso
    from tfedge.compress.pruning.regularizers.hard_concrete import ExpectedL0 as ExpectedL0

_NAMES = {
    "ExpectedL0": "hard_concrete",
    "GroupLasso": "group_lasso",
    "L0Gate": "gates",
    "L0Weights": "gated_weights",
    "TFKerasL0Gate": "gates",
    "TFKerasL0Weights": "gated_weights",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first touched."""
    if name in _NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(_NAMES)
