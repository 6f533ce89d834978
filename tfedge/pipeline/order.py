"""Which step may follow which, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_WRAPS = ("prune", "cluster", "quantize", "recover")
_CHANNELS = ("prune_channels", "student")
_INTEGERS = ("quantize", "recover")


def order_mistakes(kinds: Sequence[str], steps: Sequence[Any] = ()) -> list[str]:
    """Return what is wrong with the order of steps, one text for each.

    Args:
        kinds: Kinds of the steps, in order.
        steps: The steps themselves, to look at what they convert to.

    Example:
        >>> order_mistakes(["prune", "quantize", "convert"])
        []
        >>> order_mistakes(["convert", "prune"])
        ['step 2 (prune) comes after convert, whose file nothing can follow. Put convert last.']
    """
    found = [] if kinds else ["steps is empty: a recipe needs one step at least."]
    for place, kind in enumerate(kinds):
        reason = _mistake(kind, kinds[:place])
        if reason:
            found.append(f"step {place + 1} ({kind}) {reason}")
    return found + _wrong_file(kinds, steps)


def _mistake(kind: str, before: Sequence[str]) -> str:
    """Return why a step cannot follow those before it, or nothing."""
    if "convert" in before:
        return "comes after convert, whose file nothing can follow. Put convert last."
    wraps = next((one for one in before if one in _WRAPS), None)
    integers = next((one for one in before if one in _INTEGERS), None)
    if kind in _CHANNELS and wraps:
        return (
            f"comes after {wraps}, whose masks and ranges fit the full width only. Remove channels "
            "first."
        )
    if kind in ("prune", "cluster", *_INTEGERS) and integers:
        remedy = "Leave one out" if kind in _INTEGERS else f"Put {kind} before it"
        return (
            f"comes after {integers}, which has put the kernels behind fake quantization already. "
            f"{remedy}."
        )
    if kind == "prune" and "cluster" in before:
        return (
            "comes after cluster, whose shared values zeros would break. Prune first: cluster "
            "keeps zeros."
        )
    if kind in ("prune", "cluster") and kind in before:
        return f"is the second {kind}: one cannot wear the wrappers twice. Leave one out."
    return ""


def _wrong_file(kinds: Sequence[str], steps: Sequence[Any]) -> list[str]:
    """Return whether the file is one that fake quantization cannot become."""
    integers = next((kind for kind in kinds if kind in _INTEGERS), None)
    for place, step in enumerate(steps):
        asked = step.settings.get("quantize", "int8")
        if step.kind == "convert" and integers and asked != "int8":
            return [
                f"step {place + 1} (convert), quantize={asked!r}: after {integers} the model "
                f"computes as an int8 file will. Use 'int8', or leave {integers} out."
            ]
    return []
