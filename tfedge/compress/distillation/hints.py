"""What a teacher has within: features that the student is to make too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfedge.core.checks import within
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import describe, tf_keras

keras: Any = tf_keras()

_LEAST_VARIANCE = 1e-6


@keras.saving.register_keras_serializable("tfedge", "FeatureHint")
class FeatureHint(keras.losses.Loss):
    """Make what is inside the student like what is inside the teacher.

    ``weight * mean((A(s) - t)**2) / variance(t)`` for each pair of layers and each sample, over
    all positions and channels: the part of the teacher's features that the student misses. It
    does not change when features are scaled. ``A`` is an adapter, a linear map of the channels
    that starts at least squares, is trained with the student and thrown away; features with
    equally many channels are compared without one. Several pairs add up.

    Args:
        layers: Which layers: a dict of teacher's layer to student's layer, or a name or regular
            expression, or several of these, meant in both models. A dict holds names or
            expressions that match one layer each. None: the last layer at each resolution that
            both have; for models without positions, the last layer before the outputs.
        weight: Its weight, positive.
        name: Name of the loss.
        reduction: As in Keras.

    Raises:
        ArgumentError: If ``weight`` is not positive, or ``layers`` holds something else.

    Example:
        >>> loss = FeatureHint("block_.*", weight=2.0)
        >>> t = tf.constant([[0.0, 2.0]])
        >>> float(loss(t, t)), float(loss(t, t + 1.0))
        (0.0, 2.0)

    Reference:
        Romero et al., FitNets, ICLR 2015, section 2.2, there without the variance and with the
        hints before the other losses instead of beside them.
    """

    def __init__(
        self,
        layers: Any = None,
        weight: float = 1.0,
        name: str = "feature_hint",
        reduction: str = "auto",
    ) -> None:
        within("weight", weight, 0.0, float("inf"), open_high=True)
        if weight == 0:
            raise ArgumentError("weight=0: hints without weight teach nothing. Leave them out.")
        _check_names(layers)
        super().__init__(reduction=reduction, name=name)
        self.layers = layers
        self.weight = float(weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample.

        Args:
            y_true: Features of the teacher, shape ``(samples, ..., channels)``.
            y_pred: Features of the student after the adapter, same shape.

        Returns:
            Shape ``(samples,)``, float32.
        """
        known, made = tf.cast(y_true, tf.float32), tf.cast(y_pred, tf.float32)
        axes = list(range(1, len(known.shape)))
        missed = tf.reduce_mean(tf.square(made - known), axis=axes)
        variance = tf.math.reduce_variance(known, axis=axes)
        return self.weight * missed / tf.maximum(variance, _LEAST_VARIANCE)

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "layers": self.layers, "weight": self.weight}


def _check_names(layers: Any) -> None:
    """Refuse layers that are not told by names."""
    if isinstance(layers, Mapping):
        names = [*layers.keys(), *layers.values()]
    else:
        names = [layers] if isinstance(layers, str) else list(() if layers is None else layers)
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(
                f"layers holds {describe(name)}: features are told by the name of a layer or a "
                f"regular expression, or by a dict of teacher's layer to student's layer."
            )
