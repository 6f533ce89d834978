"""Soft targets: how sure the teacher is of every class, or of every label."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.base import LABELS, TemperedLoss
from tfedge.core.checks import one_of
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_FORMS = ("kl", "cross_entropy")


@keras.saving.register_keras_serializable("tfedge", "SoftTarget")
class SoftTarget(TemperedLoss):
    """Make the student's softened class probabilities those of the teacher.

    ``tau**2 * sum(p * log(p / q))`` with ``p = softmax(teacher / tau)`` and ``q = softmax(student
    / tau)`` over logits: the Kullback-Leibler divergence. ``form="cross_entropy"`` is ``tau**2 *
    -sum(p * log(q))``, larger by the teacher's entropy, which the student cannot change: it has
    the same gradient, and is not 0 where the two agree.

    Gradient: ``tau * (q - p)`` for each logit. At high temperatures this is ``(student -
    teacher) / classes`` over centred logits, so its size does not depend on ``tau``.

    Args:
        temperature: ``tau`` of at least 0.01, or a schedule of the training step. High
            temperatures show how the teacher ranks wrong classes.
        form: ``"kl"`` or ``"cross_entropy"``.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range.

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
        self, temperature: Any = 4.0, form: str = "kl", weight: Any = 1.0, **base: Any
    ) -> None:
        one_of("form", form, _FORMS)
        super().__init__(temperature, weight, **{"name": "soft_target", **base})
        self.form = form

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each example, of logits ``(samples, ..., classes)``."""
        return softened(known, made, self.now("temperature"), self.form)

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "form": self.form}


@keras.saving.register_keras_serializable("tfedge", "BinarySoftTarget")
class BinarySoftTarget(TemperedLoss):
    """Make the student as sure of each label as the teacher is, where several may be right.

    ``tau**2 * mean(p * log(p / q) + (1 - p) * log((1 - p) / (1 - q)))`` over the labels, with
    ``p = sigmoid(teacher / tau)`` and ``q = sigmoid(student / tau)``: the divergence of each
    label's own yes and no. For outputs that end in a sigmoid, and for their logits. For one
    label it is ``SoftTarget`` of two classes.

    Gradient: ``tau * (q - p) / labels`` for each logit; the mean over labels is that of Keras'
    ``BinaryCrossentropy``, so the two keep their balance for any number of labels.

    Args:
        temperature: ``tau`` of at least 0.01, or a schedule of the training step.
        form: ``"kl"`` or ``"cross_entropy"``, as for ``SoftTarget``.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range.

    Example:
        >>> loss = BinarySoftTarget(temperature=1)
        >>> float(loss([[3.0, -1.0]], [[3.0, -1.0]]))
        0.0
        >>> round(float(loss([[0.0, 0.0]], [[0.0, 2.0]])), 4)
        0.2169

    Reference:
        Yang et al., Multi-Label Knowledge Distillation, ICCV 2023, section 3.2: the labels one
        against all, there summed; with the temperature of Hinton et al., 2015.
    """

    compares = LABELS

    def __init__(
        self, temperature: Any = 4.0, form: str = "kl", weight: Any = 1.0, **base: Any
    ) -> None:
        one_of("form", form, _FORMS)
        super().__init__(temperature, weight, **{"name": "binary_soft_target", **base})
        self.form = form

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each example, of logits ``(samples, ..., labels)``."""
        known, made = (tf.stack([tf.zeros_like(z), z], axis=-1) for z in (known, made))
        each = softened(known, made, self.now("temperature"), self.form)
        return tf.reduce_mean(each, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "form": self.form}


def softened(known: Any, made: Any, tau: Any, form: str = "kl") -> Any:
    """Return ``tau**2`` times the divergence, or cross-entropy, over the last axis of logits.

    Example:
        >>> float(softened(tf.zeros(2), tf.zeros(2), 3.0))
        0.0
    """
    log_p, log_q = tf.nn.log_softmax(known / tau), tf.nn.log_softmax(made / tau)
    apart = log_p - log_q if form == "kl" else -log_q
    return tau**2 * tf.reduce_sum(tf.exp(log_p) * apart, axis=-1)
