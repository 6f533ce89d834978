"""What a teacher says to a student, during a step of training."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.adapters import adapter, fitted
from tfedge.compress.distillation.averaging import mean_loss
from tfedge.compress.distillation.losses import is_of_features
from tfedge.compress.distillation.matching import assigned, outputs_of_both
from tfedge.compress.distillation.naming import by_output, output_names
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
        losses: Losses of outputs and of features, as ``checked_losses`` returns them: a list,
            or a dict by output, in which losses of features get the labels of that output.

    Attributes:
        losses: Every loss, once.
        adapters: For each pair of features the layer that maps channels of the student to those
            of the teacher, None where none is needed; trained with the student.
        looks_inside: Whether there are losses of features, for which the teacher must run.

    Raises:
        ArgumentError: If an output suits no loss or a loss no output, or if a loss of features
            names layers that are not there or cannot be compared, or needs labels that cannot
            be told.
    """

    def __init__(self, student: Any, teacher: Any, losses: Any) -> None:
        """Note which loss compares what."""
        self._names = output_names(student)
        self._outputs = outputs_of_both(teacher, student, self._names)
        said, within = _divided(losses, self._names)
        self._assigned = assigned(said, self._outputs)
        self._inside = [
            (loss, place, pair)
            for loss, place in within
            for pair in pairs_of(teacher, student, loss.layers, loss.positions, loss.automatic)
        ]
        self.looks_inside = bool(within)
        self.losses = _unique([*itertools.chain(*self._assigned), *(loss for loss, _ in within)])
        self._takes_labels = any(getattr(loss, "takes_labels", False) for loss in self.losses)
        self.adapters = [adapter(*pair) if loss.adapts else None for loss, _, pair in self._inside]
        self._teacher = _seeing(keras.Model, teacher, [pair[0] for *_, pair in self._inside])
        self._student = _seeing(TrainableModel, student, [pair[1] for *_, pair in self._inside])

    def follow(self, clock: Any) -> None:
        """Let schedules of the losses read the step of training from a variable."""
        for loss in self.losses:
            loss.clock = clock

    def student(self, inputs: Any, training: Any) -> Any:
        """Return what the student says; its features go along, for `loss`."""
        if not self._inside:
            return self._student(inputs, training=training)
        said, *features = self._student(inputs, training=training)
        setattr(tf.nest.flatten(said)[0], _NOTE, features)
        return said

    def loss(
        self, x: Any, outputs: Any, sample_weight: Any = None, y: Any = None, said: Any = None
    ) -> Any:
        """Return the sum of all losses, averaged over the samples.

        Args:
            x: Inputs of a batch.
            outputs: What the student said of them.
            sample_weight: None, weights for all outputs, or a list or dict by output. Losses of
                features that belong to no output are weighted by the former only.
            y: Labels, as ``compute_loss`` gets them; looked at if a loss takes labels.
            said: What the teacher says, if that is known already: the teacher does not run.

        Raises:
            ArgumentError: If ``said`` is given and losses look inside, a loss that needs labels
                gets none, or ``outputs`` are not those that the student returned.
        """
        if said is not None and self.looks_inside:
            raise ArgumentError(
                "What the teacher said is known already, and losses of features compare what is "
                "inside it, which nobody kept. Leave these losses out, or let the teacher run."
            )
        features: list[Any] = []
        if said is None:
            said = self._teacher(x, training=False)
            said, *features = said if self._inside else (said,)
        labels = by_output("y", y if self._takes_labels else None, self._names)
        weights = _weights(sample_weight, self._names)
        total = self._of_outputs(said, outputs, labels, weights)
        return total + self._of_features(features, outputs, [*labels, None], weights)

    def fit_adapters(self, x: Any) -> None:
        """Set each adapter to the map nearest to the teacher on a batch of inputs."""
        _, *known = self._teacher(x, training=False)
        _, *made = self._student(x, training=False)
        for layer, first, second in zip(self.adapters, known, made, strict=True):
            if layer is not None:
                layer.set_weights(fitted(first.numpy(), second.numpy()))

    def _of_outputs(self, said: Any, outputs: Any, labels: list, weights: list) -> Any:
        """Return the sum of the losses of outputs."""
        total = tf.constant(0.0)
        both = zip(tf.nest.flatten(said), tf.nest.flatten(outputs), strict=True)
        for place, (known, made) in enumerate(both):
            for loss in self._assigned[place]:
                seen = self._outputs[place].seen_by(loss, known, made)
                total += _value(loss, seen, labels[place], weights[place])
        return total

    def _of_features(self, features: list, outputs: Any, labels: list, weights: list) -> Any:
        """Return the sum of the losses of features."""
        total = tf.constant(0.0)
        if not self._inside:
            return total
        made = getattr(tf.nest.flatten(outputs)[0], _NOTE, None)
        if made is None:
            raise ArgumentError(
                "The loss of a Distiller with hints compares what is inside the student. Give "
                "compute_loss the very outputs that the distiller returned, unchanged."
            )
        for (loss, place, _), layer, known, own in zip(
            self._inside, self.adapters, features, made, strict=True
        ):
            own = own if layer is None else layer(own)
            total += _value(loss, (known, own), labels[place], weights[place])
        return total


def _divided(losses: Any, names: list[str]) -> tuple[Any, list[tuple[Any, int]]]:
    """Return the losses of outputs, and each of features with the place of its output.

    The place is -1 where that is not told and there are several.
    """
    if isinstance(losses, Mapping):
        within = [
            (loss, names.index(name) if name in names else -1)
            for name, some in losses.items()
            for loss in some
            if is_of_features(loss)
        ]
        return {
            name: [loss for loss in some if not is_of_features(loss)]
            for name, some in losses.items()
        }, within
    place = 0 if len(names) == 1 else -1
    within = [(loss, place) for loss in losses if is_of_features(loss)]
    for loss, where in within:
        if loss.needs_labels and where < 0:
            raise ArgumentError(
                f"The loss {loss.name!r} needs labels, and the student has the outputs {names}. "
                f"Say whose labels: losses={{output's name: [...], ...}}."
            )
    return [loss for loss in losses if not is_of_features(loss)], within


def _seeing(kind: Any, model: Any, features: list[Any]) -> Any:
    """Return the model, or one of the same layers that gives out features too."""
    return kind(model.input, [model.output, *features]) if features else model


def _unique(losses: list[Any]) -> list[Any]:
    """Return each object once, in order."""
    return list({id(loss): loss for loss in losses}.values())


def _weights(given: Any, names: list[str]) -> list[Any]:
    """Return the sample weights of each output, and last those of what belongs to none."""
    if isinstance(given, (Mapping, list, tuple)):
        return [*by_output("sample_weight", given, names), None]
    return [given] * (len(names) + 1)


def _value(loss: Any, seen: tuple[Any, Any], labels: Any, weights: Any) -> Any:
    """Return the mean of a loss over a batch; the teacher's side is a constant."""
    known, made = tf.stop_gradient(seen[0]), seen[1]
    takes = getattr(loss, "takes_labels", False)
    each = loss.call(known, made, labels) if takes else loss.call(known, made)
    return mean_loss(each if weights is None else each * _fitting(weights, each))


def _fitting(weights: Any, losses: Any) -> Any:
    """Return sample weights in the shape of losses; a mean where positions are not told apart."""
    weights = tf.cast(weights, losses.dtype)
    surplus = len(weights.shape) - len(losses.shape)
    if surplus > 0:
        weights = tf.reduce_mean(weights, axis=list(range(-surplus, 0)))
    shape = tf.concat([tf.shape(weights), [1] * max(-surplus, 0)], axis=0)
    return tf.reshape(weights, shape)
