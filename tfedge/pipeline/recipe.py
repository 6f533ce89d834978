"""A recipe: steps in order with their settings, as plain data that is checked at once."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfedge.core.records import Record
from tfedge.pipeline.plain import plain

_WIDEST = 118


@dataclass(frozen=True, repr=False, init=False)
class Step(Record):
    """One step of a recipe: what is done, and with which settings.

    Settings are those of the function that does it, and those of training where the step trains;
    the page on recipes lists them. They are checked when the step becomes part of a
    `tfedge.Recipe`.

    Args:
        kind: ``"prune_channels"``, ``"student"``, ``"prune"``, ``"cluster"``, ``"quantize"``,
            ``"recover"``, ``"distill"``, ``"train"`` or ``"convert"``.
        settings: Settings by name; more can follow as keyword arguments.

    Raises:
        ArgumentError: If a setting is no plain data.

    Example:
        >>> Step("prune", sparsity=0.5, epochs=2)
        Step('prune', sparsity=0.5, epochs=2)
    """

    kind: str
    settings: Mapping[str, Any]

    def __init__(self, kind: str, settings: Mapping[str, Any] | None = None, **more: Any) -> None:
        found = plain({**(settings or {}), **more}, f"Step({kind!r})")
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "settings", found)

    def to_dict(self) -> dict[str, Any]:
        """Return kind and settings side by side, as recipes are written down."""
        return {"kind": self.kind, **self.settings}

    def __hash__(self) -> int:
        """Hash the content."""
        return hash(json.dumps(self.to_dict(), sort_keys=True))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        told = "".join(f", {name}={value!r}" for name, value in self.settings.items())
        return f"Step({self.kind!r}{told})"


@dataclass(frozen=True, repr=False)
class Recipe(Record):
    """How a model becomes a file: steps in order, as data.

    All that is wrong with a recipe is said at once, in one error. A recipe without the step
    ``convert`` gets one to ``"int8"`` at its end.

    Args:
        steps: Steps in order: `tfedge.Step` objects, or dictionaries with ``"kind"`` and settings.
        name: What to call it.
        loss: The loss of steps that train: a name of Keras, or a dictionary of ``"name"`` and the
            loss's own settings. Default: the one that the model is compiled with; without one,
            what suits the labels and the model's last layer.
        metrics: Names of metrics, as `tfedge.evaluate` takes them; the first one is what counts.
            Default: what suits the labels.
        seed: Seed of whatever is random.

    Raises:
        ArgumentError: If a step, a setting or the order of steps is wrong.

    Example:
        >>> recipe = Recipe([Step("recover"), Step("convert", quantize="int8")], name="plain")
        >>> recipe
        Recipe 'plain', seed 0
          1 recover
          2 convert  quantize='int8'
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
        >>> Recipe([Step("prune", sparsty=0.5)])
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: There is 1 mistake in this recipe:
          step 1 (prune), sparsty=0.5: prune has no such setting. Did you mean 'sparsity'? ...
    """

    steps: Any
    name: str = "recipe"
    loss: Any = None
    metrics: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Bring everything into one form, and refuse all that is wrong together."""
        from tfedge.pipeline.recipe_check import checked_steps

        names = (self.metrics,) if isinstance(self.metrics, str) else tuple(self.metrics or ())
        object.__setattr__(self, "metrics", names)
        object.__setattr__(self, "loss", plain(self.loss, "loss"))
        object.__setattr__(self, "steps", checked_steps(self))

    @classmethod
    def preset(cls, name: str) -> Recipe:
        """Return one of the recipes that come with tfedge.

        Args:
            name: ``"fast"``, ``"balanced"``, ``"smallest"``, ``"microcontroller"`` or
                ``"edgetpu"``.

        Raises:
            ArgumentError: If there is none of that name.

        Example:
            >>> Recipe.preset("fast")
            Recipe 'fast', seed 0
              1 recover
              2 convert  quantize='int8'
        """
        from tfedge.pipeline.presets import preset

        return preset(name)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Recipe:
        """Return the recipe of plain data.

        Args:
            found: ``"steps"``, and what else the class takes. ``"run"``, which `RunResult.save`
                writes beside them, is passed over.

        Raises:
            ArgumentError: If something is wrong with it.
        """
        from tfedge.pipeline.recipe_check import checked_keys

        return cls(**checked_keys(found))

    @classmethod
    def load(cls, path: str | os.PathLike) -> Recipe:
        """Read a recipe from a JSON or YAML file, or from the ``recipe.json`` beside a model.

        Args:
            path: A file that ends in ``.json``, ``.yaml`` or ``.yml``.

        Raises:
            DataError: If it cannot be read, or is neither JSON nor YAML.
            ArgumentError: If something is wrong with the recipe.
        """
        from tfedge.pipeline.recipe_files import read_recipe

        return cls.from_dict(read_recipe(Path(path)))

    def save(self, path: str | os.PathLike) -> Path:
        """Write the recipe as JSON or YAML, as the path ends; whole or not at all.

        Args:
            path: Where to write: ``.json``, ``.yaml`` or ``.yml``.

        Returns:
            The path.

        Raises:
            ArgumentError: If it ends otherwise, or cannot be written.
        """
        from tfedge.pipeline.recipe_files import write_recipe

        return write_recipe(self.to_dict(), Path(path))

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data; what is left at its default is left out."""
        found: dict[str, Any] = {"name": self.name}
        for key in ("loss", "metrics", "seed"):
            if value := getattr(self, key):
                found[key] = list(value) if key == "metrics" else value
        return {**found, "steps": [step.to_dict() for step in self.steps]}

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides what comes out, in hexadecimal; the name does not."""
        content = {**self.to_dict(), "name": ""}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Compare what decides what comes out."""
        return isinstance(other, Recipe) and self.digest == other.digest

    def __hash__(self) -> int:
        """Hash what is compared."""
        return hash(self.digest)

    def __repr__(self) -> str:
        """Return one line for each step."""
        head = [f"Recipe {self.name!r}", f"seed {self.seed}"]
        head += [f"loss {self.loss!r}"] if self.loss else []
        head += [f"metrics {', '.join(self.metrics)}"] if self.metrics else []
        width = max(len(step.kind) for step in self.steps)
        lines = [
            f"  {place} {step.kind:<{width}}  {_told(step)}".rstrip()
            for place, step in enumerate(self.steps, 1)
        ]
        lines = [line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…" for line in lines]
        return "\n".join([", ".join(head), *lines])


def _told(step: Step) -> str:
    """Return the settings of a step in one line."""
    return ", ".join(f"{name}={value!r}" for name, value in step.settings.items())
