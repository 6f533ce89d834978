"""A recipe in one line, for tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOLD = ("ratio", "macs", "parameters", "sparsity", "clusters", "epochs", "quantize", "scope")


def recipe_line(recipe: Mapping[str, Any]) -> str:
    """Return the steps of a recipe with the settings that matter most.

    Args:
        recipe: A recipe as plain data.

    Example:
        >>> recipe_line({"steps": [{"kind": "prune_channels", "macs": 0.5},
        ...                        {"kind": "convert", "quantize": "int8"}]})
        'prune_channels(macs 0.5), convert(int8)'
        >>> recipe_line({"steps": [{"kind": "prune_channels", "ratio": {"a": 0.5, "b": 0.25}}]})
        'prune_channels(ratio 0.25 to 0.5)'
    """
    texts = [_step(step) for step in recipe.get("steps", ())]
    return ", ".join(texts) or "plain recipe"


def _step(step: Mapping[str, Any]) -> str:
    """Return one step."""
    settings = step.get("settings", step)
    told = [_setting(name, settings[name]) for name in _TOLD if settings.get(name) is not None]
    told += [f"{len(settings['layers'])} layers apart"] if settings.get("layers") else []
    return f"{step['kind']}({', '.join(told)})" if told else str(step["kind"])


def _setting(name: str, value: Any) -> str:
    """Return one setting; what says everything by itself needs no name."""
    if isinstance(value, Mapping):
        return f"{name} {_range(value)}"
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    return shown if name in ("quantize", "scope") else f"{name} {shown}"


def _range(values: Mapping[str, Any]) -> str:
    """Return values by layer in few words."""
    low, high = min(values.values()), max(values.values())
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
