"""Sparsity schedules: tfmot's formulas, checked, and exact at both ends.

tfmot updates the masks at steps ``begin_step + k * frequency`` only. Training counts steps from
1, so ``begin_step=0`` with ``frequency=100`` prunes nothing before step 100, and a ramp whose
length is no multiple of the frequency stops short of its final sparsity. The schedules here
also update at the first step and at ``end_step``. They live on this floor because a saved model
carries its schedule.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.core.checks import whole_number, within
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.training.schedule_plot import plot_schedule

keras: Any = tf_keras()
_sparsity: Any = tfmot().sparsity.keras
_FOREVER = 2**31 - 1


class Scheduled:
    """Mixin of tfmot schedules: both ends update the masks too; files, plots and scaling."""

    def _should_prune_in_step(self, step, begin_step, end_step, frequency):
        """Return whether the masks are updated in a step, as a boolean tensor."""
        regular = super()._should_prune_in_step(  # type: ignore[misc]
            step, begin_step, end_step, frequency
        )
        ends = tf.equal(step, max(begin_step, 1)) | tf.equal(step, end_step)
        return tf.logical_or(regular, ends)

    def get_config(self) -> dict[str, Any]:
        """Return the class and settings that a file records."""
        config = super().get_config()  # type: ignore[misc]
        return {**config, "class_name": f"tfedge>{type(self).__name__}"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Return the schedule of a config: what ``get_config`` returns, or its settings alone."""
        return cls(**config.get("config", config))

    def plot(self, steps: int | None = None, axes: Any = None) -> Any:
        """Draw the sparsity over the steps; see :func:`plot_schedule`."""
        return plot_schedule(self, steps, axes)


@keras.saving.register_keras_serializable("tfedge", "PolynomialDecay")
class PolynomialDecay(Scheduled, _sparsity.PolynomialDecay):
    """Sparsity that rises from one value to another, fast at first.

    ``s(t) = final + (initial - final) * (1 - (t - begin) / (end - begin)) ** power``, held at
    ``final`` after ``end_step``.

    Args:
        initial_sparsity: Fraction of zeros at ``begin_step``, in [0, 1).
        final_sparsity: Fraction of zeros from ``end_step`` on, in [0, 1).
        begin_step: First training step (batch) of the ramp, at least 0.
        end_step: Last step of the ramp, after ``begin_step``.
        power: Exponent, > 0.
        frequency: Steps between mask updates. The first step and ``end_step`` always update.

    Raises:
        ArgumentError: If a value is out of range or the ramp ends before it begins.

    Example:
        >>> schedule = PolynomialDecay(0.0, 0.8, begin_step=0, end_step=250, frequency=100)
        >>> [(bool(now), round(float(s), 4)) for now, s in map(schedule, (50, 125, 200, 250))]
        [(False, 0.3904), (False, 0.7), (True, 0.7936), (True, 0.8)]

    Reference:
        Zhu and Gupta, 2017, arXiv:1710.01878, section 3.
    """

    def __init__(
        self,
        initial_sparsity: float,
        final_sparsity: float,
        begin_step: int,
        end_step: int,
        power: float = 3,
        frequency: int = 100,
    ) -> None:
        within("initial_sparsity", initial_sparsity, 0.0, 1.0, open_high=True)
        within("final_sparsity", final_sparsity, 0.0, 1.0, open_high=True)
        check_steps(begin_step, end_step, frequency)
        if not power > 0:
            raise ArgumentError(f"power={power!r} must be a number greater than 0.")
        super().__init__(initial_sparsity, final_sparsity, begin_step, end_step, power, frequency)


@keras.saving.register_keras_serializable("tfedge", "ConstantSparsity")
class ConstantSparsity(Scheduled, _sparsity.ConstantSparsity):
    """The same sparsity from one step on.

    Args:
        target_sparsity: Fraction of zeros, in [0, 1).
        begin_step: First training step (batch) with zeros, at least 0.
        end_step: Last step in which masks are updated; -1 for the whole training.
        frequency: Steps between mask updates. The first step and ``end_step`` always update.

    Raises:
        ArgumentError: If a value is out of range or the schedule ends before it begins.

    Example:
        >>> schedule = ConstantSparsity(0.5, begin_step=0, frequency=100)
        >>> [bool(schedule(step)[0]) for step in (1, 2, 100)]
        [True, False, True]
    """

    def __init__(
        self, target_sparsity: float, begin_step: int, end_step: int = -1, frequency: int = 100
    ) -> None:
        within("target_sparsity", target_sparsity, 0.0, 1.0, open_high=True)
        check_steps(begin_step, end_step, frequency, endless=True)
        super().__init__(target_sparsity, begin_step, end_step, frequency)


def check_steps(begin_step: Any, end_step: Any, frequency: Any, *, endless: bool = False) -> None:
    """Raise unless a training can follow these steps.

    Args:
        begin_step: First step.
        end_step: Last step.
        frequency: Steps between mask updates.
        endless: Whether an ``end_step`` of -1 means that there is none.

    Raises:
        ArgumentError: If a step is no whole number, or the schedule ends before it begins.

    Example:
        >>> check_steps(0, 100, 10)
    """
    whole_number("begin_step", begin_step, least=0)
    whole_number("frequency", frequency)
    if endless and end_step == -1:
        return
    whole_number("end_step", end_step, least=0)
    if end_step <= begin_step:
        raise ArgumentError(
            f"end_step={end_step!r} must come after begin_step={begin_step!r}: a schedule that "
            f"ends before it begins never prunes. Steps count batches; one epoch has "
            f"ceil(samples / batch_size) of them."
        )


def final_sparsity(schedule: Any) -> float:
    """Return the sparsity that a tfmot schedule ends with.

    Example:
        >>> round(final_sparsity(PolynomialDecay(0.0, 0.8, 0, 100)), 4)
        0.8
    """
    return float(schedule(tf.constant(_FOREVER, tf.int64))[1])


def scaled(schedule: Any, sparsity: float) -> Any:
    """Return the schedule with another sparsity at its end.

    Args:
        schedule: A schedule of tfedge or tfmot.
        sparsity: Fraction of zeros at the end, in [0, 1).

    Raises:
        ArgumentError: If ``sparsity`` is out of range, or the schedule has no single setting
            for it.

    Example:
        >>> round(final_sparsity(scaled(PolynomialDecay(0.0, 0.8, 0, 100), 0.5)), 4)
        0.5
    """
    within("sparsity", sparsity, 0.0, 1.0, open_high=True)
    settings = schedule.get_config().get("config", {})
    names = [name for name in ("final_sparsity", "target_sparsity") if name in settings]
    if len(names) != 1:
        raise ArgumentError(
            f"{type(schedule).__name__} has no setting for the sparsity at its end, so it cannot "
            f"end at {sparsity:g}. Give a schedule of its own for each layer."
        )
    start = {k: min(v, sparsity) for k, v in settings.items() if k == "initial_sparsity"}
    return type(schedule)(**{**settings, **start, names[0]: sparsity})
