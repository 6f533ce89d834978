"""Means over samples, as Keras takes them, and the weighted sum of such losses."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def mean_loss(losses: Any, sample_weight: Any = None) -> Any:
    """Return the mean loss of a batch, a scalar; replicas get their part of it.

    Args:
        losses: Shape ``(samples, ...)``.
        sample_weight: None, or shape ``(samples,)``.

    Example:
        >>> float(mean_loss(tf.constant([1.0, 3.0]), [1.0, 0.0]))
        0.5
    """
    per_sample = tf.reduce_mean(losses, axis=list(range(1, len(losses.shape))))
    if sample_weight is not None:
        per_sample *= tf.reshape(tf.cast(sample_weight, per_sample.dtype), [-1])
    return tf.nn.compute_average_loss(per_sample)


def track(outputs: Any, *pairs: tuple[Any, Any]) -> None:
    """Add the losses of a batch to the metrics that show them.

    Args:
        outputs: What the model said, for the number of samples.
        *pairs: Keras metrics, each with what :func:`mean_loss` returned.
    """
    samples = tf.shape(tf.nest.flatten(outputs)[0])[0]
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    for metric, value in pairs:
        metric.update_state(value * replicas, sample_weight=samples)


class WeighsLosses:
    """Mixin of tf_keras models that minimize a weighted sum, kept in the metric ``whole_loss``."""

    @property
    def _step(self) -> Any:
        """The optimizer's count of steps, None before ``compile``."""
        return getattr(getattr(self, "optimizer", None), "iterations", None)

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the metrics, ``loss`` being the weighted sum that is minimized."""
        found = super().get_metrics_result()  # type: ignore[misc]
        found["loss"] = found.pop("whole_loss")
        return found
