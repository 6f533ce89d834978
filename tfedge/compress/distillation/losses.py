"""What a student can learn from a teacher: ``tfedge.distill``."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import describe, tf_keras

keras: Any = tf_keras()


@keras.saving.register_keras_serializable("tfedge", "SoftTarget")
class SoftTarget(keras.losses.Loss):
    """Make the student's softened class probabilities those of the teacher.

    ``tau**2 * sum(p * log(p / q))`` with ``p = softmax(teacher / tau)`` and ``q = softmax(student
    / tau)`` over logits: the Kullback-Leibler divergence, whose gradient is that of the soft
    cross-entropy. The factor keeps the size of the gradient when ``tau`` changes.

    Args:
        temperature: ``tau`` > 0. High temperatures show how the teacher ranks wrong classes.
        name: Name of the loss.
        reduction: As in Keras.

    Raises:
        ArgumentError: If ``temperature`` is not a positive number.

    Example:
        >>> loss = SoftTarget(temperature=2)
        >>> float(loss([[2.0, 0.0]], [[2.0, 0.0]]))
        0.0
        >>> round(float(loss([[2.0, 0.0]], [[0.0, 2.0]])), 4)
        1.8485

    Reference:
        Hinton, Vinyals and Dean, 2015, arXiv:1503.02531, section 2.
    """

    def __init__(
        self, temperature: float = 4.0, name: str = "soft_target", reduction: str = "auto"
    ) -> None:
        number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
        if not (number and 0 < temperature < float("inf")):
            raise ArgumentError(
                f"temperature={temperature!r} must be a number greater than 0: logits are divided "
                f"by it. Usual values are 1 to 10."
            )
        super().__init__(reduction=reduction, name=name)
        self.temperature = float(temperature)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample.

        Args:
            y_true: Logits of the teacher, shape ``(samples, ..., classes)``.
            y_pred: Logits of the student, same shape.

        Returns:
            Shape ``(samples, ...)``, float32.
        """
        tau = self.temperature
        log_p = tf.nn.log_softmax(tf.cast(y_true, tf.float32) / tau)
        log_q = tf.nn.log_softmax(tf.cast(y_pred, tf.float32) / tau)
        return tau**2 * tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "temperature": self.temperature}


def checked_losses(losses: Any) -> list[Any]:
    """Return the losses as a list; refuse what is not one.

    Example:
        >>> [loss.name for loss in checked_losses(SoftTarget())]
        ['soft_target']
    """
    found = [losses] if isinstance(losses, keras.losses.Loss) else list(losses or ())
    for loss in found:
        if not isinstance(loss, keras.losses.Loss):
            raise ArgumentError(
                f"losses holds {describe(loss)}: give loss objects of (teacher logits, student "
                f"logits), such as tfedge.distill.SoftTarget(temperature=4)."
            )
    if not found:
        raise ArgumentError(
            "losses is empty, so the teacher would teach nothing. Give at least "
            "tfedge.distill.SoftTarget(temperature=4)."
        )
    return found
