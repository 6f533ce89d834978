"""A kind of step: which settings it knows, how they are checked, and what it does."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfedge.core.errors import TfedgeError
from tfedge.core.nearest import did_you_mean
from tfedge.core.rooms import enter
from tfedge.pipeline.steps.context import Context


def _nothing(settings: dict[str, Any]) -> None:
    """Find nothing wrong."""


@dataclass(frozen=True)
class Kind:
    """A kind of step.

    Args:
        name: What recipes call it.
        functions: The functions that do it, as ``"package.module:name"``: their parameters are its
            settings.
        filled: Parameters of these that no recipe sets, because the run knows them.
        own: Further settings, with their defaults.
        check: Raises for settings that are wrong; gets all of them.
        apply: Returns what becomes of a model.
        trains: Whether there may be training in it.
    """

    name: str
    functions: tuple[str, ...]
    apply: Callable[[Any, Context, Mapping[str, Any]], Any]
    filled: frozenset[str] = frozenset()
    own: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[dict[str, Any]], None] = _nothing
    trains: bool = True

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """Every setting of the step with its default, those of the functions first."""
        found: dict[str, Any] = {}
        for target in self.functions:
            parameters = list(inspect.signature(enter(target)).parameters.values())[1:]
            named = [one for one in parameters if one.kind is not one.VAR_KEYWORD]
            found.update({one.name: one.default for one in named if one.name not in self.filled})
        return {**found, **self.own}

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings with the step's own defaults, those of the functions left to them."""
        return {**self.own, **settings}

    def for_function(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that are for the functions, not the step's own."""
        return {name: value for name, value in settings.items() if name not in self.own}

    def mistakes(self, settings: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with settings, one text for each mistake.

        Example:
            >>> from tfedge.pipeline.steps.kinds import KINDS
            >>> KINDS["prune"].mistakes({"sparsity": 2})
            [': sparsity=2 must be a number in [0, 1).']
        """
        unknown = [name for name in settings if name not in self.settings]
        found = [self._unknown(name, settings[name]) for name in unknown]
        known = {name: value for name, value in settings.items() if name in self.settings}
        return [*found, *self._wrong(known)]

    def _wrong(self, settings: dict[str, Any]) -> list[str]:
        """Return what is wrong with values; each that is named is set aside to find the others."""
        found: list[str] = []
        while True:
            try:
                self.check({**self.own, **settings})
            except (TfedgeError, TypeError) as error:
                text = str(error)
            else:
                return found
            culprit = _named_in(text, settings)
            if culprit is None:
                return found or [f": {text}"]
            found.append(f": {text}")
            del settings[culprit]

    def _unknown(self, name: str, value: Any) -> str:
        """Return what to say about a setting that there is not."""
        if name in self.filled:
            return f", {name}={value!r}: the run itself sets {name}. Leave it out."
        near = did_you_mean(name, self.settings)
        return (
            f", {name}={value!r}: {self.name} has no such setting.{near} It has "
            f"{', '.join(self.settings)}."
        )


def _named_in(text: str, settings: Mapping[str, Any]) -> str | None:
    """Return the setting that a message of the house begins with."""
    return next((one for one in settings if text.startswith((f"{one}=", f"{one}["))), None)
