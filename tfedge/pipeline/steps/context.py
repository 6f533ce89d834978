"""What a step knows beside the model that it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfedge.pipeline.samples import Samples
from tfedge.pipeline.task import Task, identity_of


@dataclass(frozen=True)
class Context:
    """What a step knows beside the model.

    Attributes:
        original: The model as it was, in tf_keras: the teacher.
        train: Training data.
        val: Validation data, None without.
        task: What is learned.
        metrics: What models are judged by.
        name: What to call the file.
        callbacks: Callbacks for every training, of either Keras.
        seed: Seed of the step.
        before: Kinds of the steps before it.
        watch: Told after each epoch which step trains, from 1, how many epochs it has trained,
            and the model; what it raises ends the run. It has no say in what is made.
    """

    original: Any
    train: Samples
    val: Samples | None
    task: Task
    metrics: Any
    name: str
    callbacks: Sequence[Any] = ()
    seed: int = 0
    before: Sequence[str] = ()
    watch: Callable[[int, int, Any], None] | None = None

    def at(self, seed: int, before: Sequence[str]) -> Context:
        """Return the context of one step."""
        return replace(self, seed=seed, before=tuple(before))

    def identity(self) -> dict[str, str]:
        """Return in texts what decides what steps make, beside model, data and settings."""
        return {"loss": self.task.identity, "callbacks": identity_of(self.callbacks)}
