"""What a teacher has within: features that the student is to make too."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.features import FeatureLoss
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_LEAST_VARIANCE = 1e-6
_LEAST_SHARE = 0.01


@keras.saving.register_keras_serializable("tfedge", "FeatureHint")
class FeatureHint(FeatureLoss):
    """Make what is inside the student like what is inside the teacher.

    ``weight * mean((A(s) - t)**2) / variance(t)`` for each pair of layers and each sample, over
    all positions and channels: the part of the teacher's features that the student misses. It
    does not change when features are scaled. ``A`` is an adapter, a linear map of the channels
    that starts at least squares, is trained with the student and thrown away; features with
    equally many channels are compared without one. Several pairs add up.

    Gradient: ``2 * (A(s) - t) / variance(t) / size`` for each of the ``size`` features. The
    teacher's features may be of any scale. A variance below a hundredth of the batch's mean
    counts as that, so that a sample which hardly excites the teacher does not rule the batch.

    Args:
        layers: Which layers: a dict of teacher's layer to student's layer, or a name or regular
            expression, or several of these, meant in both models. A dict holds names or
            expressions that match one layer each. None: the last layer at each resolution that
            both have; for models without positions, the last layer before the outputs.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If ``weight`` is out of its range, or ``layers`` holds something else.

    Example:
        >>> loss = FeatureHint("block_.*", weight=2.0)
        >>> t = tf.constant([[0.0, 2.0]])
        >>> float(loss(t, t)), float(loss(t, t + 1.0))
        (0.0, 2.0)

    Reference:
        Romero et al., FitNets, ICLR 2015, section 2.2, there without the variance and with the
        hints before the other losses instead of beside them.
    """

    adapts = True

    def __init__(self, layers: Any = None, weight: Any = 1.0, **base: Any) -> None:
        super().__init__(layers, weight, **{"name": "feature_hint", **base})

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each sample, of features with the same shape."""
        axes = list(range(1, len(known.shape)))
        missed = tf.reduce_mean(tf.square(made - known), axis=axes)
        variance = tf.math.reduce_variance(known, axis=axes)
        least = tf.maximum(_LEAST_SHARE * tf.reduce_mean(variance), _LEAST_VARIANCE)
        return missed / tf.maximum(variance, least)
