"""Which samples of a batch excite a network alike."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.features import ANY, FeatureLoss
from tfedge.compress.distillation.geometry import flat, unit
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()


@keras.saving.register_keras_serializable("tfedge", "SimilarityPreserving")
class SimilarityPreserving(FeatureLoss):
    """Make samples that are alike to the teacher alike to the student.

    ``sum((G(t) - G(s))**2) / samples**2``, where ``G = Q @ Q.T`` with each row scaled to length
    1, and ``Q`` holds the features of each sample as one vector. Channels and positions may
    differ: no adapter is needed.

    A sample's loss is its share, the mean over its row: the mean over the batch is the value of
    the paper. A batch of one counts 0.

    Gradient: the value is at most ``4 / samples``, and small beside a cross-entropy, whence the
    large default weight; it falls as one over the size of the student's features.

    Args:
        layers: As for ``FeatureHint``. None: the last layer at each resolution that both models
            have.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If ``weight`` is out of its range, or ``layers`` holds no names.

    Example:
        >>> loss = SimilarityPreserving(weight=1.0)
        >>> t = tf.constant([[1.0, 0.0], [0.0, 1.0]])
        >>> float(loss(t, t)), round(float(loss(t, tf.ones((2, 7)))), 4)
        (0.0, 0.2929)

    Reference:
        Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019, section 3;
        weight 3000 as in the comparison by Tian et al., ICLR 2020.
    """

    positions = ANY

    def __init__(self, layers: Any = None, weight: Any = 3000.0, **base: Any) -> None:
        super().__init__(layers, weight, **{"name": "similarity_preserving", **base})

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the share of each sample, of features ``(samples, ...)``."""
        first, second = (_similarities(flat(features)) for features in (known, made))
        return tf.reduce_mean(tf.square(second - first), axis=-1)


def _similarities(vectors: Any) -> Any:
    """Return the products of all pairs, each row of length 1."""
    return unit(tf.matmul(vectors, vectors, transpose_b=True))
