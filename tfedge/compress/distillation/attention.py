"""Where in an image or a series the teacher looks."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.features import RESIZED, FeatureLoss
from tfedge.compress.distillation.geometry import flat, unit
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()


@keras.saving.register_keras_serializable("tfedge", "AttentionTransfer")
class AttentionTransfer(FeatureLoss):
    """Make the student active at the places where its teacher is.

    ``sum((Q(s) - Q(t))**2)`` over positions, where ``Q`` is the attention map: the sum of squares
    over channels at each position, scaled to length 1 over all positions. It is 2 minus twice
    their cosine, from 0 to 2. Channels may differ, so no adapter is needed. Positions may differ
    too: the larger map is made smaller by linear interpolation with antialiasing, axis by axis.

    Gradient: does not change with the scale of the teacher's features, and falls as one over the
    student's. The paper's equation 2 has the length of the difference instead of its square,
    whose gradient does not become small near equality; the square is its authors' code, with the
    mean over positions where this has the sum: their 1000 is a weight of ``1000 / positions``.

    Args:
        layers: Layers with positions, as for ``FeatureHint``. None: the last layer at each
            resolution that both models have.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If ``weight`` is out of its range, or ``layers`` holds no names.

    Example:
        >>> loss = AttentionTransfer()
        >>> t = tf.constant([[[[3.0, 0.0], [0.0, 0.0]]]])
        >>> s = tf.constant([[[[0.0], [5.0]]]])
        >>> float(loss(t, t)), float(loss(t, s))
        (0.0, 2.0)

    Reference:
        Zagoruyko and Komodakis, Paying More Attention to Attention, ICLR 2017, section 3.1,
        equation 2, with the sum of squares as the map.
    """

    positions = RESIZED

    def __init__(self, layers: Any = None, weight: Any = 1.0, **base: Any) -> None:
        super().__init__(layers, weight, **{"name": "attention_transfer", **base})

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each sample, of features ``(samples, positions..., channels)``."""
        maps = _map(known), _map(made)
        if maps[0].shape[1:] != maps[1].shape[1:] or None in maps[0].shape[1:]:
            size = tf.minimum(*(tf.shape(one)[1:3] for one in maps))
            maps = tuple(tf.image.resize(one, size, antialias=True) for one in maps)
        first, second = (unit(flat(one)) for one in maps)
        return tf.reduce_sum(tf.square(second - first), axis=-1)


def _map(features: Any) -> Any:
    """Return how active each position is, shape ``(samples, height, width, 1)``."""
    found = tf.reduce_sum(tf.square(features), axis=-1, keepdims=True)
    return found[:, :, tf.newaxis] if len(found.shape) == 3 else found
