"""The stages of a recipe, one after the other; what is there already is not made again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tfedge.pipeline.judging import judged
from tfedge.pipeline.recipe import Recipe, Step
from tfedge.pipeline.seeds import seed_of_stage, seeded
from tfedge.pipeline.stage import Stage
from tfedge.pipeline.stages import WorkFolder, digest_of
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kinds import KINDS
from tfedge.pipeline.task import identity_of
from tfedge.runtime.model import TFLiteModel

ORIGINAL = "original"


class Line:
    """The stages of a recipe in order.

    Every stage begins with the model as it was written by the stage before, also where nothing was
    interrupted: so it makes no difference whether something was.

    Args:
        folder: Where stages are kept.
        context: What steps know.
        recipe: The recipe.
        val: Hash of the validation data, empty without.
    """

    def __init__(self, folder: WorkFolder, context: Context, recipe: Recipe, val: str) -> None:
        self._folder, self._context, self._recipe, self._val = folder, context, recipe, val
        self._judge = digest_of([val, identity_of(context.metrics)]) if val else ""
        self._key = folder.start
        self.done: list[Stage] = []

    def stages(self) -> Iterator[Stage]:
        """Make all stages; yield each once it is finished and kept."""
        yield self._found(ORIGINAL) or self._kept(ORIGINAL, self._context.original, 0.0)
        for place, step in enumerate(self._recipe.steps, 1):
            before, seed = self._key, seed_of_stage(self._recipe.seed, place)
            self._key = self._after(step, seed)
            yield self._found(step.kind) or self._made(step, before, seed)

    def load(self) -> Any:
        """Return the model or file of the last stage."""
        return self._folder.load(self._key, self.done[-1], self._context.name)

    def _after(self, step: Step, seed: int) -> str:
        """Return what leads to the stage that a step makes of the one at hand."""
        by = self._val if step.settings.get("patience") else ""
        return digest_of([self._key, step.to_dict(), seed, by])

    def _found(self, kind: str) -> Stage | None:
        """Return the stage at hand if it is there already, judged by what is asked for now."""
        found = self._folder.find(self._key, kind, self._judge)
        if found is None:
            return None
        stage, is_judged = found
        self.done.append(stage)
        if self._judge and not is_judged:
            self._judged(self.load())
        return self.done[-1]

    def _made(self, step: Step, before: str, seed: int) -> Stage:
        """Return the stage that a step makes."""
        kind, kinds = KINDS[step.kind], [stage.kind for stage in self.done[1:]]
        start = time.perf_counter()
        with seeded(seed):
            model = self._folder.load(before, self.done[-1], self._context.name)
            context = self._context.at(seed, kinds)
            made = kind.apply(model, context, kind.complete(step.settings))
        return self._kept(step.kind, made, time.perf_counter() - start)

    def _kept(self, kind: str, made: Any, seconds: float) -> Stage:
        """Return the stage of a finished model or file, kept and judged."""
        stage = Stage(kind, seconds, **self._figures(made))
        self._folder.keep(self._key, stage, made)
        self.done.append(stage)
        if self._judge:
            self._judged(made)
        return self.done[-1]

    def _judged(self, made: Any) -> None:
        """Judge the last stage by validation data, and keep what was found."""
        metrics = judged(made, self._context.val, self._context.metrics)
        self.done[-1] = replace(self.done[-1], metrics=metrics)
        self._folder.keep_judged(self._key, self.done[-1], self._judge)

    def _figures(self, made: Any) -> dict[str, Any]:
        """Return what a model or file weighs."""
        if isinstance(made, TFLiteModel):
            last = self.done[-1]
            return {
                "parameters": last.parameters,
                "macs": last.macs,
                "digest": made.digest,
                "size_bytes": made.size_bytes,
                "gzip_bytes": made.gzip_bytes,
                "notes": dict(made.notes),
            }
        from tfedge.models.statistics import model_statistics

        found = model_statistics(made, allow_open=True)
        return {
            "parameters": found.parameters,
            "macs": found.macs,
            "digest": digest_of_weights(made),
        }


def digest_of_weights(model: Any) -> str:
    """Return the SHA-256 of all weights of a model, in hexadecimal.

    Example:
        >>> from types import SimpleNamespace
        >>> digest_of_weights(SimpleNamespace(get_weights=lambda: [np.zeros(2)]))[:8]
        '374708ff'
    """
    found = hashlib.sha256()
    for weight in model.get_weights():
        found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()
