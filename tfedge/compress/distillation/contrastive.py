"""Embeddings that are found among others: contrast, and a margin between classes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.base import LEAST_TEMPERATURE
from tfedge.compress.distillation.features import EMBEDDING, FeatureLoss
from tfedge.compress.distillation.geometry import flat, others, unit
from tfedge.compress.distillation.labels import class_numbers
from tfedge.compress.distillation.schedules import config_of, setting
from tfedge.core.checks import one_of, within
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_NOTHING = -1e9


@keras.saving.register_keras_serializable("tfedge", "ContrastiveKD")
class ContrastiveKD(FeatureLoss):
    """Make each embedding of the student find its place among the teacher's.

    ``q = softmax(cos(A(s_i), t_j) / tau)`` over the samples ``j`` of the batch. With
    ``form="similarity"`` the loss is the divergence of ``q`` from ``p = softmax(cos(t_i, t_j) /
    tau)``, which is 0 where student and teacher agree. With ``form="instance"`` it is
    ``-log(q_i)`` (InfoNCE): of all teacher's embeddings the sample's own must be the nearest;
    samples with the same label are then left out of ``q``, if labels are known. It is not 0 at
    equality: it also moves embeddings away from near neighbours. ``A`` is an adapter, as for
    ``FeatureHint``, where the widths differ.

    Gradient: ``(q - p) / tau`` for each cosine, ``p`` being 1 for the sample itself in
    ``"instance"``; low temperatures look at near neighbours alone. Larger batches contrast more.

    Args:
        layers: Embeddings, as for ``FeatureHint``. None: the last vector before the outputs.
        temperature: ``tau`` of at least 0.01, or a schedule of the training step.
        form: ``"similarity"`` or ``"instance"``.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range, or ``layers`` holds no names.

    Example:
        >>> t = tf.constant([[1.0, 0.0], [0.0, 1.0]])
        >>> float(ContrastiveKD()(t, t))
        0.0
        >>> loss = ContrastiveKD(form="instance", temperature=1.0)
        >>> [round(float(loss(t, s)), 4) for s in (t, tf.reverse(t, [0]))]
        [0.3133, 1.3133]

    Reference:
        "instance": Tian, Krishnan and Isola, Contrastive Representation Distillation, ICLR
        2020, section 3, with the negatives of the batch in place of a memory, as van den Oord
        et al., 2018, equation 4. "similarity": Fang et al., SEED, ICLR 2021, section 3.2, with
        the batch in place of a queue and one temperature.
    """

    adapts = True
    automatic = EMBEDDING
    takes_labels = True

    def __init__(
        self,
        layers: Any = None,
        temperature: Any = 0.1,
        form: str = "similarity",
        weight: Any = 1.0,
        **base: Any,
    ) -> None:
        one_of("form", form, ("similarity", "instance"))
        super().__init__(layers, weight, **{"name": "contrastive_kd", **base})
        self.temperature = setting("temperature", temperature, LEAST_TEMPERATURE, float("inf"))
        self.form = form

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each sample, of features of equal shape ``(samples, ...)``."""
        tau, known = self.now("temperature"), unit(flat(known))
        found = _products(unit(flat(made)), known) / tau
        if self.form == "similarity":
            log_p = tf.nn.log_softmax(_products(known, known) / tau)
            log_q = tf.nn.log_softmax(found)
            return tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=-1)
        if labels is not None:
            twins = (1.0 - _differ(labels)) * others(tf.shape(found)[0])
            found = tf.where(twins > 0, _NOTHING, found)
        return -tf.linalg.diag_part(tf.nn.log_softmax(found))

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        temperature = config_of(self.temperature)
        return {**super().get_config(), "temperature": temperature, "form": self.form}


@keras.saving.register_keras_serializable("tfedge", "TripletMargin")
class TripletMargin(FeatureLoss):
    """Keep embeddings nearer to the teacher's of the same sample than to those of other classes.

    The mean of ``max(0, margin + cos(A(s_i), t_j) - cos(A(s_i), t_i))`` over all samples ``j``
    of the batch whose label differs. It needs labels. 0 where all other classes are farther by
    the margin, so also at equality with a teacher that separates classes that far. ``A`` is an
    adapter, as for ``FeatureHint``, where the widths differ.

    Gradient: that of the cosines, which falls as one over the size of the student's embeddings;
    of those within the margin only, divided by the number of all negatives.

    Args:
        layers: Embeddings, as for ``FeatureHint``. None: the last vector before the outputs.
        margin: By how much nearer, in cosines, in [0, 2].
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range, or ``layers`` holds no names.

    Example:
        >>> t = tf.constant([[1.0, 0.0], [0.0, 1.0]])
        >>> loss = TripletMargin(margin=0.5)
        >>> [loss.call(t, s, [0, 1]).numpy().tolist() for s in (t, tf.reverse(t, [0]))]
        [[0.0, 0.0], [1.5, 1.5]]

    Reference:
        Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015, section 3.1, with the student's
        embedding as the anchor and the teacher's as positive and negatives, in cosines.
    """

    adapts = True
    automatic = EMBEDDING
    takes_labels = needs_labels = True

    def __init__(
        self, layers: Any = None, margin: float = 0.5, weight: Any = 1.0, **base: Any
    ) -> None:
        within("margin", margin, 0.0, 2.0)
        super().__init__(layers, weight, **{"name": "triplet_margin", **base})
        self.margin = float(margin)

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each sample, of features of equal shape ``(samples, ...)``."""
        found = _products(unit(flat(made)), unit(flat(known)))
        own = tf.linalg.diag_part(found)[:, tf.newaxis]
        negative = _differ(labels)
        missed = tf.maximum(self.margin + found - own, 0.0) * negative
        return tf.math.divide_no_nan(
            tf.reduce_sum(missed, axis=-1), tf.reduce_sum(negative, axis=-1)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "margin": self.margin}


def _products(first: Any, second: Any) -> Any:
    """Return the product of each vector of the one with each of the other."""
    return tf.matmul(first, second, transpose_b=True)


def _differ(labels: Any) -> Any:
    """Return 1 for each pair of samples of different classes, 0 for others."""
    numbers = class_numbers(labels, 1)
    return tf.cast(numbers[:, tf.newaxis] != numbers, tf.float32)
