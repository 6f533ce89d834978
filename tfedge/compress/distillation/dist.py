"""Correlations instead of equality: what a much stronger teacher can pass on."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.base import TemperedLoss
from tfedge.core.checks import within
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_LEAST_VARIATION = 1e-3


@keras.saving.register_keras_serializable("tfedge", "DIST")
class DIST(TemperedLoss):
    """Make the student's probabilities correlate with the teacher's, not equal them.

    ``tau**2 * (beta * inter + gamma * intra)`` of ``p = softmax(teacher / tau)`` and ``q =
    softmax(student / tau)``. ``inter`` is 1 minus Pearson's correlation of ``p`` and ``q`` over
    the classes of an example, ``intra`` 1 minus that over the examples of the batch, averaged
    over the classes. Where outputs have positions, each position is an example. A student much
    smaller than its teacher can match relations where it cannot match probabilities.

    An example's ``intra`` is its share: the mean over the batch is the value of the paper. The
    larger the batch, the better the correlations are known; the paper has 256 and more. A row or
    column of the teacher that varies by less than a thousandth of its size is constant, has no
    correlation, and counts 0; so does a batch of one in ``intra``.

    Gradient: does not depend on how large the student's variations are beside their direction:
    it falls as one over their spread.

    Args:
        beta: Weight of ``inter``, at least 0.
        gamma: Weight of ``intra``, at least 0.
        temperature: ``tau`` of at least 0.01, or a schedule of the training step.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range.

    Example:
        >>> loss = DIST()
        >>> teacher = tf.constant([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
        >>> round(abs(float(loss(teacher, teacher))), 5), float(loss(teacher, -teacher)) > 2
        (0.0, True)

    Reference:
        Huang et al., Knowledge Distillation from a Stronger Teacher, NeurIPS 2022, sections 3.2
        and 3.3; ``tau**2`` as in its authors' code.
    """

    def __init__(
        self,
        beta: float = 1.0,
        gamma: float = 1.0,
        temperature: Any = 1.0,
        weight: Any = 1.0,
        **base: Any,
    ) -> None:
        within("beta", beta, 0.0, float("inf"), open_high=True)
        within("gamma", gamma, 0.0, float("inf"), open_high=True)
        super().__init__(temperature, weight, **{"name": "dist", **base})
        self.beta, self.gamma = float(beta), float(gamma)

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each example, of logits ``(samples, ..., classes)``."""
        tau, shape = self.now("temperature"), tf.shape(known)
        p, q = (tf.reshape(tf.nn.softmax(z / tau), [-1, z.shape[-1]]) for z in (known, made))
        rows = tf.cast(tf.shape(p)[0], tf.float32)
        inter = tf.reduce_sum(_apart(p, q, axis=1), axis=1)
        intra = rows * tf.reduce_mean(_apart(p, q, axis=0), axis=1)
        return tf.reshape(tau**2 * (self.beta * inter + self.gamma * intra), shape[:-1])

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "beta": self.beta, "gamma": self.gamma}


def _apart(p: Any, q: Any, axis: int) -> Any:
    """Return what sums up to 1 minus the correlation along an axis, and to 0 where p is flat."""
    (one, varies), (other, _) = _standardized(p, axis), _standardized(q, axis)
    return tf.where(varies, tf.square(one) - one * other, 0.0)


def _standardized(x: Any, axis: int) -> tuple[Any, Any]:
    """Return x with mean 0 and length 1 along an axis, and whether it varies there at all."""
    centred = x - tf.reduce_mean(x, axis=axis, keepdims=True)
    whole, part = (tf.reduce_sum(tf.square(v), axis=axis, keepdims=True) for v in (x, centred))
    least = tf.stop_gradient(whole) * _LEAST_VARIATION**2 + 1e-30
    return centred * tf.math.rsqrt(tf.maximum(part, least)), part > least
