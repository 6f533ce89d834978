"""Which of the names in a file are the inputs, and which the labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tfedge.cli.data.request import ModelInput, Request
from tfedge.core.errors import DataError
from tfedge.core.nearest import did_you_mean


def in_part(keys: Sequence[str], request: Request) -> dict[str, str]:
    """Return the keys of a part by what they are called without it; all without a part.

    Raises:
        DataError: If no key belongs to it.

    Example:
        >>> in_part(["x_train", "x_test"], Request("", "", "train"))
        {'x': 'x_train'}
    """
    part = request.part
    if not part:
        return {key: key for key in keys}
    found = {key.removesuffix(f"_{part}"): key for key in keys if key.endswith(f"_{part}")}
    for mark in ("_", "/"):
        begin = part + mark
        found |= {key.removeprefix(begin): key for key in keys if key.startswith(begin)}
    if not found:
        raise DataError(
            f"{request.path!r} has no part {part!r}: none of its keys {list(keys)} begins with "
            f"{part + '_'!r} or ends in {'_' + part!r}."
        )
    return found


def checked(asked: Sequence[tuple[str, str]], known: Collection[str], request: Request) -> None:
    """Raise unless every key that was asked for is there."""
    for _, key in asked:
        if key not in known:
            raise DataError(
                f"{request.spec!r} has no {key!r}; it has {list(known)}.{did_you_mean(key, known)}"
            )


def chosen_x(
    known: Collection[str], inputs: Sequence[ModelInput], request: Request
) -> str | dict[str, str]:
    """Return the key of the only input, or keys by name of input.

    Args:
        known: The keys that there are.
        inputs: The inputs of the model.
        request: What was asked for.

    Raises:
        DataError: If it cannot be told, or keys and inputs do not match.

    Example:
        >>> chosen_x(["x", "y"], [ModelInput("image", (8, 8))], Request("", "", ""))
        'x'
    """
    names = [one.name for one in inputs]
    if request.x:
        return _asked(request.x, names, request)
    if len(names) > 1 and set(names) <= set(known):
        return {name: name for name in names}
    if len(names) == 1:
        for key in ("x", *names):
            if key in known:
                return key
        others = [key for key in known if key != "y"]
        if len(others) == 1:
            return others[0]
    raise DataError(
        f"Which of {list(known)} in {request.spec!r} are the inputs of the model, {names}? Say "
        f"--x KEY{_hint(known, request)}, for several inputs --x INPUT=KEY for each."
    )


def _asked(
    asked: Sequence[tuple[str, str]], names: list[str], request: Request
) -> str | dict[str, str]:
    """Return the keys that were asked for, by name of input where there are several."""
    if len(asked) != len(names):
        raise DataError(
            f"--x names {len(asked)} keys of {request.spec!r}; the model has {len(names)} inputs, "
            f"{names}."
        )
    found = {name or names[place]: key for place, (name, key) in enumerate(asked)}
    if set(found) != set(names):
        wrong = next((name for name in found if name not in names), "")
        raise DataError(
            f"--x names the inputs {list(found)}; the model's are {names}."
            f"{did_you_mean(wrong, names)}"
        )
    return found if len(names) > 1 else found[names[0]]


def _hint(known: Collection[str], request: Request) -> str:
    """Return that a part can be named, where keys look like it."""
    parts = sorted({key[2:] for key in known if key.startswith("x_") and len(key) > 2})
    shown = " or ".join(f"{request.path}::{part}" for part in parts)
    return f" (or take a part: {shown})" if parts and not request.part else ""


def chosen_y(known: Collection[str], request: Request) -> str | dict[str, str] | None:
    """Return the key of the labels, keys by name of output, or None without labels.

    Example:
        >>> chosen_y(["x", "y"], Request("", "", ""))
        'y'
    """
    if not request.y:
        return "y" if "y" in known else None
    if len(request.y) == 1 and not request.y[0][0]:
        return request.y[0][1]
    return {name or key: key for name, key in request.y}


def taken(values: Any, keys: str | Mapping[str, str] | None) -> Any:
    """Return what keys name: one value, or a dictionary of them.

    Example:
        >>> taken({"a": 1, "b": 2}, {"left": "b"})
        {'left': 2}
    """
    if keys is None:
        return None
    if isinstance(keys, str):
        return values[keys]
    return {name: values[key] for name, key in keys.items()}
