"""What a teacher says to a student, during a step of training."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.adapters import adapter, fitted
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.logits import output_kind, to_logits
from tfedge.compress.distillation.pairs import pairs_of
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras
from tfedge.models.training.trainable import TrainableModel

keras: Any = tf_keras()

_NOTE = "_tfedge_features"


class Teaching:
    """The teacher and the losses, in an object that Keras neither tracks nor saves.

    Args:
        student: The model that is trained.
        teacher: A frozen tf_keras model.
        losses: Losses of logits, and hints.

    Attributes:
        adapters: The layers that map channels of the student to those of the teacher, None for
            a pair with equally many; trained with the student.

    Raises:
        ArgumentError: If a hint names layers that are not there or cannot be compared.
        ModelError: If an output has no logits.
    """

    def __init__(self, student: Any, teacher: Any, losses: list[Any]) -> None:
        """Note what each output of both models holds, and what hints are to compare."""
        self._losses = [loss for loss in losses if not isinstance(loss, FeatureHint)]
        self._hints = [
            (hint, pair)
            for hint in losses
            if isinstance(hint, FeatureHint)
            for pair in pairs_of(teacher, student, hint.layers)
        ]
        self.adapters = [adapter(*pair) for _, pair in self._hints]
        self._teacher = _seeing(keras.Model, teacher, [pair[0] for _, pair in self._hints])
        self._student = _seeing(TrainableModel, student, [pair[1] for _, pair in self._hints])
        self._kinds = [
            tuple(output_kind(tensor, model.name) for tensor, model in pair)
            for pair in zip(_outputs(teacher), _outputs(student), strict=True)
        ]

    def student(self, inputs: Any, training: Any) -> Any:
        """Return what the student says; its features go along, for `loss`."""
        if not self._hints:
            return self._student(inputs, training=training)
        said, *features = self._student(inputs, training=training)
        setattr(tf.nest.flatten(said)[0], _NOTE, features)
        return said

    def loss(self, x: Any, outputs: Any, sample_weight: Any) -> Any:
        """Return the sum of all losses, averaged over the samples."""
        said, features = self._teacher(x, training=False), []
        if self._hints:
            said, *features = said
        total = tf.constant(0.0)
        for teacher, student, kinds in zip(
            tf.nest.flatten(said), tf.nest.flatten(outputs), self._kinds, strict=True
        ):
            logits = to_logits(tf.stop_gradient(teacher), kinds[0]), to_logits(student, kinds[1])
            for loss in self._losses:
                total += _mean(loss.call(*logits), sample_weight)
        return total + self._hinted(features, outputs, sample_weight)

    def fit_adapters(self, x: Any) -> None:
        """Set each adapter to the map nearest to the teacher on a batch of inputs."""
        _, *known = self._teacher(x, training=False)
        _, *made = self._student(x, training=False)
        for layer, first, second in zip(self.adapters, known, made, strict=True):
            if layer is not None:
                layer.set_weights(fitted(first.numpy(), second.numpy()))

    def _hinted(self, features: list[Any], outputs: Any, sample_weight: Any) -> Any:
        """Return the sum of the hints."""
        total = tf.constant(0.0)
        if not self._hints:
            return total
        made = getattr(tf.nest.flatten(outputs)[0], _NOTE, None)
        if made is None:
            raise ArgumentError(
                "The loss of a Distiller with hints compares what is inside the student. Give "
                "compute_loss the very outputs that the distiller returned, unchanged."
            )
        for (hint, _), layer, known, own in zip(
            self._hints, self.adapters, features, made, strict=True
        ):
            own = own if layer is None else layer(own)
            total += _mean(hint.call(tf.stop_gradient(known), own), sample_weight)
        return total


def _seeing(kind: Any, model: Any, features: list[Any]) -> Any:
    """Return the model, or one of the same layers that gives out features too."""
    return kind(model.input, [model.output, *features]) if features else model


def _mean(losses: Any, sample_weight: Any) -> Any:
    """Return the mean over samples as Keras takes it, also when replicas share a batch."""
    per_sample = tf.reduce_mean(losses, axis=list(range(1, len(losses.shape))))
    if sample_weight is not None:
        per_sample *= tf.reshape(tf.cast(sample_weight, per_sample.dtype), [-1])
    return tf.nn.compute_average_loss(per_sample)


def _outputs(model: Any) -> list[tuple[Any, Any]]:
    """Return (symbolic output, model) of every output."""
    return [(tensor, model) for tensor in model.outputs]
