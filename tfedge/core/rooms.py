"""Rooms that can be called by their name: ``tfedge.evaluate`` is a folder and a function.

Python binds a subpackage to its parent under its own name, so a public function of the same
name would be hidden by the first ``import tfedge.evaluate``. Instead the room itself is
callable (Python data model, "Customizing module attribute access").
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import MissingPackageError

_NOT_ON_DEVICES = ("tensorflow", "tf_keras", "keras", "tensorflow_model_optimization")


def enter(target: str) -> Any:
    """Import a module, or what ``"package.module:name"`` names in it.

    Raises:
        MissingPackageError: If it needs TensorFlow, and this is a device without.

    Example:
        >>> enter("math:sqrt")(4.0)
        2.0
    """
    module, _, names = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _NOT_ON_DEVICES:
            raise
        raise MissingPackageError(
            f"{module} needs {error.name}, which is not installed: this is the half of tfedge that "
            "makes files. tfedge.runtime and tfedge.evaluate run them without it. Install the "
            "rest with: pip install tfedge"
        ) from error
    for name in names.split(".") if names else ():
        found = getattr(found, name)
    return found


class _CallableRoom(types.ModuleType):
    """A module whose main function answers when the module is called."""

    def __call__(self, *args, **kwargs):
        """Call the room's main function."""
        return self.__wrapped__(*args, **kwargs)

    @property
    def __wrapped__(self) -> Callable:
        """The main function, imported when first needed."""
        target: Any = self.__dict__["_main"]
        if isinstance(target, str):
            target = self.__dict__["_main"] = enter(target)
        return target

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """The docstring of the main function."""
        return self.__wrapped__.__doc__

    @property
    def __signature__(self) -> inspect.Signature:
        """The signature of the main function."""
        return inspect.signature(self.__wrapped__)


def callable_room(name: str, function: Callable | str) -> None:
    """Make the module ``name`` callable as ``function``, with its signature and docstring.

    Args:
        name: ``__name__`` of the module.
        function: What calling the module runs, or ``"package.module:function"`` to import it
            when it is first needed.
    """
    room = sys.modules[name]
    room.__dict__["_main"] = function
    room.__class__ = _CallableRoom
