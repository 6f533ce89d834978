"""Rooms that can be called by their name: ``tfedge.evaluate`` is a folder and a function.

Python binds a subpackage to its parent under its own name, so a public function of the same
name would be hidden by the first ``import tfedge.evaluate``. Instead the room itself is
callable (Python data model, "Customizing module attribute access").
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable


class _CallableRoom(types.ModuleType):
    """A package whose main function answers when the package is called."""

    __wrapped__: Callable

    def __call__(self, *args, **kwargs):
        """Call the room's main function."""
        return self.__wrapped__(*args, **kwargs)


def callable_room(name: str, function: Callable) -> None:
    """Make the package ``name`` callable as ``function``, with its signature and docstring.

    Args:
        name: ``__name__`` of the package.
        function: What calling the package runs.
    """
    room = sys.modules[name]
    room.__class__ = _CallableRoom
    room.__dict__.update(
        __wrapped__=function,
        __signature__=inspect.signature(function),
        __doc__=function.__doc__,
    )
