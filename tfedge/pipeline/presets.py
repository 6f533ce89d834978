"""Recipes that come with tfedge; docs/recipes.md says why they are as they are."""

from __future__ import annotations

from typing import Any

from tfedge.core.checks import one_of
from tfedge.pipeline.recipe import Recipe

_RECOVER: dict[str, Any] = {"kind": "recover"}
_INT8: dict[str, Any] = {"kind": "convert", "quantize": "int8"}
_HALF: dict[str, Any] = {
    "kind": "prune_channels",
    "macs": 0.5,
    "importance": "fisher",
    "scope": "global",
    "epochs": 8,
    "learning_rate": 4e-3,
    "teacher": "original",
}
_PRESETS: dict[str, list[dict[str, Any]]] = {
    "fast": [_RECOVER, _INT8],
    "balanced": [_HALF, _RECOVER, _INT8],
    "smallest": [
        {**_HALF, "macs": 0.35},
        {
            "kind": "prune",
            "sparsity": 0.6,
            "scope": "global",
            "epochs": 5,
            "teacher": "original",
        },
        {"kind": "cluster", "clusters": 16, "epochs": 2, "teacher": "original"},
        {"kind": "quantize", "epochs": 3, "teacher": "original"},
        _INT8,
    ],
    "microcontroller": [{**_HALF, "round_to": 4}, _RECOVER, _INT8],
    "edgetpu": [{**_HALF, "macs": 0.7, "round_to": 8}, _RECOVER, {**_INT8, "input_type": "uint8"}],
}


def preset(name: str) -> Recipe:
    """Return one of the recipes that come with tfedge.

    Raises:
        ArgumentError: If there is none of that name.

    Example:
        >>> [step.kind for step in preset("balanced").steps]
        ['prune_channels', 'recover', 'convert']
    """
    one_of("recipe", name, list(_PRESETS))
    return Recipe(_PRESETS[name], name=name)
