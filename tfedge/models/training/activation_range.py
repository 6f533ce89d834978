"""The range of one tensor between layers: watched, followed, learned, or known beforehand."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from tfedge.models.flavours import tf_keras
from tfedge.models.training.fake_quant import fake_quantized, learned_steps

MOVING_AVERAGE, LEARNED, ALL_VALUES = "moving_average", "learned", "all_values"
NOT_SET = -1
"""Step count of a range that neither calibration nor training has set."""

_DECAY = 0.99
_WATCHING: contextvars.ContextVar[Any] = contextvars.ContextVar("ranges watch", default=None)


@contextlib.contextmanager
def watching(note: Callable[[dict[str, Any], Any], None] | None = None) -> Iterator[None]:
    """Let every fake quantization pass on what it sees as it is: the float network runs.

    Args:
        note: Is called with the variables of a range, and the values that passed there.

    Example:
        >>> with watching():
        ...     is_watching()
        True
    """
    token = _WATCHING.set(note or _ignore)
    try:
        yield
    finally:
        _WATCHING.reset(token)


def is_watching() -> bool:
    """Return whether ranges watch now.

    Example:
        >>> is_watching()
        False
    """
    return _WATCHING.get() is not None


@dataclasses.dataclass(frozen=True)
class Range:
    """How the range of a tensor comes about.

    Args:
        observer: ``"moving_average"`` of the extremes of each batch, ``"learned"`` by gradient
            from the calibrated range on, or ``"all_values"``: the extremes of all batches.
        symmetric: Whether the zero point is 0.
        freeze_after: Number of training steps after which the range stays; None for never.
        fixed: A range that is known, as of a softmax; nothing is then watched.

    Example:
        >>> Range(fixed=(0.0, 1.0)).has_variables
        False
    """

    observer: str = MOVING_AVERAGE
    symmetric: bool = False
    freeze_after: int | None = None
    fixed: tuple[float, float] | None = None

    @property
    def has_variables(self) -> bool:
        """Whether the range is found, rather than known."""
        return self.fixed is None

    def build(self, layer: Any, name: str) -> dict[str, Any]:
        """Return new variables of a layer: ``min_var``, ``max_var``, and ``ratio`` if learned.

        Replicas of a distributed model see other samples; the mean of what they note is kept.
        """
        if not self.has_variables:
            return {}
        shared = {"dtype": tf.float32, "aggregation": tf.VariableAggregation.MEAN}
        ends = {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}",
                initializer=tf_keras().initializers.Constant(value),
                trainable=False,
                **shared,
            )
            for end, value in (("min", -6.0), ("max", 6.0))
        }
        if self.observer == LEARNED:
            ends["ratio"] = layer.add_weight(f"{name}_ratio", initializer="ones", **shared)
        return ends

    def apply(self, values: Any, training: Any, variables: dict[str, Any], steps: Any) -> Any:
        """Return fake-quantized values, and follow them while training.

        Args:
            values: Float tensor, samples first.
            training: Whether this is a training step: bool, number or tensor.
            variables: As :meth:`build` made them.
            steps: Number of training steps so far; -1 if the range was never set.
        """
        if self.fixed is not None:
            return values if is_watching() else fake_quantized(values, *self.fixed)
        low, high = variables["min_var"], variables["max_var"]
        if is_watching():
            _WATCHING.get()(variables, values)
            return values
        if training is not False and not _is_zero(training):
            self._follow(tf.cast(values, tf.float32), training, low, high, steps)
            if self.observer == LEARNED:
                return self._learned(values, variables, steps)
        ratio = variables["ratio"] if self.observer == LEARNED else 1.0
        return fake_quantized(values, low * ratio, high * ratio)

    def _follow(self, values: Any, training: Any, low: Any, high: Any, steps: Any) -> None:
        """Assign what the range becomes after this batch."""
        unset = steps == NOT_SET
        found = self._ends(tf.reduce_min(values), tf.reduce_max(values))
        for variable, seen, extreme in zip(
            (low, high), found, (tf.minimum, tf.maximum), strict=True
        ):
            old = tf.convert_to_tensor(variable)
            new = {
                MOVING_AVERAGE: old * _DECAY + seen * (1 - _DECAY),
                ALL_VALUES: extreme(old, seen),
                LEARNED: old,
            }[self.observer]
            new = tf.where(unset, seen, new)
            variable.assign(tf.where(self._moves(training, steps), new, old))

    def _learned(self, values: Any, variables: dict[str, Any], steps: Any) -> Any:
        """Return values rounded to steps of learned size."""
        ratio = tf.convert_to_tensor(variables["ratio"])
        ratio = tf.where(self._moves(True, steps), ratio, tf.stop_gradient(ratio))
        low, high = (tf.convert_to_tensor(variables[name]) for name in ("min_var", "max_var"))
        made = learned_steps(tf.cast(values, tf.float32), low, high, ratio)
        return tf.cast(made, values.dtype)

    def _moves(self, training: Any, steps: Any) -> Any:
        """Return whether the range still moves in this step."""
        moves = tf.cast(training, tf.bool)
        if self.freeze_after is not None:
            moves &= steps < self.freeze_after
        return moves

    def _ends(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Return the range for values between two extremes: it holds 0, and is not empty."""
        low, high = tf.minimum(low, 0.0), tf.maximum(high, 0.0)
        high = tf.where(high - low < 1e-6, low + 1e-6, high)
        return symmetric_ends(low, high) if self.symmetric else (low, high)


def symmetric_ends(low: Any, high: Any) -> tuple[Any, Any]:
    """Return the smallest range of 256 steps around both ends whose zero point is 0.

    Example:
        >>> [float(end) for end in symmetric_ends(-0.5, 12.7)]
        [-12.800000190734863, 12.699999809265137]
    """
    step = tf.maximum(-low / 128, high / 127)
    return -128 * step, 127 * step


def _ignore(variables: dict[str, Any], values: Any) -> None:
    """Note nothing."""


def _is_zero(training: Any) -> bool:
    """Return whether a learning phase that is no tensor says that nothing is trained."""
    return not tf.is_tensor(training) and not training
