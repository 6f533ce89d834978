"""All that is wrong with a recipe, said together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.nearest import did_you_mean
from tfedge.pipeline.order import order_mistakes
from tfedge.pipeline.recipe import Step
from tfedge.pipeline.steps.kinds import KINDS

_KEYS = ("steps", "name", "loss", "metrics", "seed")
_PASSED_OVER = ("run",)
_CONVERT = Step("convert", quantize="int8")


def checked_keys(found: Any) -> dict[str, Any]:
    """Return the keys of a recipe as plain data.

    Raises:
        ArgumentError: If it is no dictionary, has no steps, or a key is not known.

    Example:
        >>> checked_keys({"step": []})
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: A recipe has no 'step'. Did you mean 'steps'? It has ...
    """
    if not isinstance(found, Mapping):
        raise ArgumentError(
            f"A recipe is a dictionary with 'steps', found a {type(found).__name__}: {found!r:.80}"
        )
    for key in found:
        if key not in (*_KEYS, *_PASSED_OVER):
            raise ArgumentError(
                f"A recipe has no {key!r}.{did_you_mean(key, _KEYS)} It has {', '.join(_KEYS)}."
            )
    if "steps" not in found:
        raise ArgumentError("This recipe has no 'steps': a list of dictionaries with 'kind'.")
    return {key: value for key, value in found.items() if key not in _PASSED_OVER}


def checked_steps(recipe: Any) -> tuple[Step, ...]:
    """Return the steps of a recipe, with ``convert`` at the end, once all is checked.

    Args:
        recipe: A `tfedge.Recipe`; its steps may still be dictionaries.

    Raises:
        ArgumentError: If something is wrong, with all of it.

    Example:
        >>> from types import SimpleNamespace
        >>> recipe = SimpleNamespace(steps=[{"kind": "recover"}], metrics=(), seed=0, loss=None)
        >>> checked_steps(recipe)
        (Step('recover'), Step('convert', quantize='int8'))
    """
    given = recipe.steps
    if isinstance(given, (str, Mapping)) or not hasattr(given, "__iter__"):
        raise ArgumentError(f"steps={given!r:.80} must be a list of steps.")
    steps, mistakes = [], _mistakes_beside(recipe)
    for place, one in enumerate(given, 1):
        step, said = _parsed(one)
        if step is not None:
            steps.append(step)
            said = said + KINDS[step.kind].mistakes(step.settings)
        name = f" ({step.kind})" if step is not None else ""
        mistakes += [f"step {place}{name}{text}" for text in said]
    if len(steps) == len(list(given)):
        mistakes += order_mistakes([step.kind for step in steps], steps)
    if mistakes:
        raise ArgumentError(_text(mistakes))
    ends = any(step.kind == "convert" for step in steps)
    return (*steps, *(() if ends else (_CONVERT,)))


def _parsed(one: Any) -> tuple[Step | None, list[str]]:
    """Return a step, or what is wrong with what should be one."""
    if isinstance(one, Mapping) and "kind" in one:
        more = {key: value for key, value in one.items() if key != "kind"}
        if set(more) == {"settings"} and isinstance(more["settings"], Mapping):
            more = dict(more["settings"])
        try:
            one = Step(one["kind"], more)
        except ArgumentError as error:
            return None, [f": {error}"]
    if not isinstance(one, Step):
        return None, [f": {one!r:.80} is no step. Write {{'kind': ..., settings}} or a Step."]
    if one.kind in KINDS:
        return one, []
    known = ", ".join(KINDS)
    return None, [
        f", kind={one.kind!r}: no such step.{did_you_mean(one.kind, KINDS)} There are {known}."
    ]


def _mistakes_beside(recipe: Any) -> list[str]:
    """Return what is wrong beside the steps."""
    found = []
    if isinstance(recipe.seed, bool) or not isinstance(recipe.seed, int) or recipe.seed < 0:
        found.append(f"seed={recipe.seed!r} must be a whole number of at least 0.")
    if not all(isinstance(name, str) for name in recipe.metrics):
        found.append(f"metrics={recipe.metrics!r} must be names, as tfedge.evaluate takes them.")
    named = isinstance(recipe.loss, Mapping) and isinstance(recipe.loss.get("name"), str)
    if not (recipe.loss is None or isinstance(recipe.loss, str) or named):
        found.append(f"loss={recipe.loss!r} must be a name, or a dictionary with 'name'.")
    return found


def _text(mistakes: list[str]) -> str:
    """Return one message of all mistakes."""
    count = "is 1 mistake" if len(mistakes) == 1 else f"are {len(mistakes)} mistakes"
    return "\n".join([f"There {count} in this recipe:", *(f"  {text}" for text in mistakes)])
