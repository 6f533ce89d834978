"""More sparsity schedules: at once, and along a cosine."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from tfedge.core.checks import whole_number, within
from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.training.schedules import Scheduled, check_steps

keras: Any = tf_keras()
_PruningSchedule: Any = tfmot().sparsity.keras.PruningSchedule


@keras.saving.register_keras_serializable("tfedge", "OneShot")
class OneShot(Scheduled, _PruningSchedule):
    """All zeros in one step; the masks stay as they are from then on.

    Args:
        target_sparsity: Fraction of zeros, in [0, 1).
        step: The training step (batch) in which the masks are chosen. Steps count from 1; 0
            means the first one too.

    Raises:
        ArgumentError: If a value is out of range.

    Example:
        >>> [bool(OneShot(0.8, step=3)(step)[0]) for step in (2, 3, 4)]
        [False, True, False]
    """

    def __init__(self, target_sparsity: float, step: int = 0) -> None:
        within("target_sparsity", target_sparsity, 0.0, 1.0, open_high=True)
        whole_number("step", step, least=0)
        self.target_sparsity, self.step = target_sparsity, step

    @property
    def begin_step(self) -> int:
        """The step of the masks."""
        return self.step

    @property
    def end_step(self) -> int:
        """The same step."""
        return self.step

    def __call__(self, step: Any) -> tuple[Any, Any]:
        """Return whether the masks change in a step, and the sparsity."""
        now = tf.equal(step, max(self.step, 1))
        done = tf.cast(tf.greater_equal(step, self.step), tf.float32)
        return now, self.target_sparsity * done

    def get_config(self) -> dict[str, Any]:
        """Return the class and settings that a file records."""
        settings = {"target_sparsity": self.target_sparsity, "step": self.step}
        return {"class_name": "tfedge>OneShot", "config": settings}


@keras.saving.register_keras_serializable("tfedge", "CosineSparsity")
class CosineSparsity(Scheduled, _PruningSchedule):
    """Sparsity that rises slowly, then fast, then slowly again.

    ``s(t) = final + (initial - final) * (1 + cos(pi * (t - begin) / (end - begin))) / 2``, held at
    ``final`` after ``end_step``.

    Args:
        initial_sparsity: Fraction of zeros at ``begin_step``, in [0, 1).
        final_sparsity: Fraction of zeros from ``end_step`` on, in [0, 1).
        begin_step: First training step (batch) of the ramp, at least 0.
        end_step: Last step of the ramp, after ``begin_step``.
        frequency: Steps between mask updates. The first step and ``end_step`` always update.

    Raises:
        ArgumentError: If a value is out of range or the ramp ends before it begins.

    Example:
        >>> schedule = CosineSparsity(0.0, 0.8, begin_step=0, end_step=200)
        >>> [round(float(schedule(step)[1]), 4) for step in (50, 100, 200)]
        [0.1172, 0.4, 0.8]

    Reference:
        Dettmers and Zettlemoyer, 2019, arXiv:1907.04840, anneal what is pruned by a cosine.
    """

    def __init__(
        self,
        initial_sparsity: float,
        final_sparsity: float,
        begin_step: int,
        end_step: int,
        frequency: int = 100,
    ) -> None:
        within("initial_sparsity", initial_sparsity, 0.0, 1.0, open_high=True)
        within("final_sparsity", final_sparsity, 0.0, 1.0, open_high=True)
        check_steps(begin_step, end_step, frequency)
        self.initial_sparsity, self.final_sparsity = initial_sparsity, final_sparsity
        self.begin_step, self.end_step, self.frequency = begin_step, end_step, frequency

    def __call__(self, step: Any) -> tuple[Any, Any]:
        """Return whether the masks change in a step, and the sparsity."""
        length = float(self.end_step - self.begin_step)
        progress = tf.clip_by_value(tf.cast(step - self.begin_step, tf.float32) / length, 0.0, 1.0)
        fall = (1.0 + tf.cos(math.pi * progress)) / 2.0
        sparsity = self.final_sparsity + (self.initial_sparsity - self.final_sparsity) * fall
        now = self._should_prune_in_step(step, self.begin_step, self.end_step, self.frequency)
        return now, sparsity

    def get_config(self) -> dict[str, Any]:
        """Return the class and settings that a file records."""
        names = ("initial_sparsity", "final_sparsity", "begin_step", "end_step", "frequency")
        settings = {name: getattr(self, name) for name in names}
        return {"class_name": "tfedge>CosineSparsity", "config": settings}
