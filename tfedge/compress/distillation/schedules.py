"""Numbers that may change while training goes on: weights and temperatures."""

from __future__ import annotations

from typing import Any

from tfedge.core.checks import within
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras
from tfedge.models.training.translate import to_tf_keras

keras: Any = tf_keras()
_Schedule = keras.optimizers.schedules.LearningRateSchedule


def setting(name: str, value: Any, low: float, high: float) -> Any:
    """Return a number as a float and a schedule as an object of tf_keras.

    Args:
        name: What the argument is called, for errors.
        value: A number in [low, high]; or a ``LearningRateSchedule`` of either Keras, or its
            config, as ``get_config`` of a loss gives it.
        low: The least number.
        high: The greatest one; infinity is never allowed itself.

    Raises:
        ArgumentError: If it is something else, or a schedule begins outside the range.

    Example:
        >>> setting("alpha", 1, 0.0, 1.0)
        1.0
        >>> falling = keras.optimizers.schedules.PolynomialDecay(8.0, 100, 1.0)
        >>> type(setting("temperature", falling, 0.0, float("inf"))).__name__
        'PolynomialDecay'
    """
    if isinstance(value, dict):
        value = keras.optimizers.schedules.deserialize(value)
    value = to_tf_keras(value, "schedule")
    if isinstance(value, _Schedule):
        within(f"{name} at step 0", float(value(0)), low, high, open_high=high == float("inf"))
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError(
            f"{name}={value!r} must be a number, or a "
            f"tf_keras.optimizers.schedules.LearningRateSchedule of the training step."
        )
    within(name, value, low, high, open_high=high == float("inf"))
    return float(value)


def at(value: Any, step: Any) -> Any:
    """Return what a setting is at a step of training.

    Args:
        value: What :func:`setting` returned.
        step: A whole number, a tensor, or None for the beginning.

    Example:
        >>> at(0.5, 10)
        0.5
        >>> rising = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.0, 1.0])
        >>> [float(at(rising, step)) for step in (None, 10)]
        [0.0, 1.0]
    """
    if isinstance(value, float):
        return value
    return value(0 if step is None else step)


def config_of(value: Any) -> Any:
    """Return a setting as plain data, for ``get_config``.

    Example:
        >>> config_of(0.5)
        0.5
        >>> config_of(keras.optimizers.schedules.CosineDecay(1.0, 10))["class_name"]
        'CosineDecay'
    """
    return value if isinstance(value, float) else keras.optimizers.schedules.serialize(value)
