"""How the samples of a batch lie to each other: distances and angles."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.features import ANY, EMBEDDING, FeatureLoss
from tfedge.compress.distillation.geometry import flat, length, others, unit
from tfedge.core.checks import within
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()


@keras.saving.register_keras_serializable("tfedge", "RelationalKD")
class RelationalKD(FeatureLoss):
    """Make the student's embeddings lie to each other as the teacher's do.

    ``distance * D + angle * A``, both means of Huber's loss (``delta`` 1) between teacher and
    student: ``D`` over all pairs of samples, of their distance divided by the mean distance; ``A``
    over all triples, of the cosine of the angle that two samples make at a third. Neither
    changes when embeddings are moved, turned or scaled, and their widths may differ: no adapter
    is needed.

    A sample's loss is its share, over the pairs it is in and the angles at it: the mean over
    the batch is the value of the paper, up to the number of pairs and triples, over which it
    sums. Triples make ``samples**3`` numbers and pairs ``samples**2 * width``: 64 MB for 256
    samples. A batch of one has no pairs and counts 0; one of two has no angles.

    Gradient: falls as one over the size of the student's embeddings; coinciding samples get none
    from each other.

    Args:
        layers: Embeddings, as for ``FeatureHint``; features with positions are taken as one
            vector. None: the last vector before the outputs.
        distance: Weight of distances, at least 0.
        angle: Weight of angles, at least 0.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range, or ``layers`` holds no names.

    Example:
        >>> loss = RelationalKD()
        >>> t = tf.constant([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
        >>> turned = 3.0 * tf.reverse(t, [1]) + 1.0
        >>> abs(round(float(loss(t, turned)), 4)), round(float(loss(t, t[:, :1])), 2)
        (0.0, 18.38)

    Reference:
        Park et al., Relational Knowledge Distillation, CVPR 2019, section 3.2; weights 25 and
        50 as in the comparison by Tian et al., ICLR 2020 (there for classification).
    """

    positions = ANY
    automatic = EMBEDDING

    def __init__(
        self,
        layers: Any = None,
        distance: float = 25.0,
        angle: float = 50.0,
        weight: Any = 1.0,
        **base: Any,
    ) -> None:
        within("distance", distance, 0.0, float("inf"), open_high=True)
        within("angle", angle, 0.0, float("inf"), open_high=True)
        super().__init__(layers, weight, **{"name": "relational_kd", **base})
        self.distance, self.angle = float(distance), float(angle)

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the share of each sample, of features ``(samples, ...)``."""
        ways = [_ways(flat(features)) for features in (known, made)]
        distances = _mean(_huber(_distances(ways[1]) - _distances(ways[0])), 1)
        angles = _mean(_huber(_cosines(ways[1]) - _cosines(ways[0])), 2)
        return self.distance * distances + self.angle * angles

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "distance": self.distance, "angle": self.angle}


def _ways(vectors: Any) -> Any:
    """Return the way from each sample to each, shape ``(samples, samples, width)``."""
    return vectors[tf.newaxis] - vectors[:, tf.newaxis]


def _distances(ways: Any) -> Any:
    """Return the distances of all pairs, divided by their mean."""
    found, count = length(ways), tf.shape(ways)[0]
    pairs = tf.cast(count * (count - 1), tf.float32)
    mean = tf.math.divide_no_nan(tf.reduce_sum(found), pairs)
    return tf.math.divide_no_nan(found, mean)


def _cosines(ways: Any) -> Any:
    """Return the cosine of the angle at the first sample between any two, 0 on the diagonals."""
    count = tf.shape(ways)[0]
    directions = unit(ways)
    return tf.matmul(directions, directions, transpose_b=True) * others(count)


def _huber(error: Any) -> Any:
    """Return half the square up to 1, a line beyond."""
    near = tf.minimum(tf.abs(error), 1.0)
    return near * (tf.abs(error) - near / 2)


def _mean(each: Any, axes: int) -> Any:
    """Return the mean for each sample over different others, of what is 0 for the same."""
    count = tf.cast(tf.shape(each)[0], tf.float32)
    number = count - 1.0 if axes == 1 else (count - 1.0) * (count - 2.0)
    return tf.math.divide_no_nan(tf.reduce_sum(each, axis=list(range(1, axes + 1))), number)
