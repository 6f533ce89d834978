"""Decoupled distillation: the right class, and the rest among themselves."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.base import TemperedLoss
from tfedge.compress.distillation.labels import class_numbers
from tfedge.core.checks import within
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_NOTHING = -1e9


@keras.saving.register_keras_serializable("tfedge", "DecoupledKD")
class DecoupledKD(TemperedLoss):
    """Teach apart how sure of the right class to be, and how wrong classes rank.

    ``tau**2 * (alpha * TCKD + beta * NCKD)``. TCKD is the divergence of the two probabilities
    (right class, all others together); NCKD that of the probabilities of the other classes, made
    to sum up to 1. Soft targets are ``TCKD + (1 - p_right) * NCKD``: the surer a teacher is, the
    less they tell about the other classes. Here ``beta`` does not depend on it.

    The right class is that of the labels: class numbers or one-hot, with mixed or smoothed
    labels the largest. Without labels, and where a number is no class (such as -1 for
    unlabelled), it is the class that the teacher finds most probable.

    Gradient: as that of ``SoftTarget``, it does not change its size with ``tau``; it grows with
    ``beta``. The paper takes 8 for the hundred classes of CIFAR-100 (0.5 on ImageNet), at a low
    learning rate; with ten classes 8 outweighs the labels and TCKD, and students lose by it.

    Args:
        alpha: Weight of TCKD, at least 0.
        beta: Weight of NCKD, at least 0.
        temperature: ``tau`` of at least 0.01, or a schedule of the training step.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range.

    Example:
        >>> loss = DecoupledKD(temperature=1.0)
        >>> teacher, student = [[3.0, 1.0, 0.0]], [[3.0, 0.0, 1.0]]
        >>> [round(float(loss.call(teacher, student, [0])[0]), 3),
        ...  float(loss.call(teacher, teacher, [0])[0])]
        [0.462, 0.0]

    Reference:
        Zhao et al., Decoupled Knowledge Distillation, CVPR 2022, section 3.
    """

    takes_labels = True

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 1.0,
        temperature: Any = 4.0,
        weight: Any = 1.0,
        **base: Any,
    ) -> None:
        within("alpha", alpha, 0.0, float("inf"), open_high=True)
        within("beta", beta, 0.0, float("inf"), open_high=True)
        super().__init__(temperature, weight, **{"name": "decoupled_kd", **base})
        self.alpha, self.beta = float(alpha), float(beta)

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each example, of logits ``(samples, ..., classes)``."""
        tau = self.now("temperature")
        right = _right(known, labels)
        (two_p, others_p), (two_q, others_q) = (_parts(z / tau, right) for z in (known, made))
        return tau**2 * (
            self.alpha * _divergence(two_p, two_q) + self.beta * _divergence(others_p, others_q)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}


def _right(known: Any, labels: Any) -> Any:
    """Return where the right class is, one true value among the classes of each example."""
    classes = known.shape[-1]
    best = tf.argmax(known, axis=-1, output_type=tf.int32)
    if labels is not None:
        given = class_numbers(labels, len(known.shape) - 1)
        best = tf.where((given >= 0) & (given < classes), given, best)
    return tf.one_hot(best, classes, on_value=True, off_value=False)


def _parts(logits: Any, right: Any) -> tuple[Any, Any]:
    """Return log-probabilities of (right, not right), and of the wrong classes on their own."""
    wrong = tf.where(right, _NOTHING, logits)
    its_own = tf.reduce_sum(tf.where(right, logits, 0.0), axis=-1)
    two = tf.stack([its_own, tf.reduce_logsumexp(wrong, axis=-1)], axis=-1)
    return tf.nn.log_softmax(two), tf.nn.log_softmax(wrong)


def _divergence(log_p: Any, log_q: Any) -> Any:
    """Return the Kullback-Leibler divergence over the last axis."""
    return tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=-1)
