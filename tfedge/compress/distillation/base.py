"""What all losses between a teacher and a student have in common."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.schedules import at, config_of, setting
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

CLASSES, LABELS, VALUES, FEATURES = "classes", "labels", "values", "features"
LEAST_TEMPERATURE = 0.01

_INFINITE = float("inf")


class DistillationLoss(keras.losses.Loss):
    """A loss of (what the teacher says, what the student says), one number per example.

    ``call`` returns ``weight * compare(teacher, student)``. For a loss of your own, set
    ``compares``, and write ``compare`` and ``get_config``.

    Args:
        weight: Number of at least 0, or a ``LearningRateSchedule`` of the training step.
        name: Name of the loss.
        reduction: As in Keras.

    Attributes:
        compares: ``"classes"``: logits of classes of which one is right; ``"labels"``: logits
            of labels that do not exclude each other; ``"values"``: outputs as they are;
            ``"features"``: what is inside.
        takes_labels: Whether ``compare`` takes the labels as a third argument, or None.
        needs_labels: Whether it cannot do without.
        clock: The step of training that schedules are read at, None for their beginning. A
            Distiller sets it to the optimizer's.

    Raises:
        ArgumentError: If ``weight`` is something else.

    Example:
        >>> @keras.saving.register_keras_serializable("example")
        ... class LogitError(DistillationLoss):
        ...     def compare(self, known, made):
        ...         return tf.reduce_mean(tf.abs(made - known), axis=-1)
        >>> LogitError(weight=2.0).call([[1.0, 3.0]], [[1.0, 2.0]]).numpy().tolist()
        [1.0]
    """

    compares = CLASSES
    takes_labels = False
    needs_labels = False
    clock: Any = None

    def __init__(self, weight: Any = 1.0, name: str | None = None, reduction: str = "auto") -> None:
        super().__init__(reduction=reduction, name=name)
        self.weight = setting("weight", weight, 0.0, _INFINITE)

    def now(self, name: str) -> Any:
        """Return a setting at the present step of training.

        Args:
            name: ``"weight"`` or another attribute that may be a schedule.
        """
        return at(getattr(self, name), self.clock)

    def call(self, y_true: Any, y_pred: Any, labels: Any = None) -> Any:
        """Return the weighted loss of each example.

        Args:
            y_true: What the teacher says, shape ``(samples, ...)``.
            y_pred: What the student says.
            labels: The labels, for a loss that takes them.

        Returns:
            Shape ``(samples, ...)``, float32.

        Raises:
            ArgumentError: If the loss needs labels and there are none.
        """
        known, made = tf.cast(y_true, tf.float32), tf.cast(y_pred, tf.float32)
        if self.needs_labels and labels is None:
            raise ArgumentError(
                f"The loss {self.name!r} ({type(self).__name__}) needs labels, and there are "
                f"none for what it compares. Train with labels, or choose a loss without."
            )
        given = (known, made, labels) if self.takes_labels else (known, made)
        return self.now("weight") * self.compare(*given)

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each example without its weight, from float32 tensors."""
        raise NotImplementedError(f"{type(self).__name__} must define compare(known, made).")

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "weight": config_of(self.weight)}


class TemperedLoss(DistillationLoss):
    """A loss of logits that are divided by a temperature.

    Args:
        temperature: ``tau`` of at least 0.01, or a ``LearningRateSchedule`` of the training step.
        weight: Number of at least 0, or a schedule.
        name: Name of the loss.
        reduction: As in Keras.

    Raises:
        ArgumentError: If a setting is out of its range.

    Example:
        >>> TemperedLoss(2).now("temperature")
        2.0
    """

    def __init__(self, temperature: Any, weight: Any = 1.0, **base: Any) -> None:
        super().__init__(weight, **base)
        self.temperature = setting("temperature", temperature, LEAST_TEMPERATURE, _INFINITE)

    def now(self, name: str) -> Any:
        """Return a setting at the present step; a schedule cools a temperature no further."""
        found = super().now(name)
        cooled = name == "temperature" and not isinstance(found, float)
        return tf.maximum(found, LEAST_TEMPERATURE) if cooled else found

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "temperature": config_of(self.temperature)}
