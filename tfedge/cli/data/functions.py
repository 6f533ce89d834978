"""Data, or a model, that a function of the user's own returns."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tfedge.cli.data.request import ModelInput, Request
from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.nearest import did_you_mean


def imported(name: str) -> ModuleType:
    """Import a module; the current folder is searched first, as ``python -m`` does.

    Raises:
        DataError: If there is no such module, or it fails.

    Example:
        >>> imported("json").__name__
        'json'
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise DataError(
                f"There is no module {name!r}, neither in {here!r} nor installed. Run the command "
                "in its folder, or set PYTHONPATH."
            ) from error
        raise DataError(f"Importing {name!r} failed: {error}.") from error
    except Exception as error:
        raise DataError(f"Importing {name!r} failed: {type(error).__name__}: {error}.") from error


def named(spec: str) -> Any:
    """Return what ``MODULE:NAME`` names.

    Raises:
        DataError: If there is none.

    Example:
        >>> named("math:pi")
        3.141592653589793
    """
    module, _, names = spec.partition(":")
    found: Any = imported(module)
    for name in names.split("."):
        if not hasattr(found, name):
            raise DataError(f"{spec!r}: there is no {name!r}.{did_you_mean(name, [*vars(found)])}")
        found = getattr(found, name)
    return found


def called(spec: str, function: Any) -> Any:
    """Return what a user's function returns; its failure is told in one sentence.

    Raises:
        DataError: If it fails.

    Example:
        >>> called("builtins:dict", dict)
        {}
    """
    try:
        return function()
    except Exception as error:
        raise DataError(
            f"{spec!r} failed: {type(error).__name__}: {error}. --debug shows where."
        ) from error


class FunctionSource:
    """What a function returns, or data under a name of a module.

    Args:
        request: How it is read.

    Raises:
        ArgumentError: If the function's data are to be changed.
        DataError: If there is no such function.
    """

    labelled = True  # whether it is shows when it runs

    def __init__(self, request: Request) -> None:
        if request.part or request.x or request.y or request.scale:
            raise ArgumentError(
                f"{request.spec!r} is a function: ::PART, --x, --y and --scale are for files. Let "
                "it return what the model was trained on."
            )
        self._spec = request.spec
        self._found = named(request.path)

    def load(self, inputs: list[ModelInput]) -> Any:
        """Return the data, as `tfedge.cli.data.request.Source` says: whatever they are."""
        if not callable(self._found):
            return self._found
        data = called(self._spec, self._found)
        if data is None:
            raise DataError(f"{self._spec!r} returned None. Let it return x, (x, y), or tf.data.")
        return self._found if inspect.isgenerator(data) else data
