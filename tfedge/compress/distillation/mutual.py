"""Students that teach each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.averaging import WeighsLosses, track
from tfedge.compress.distillation.labels import check_labels
from tfedge.compress.distillation.losses import checked_losses, default_losses
from tfedge.compress.distillation.roles import as_student
from tfedge.compress.distillation.schedules import at, setting
from tfedge.compress.distillation.teaching import Teaching
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import tf_keras
from tfedge.models.training.trainable import TrainsHere

keras: Any = tf_keras()


class MutualLearning(WeighsLosses, TrainsHere, keras.Model):
    """Trains several students at once, each on labels and on what the others say.

    ``loss = sum_i(alpha * student_loss_i + (1 - alpha) * mean_j(losses(j, i)))`` over the peers
    ``j != i``, whose outputs are constants for student ``i``. No teacher is needed; small models
    that start from different weights end better than each alone.

    Compile, fit and evaluate as with a model of one output per student: loss and metrics that
    are given once hold for each, and logs carry its name (``a_loss``, ``a_accuracy``).

    Args:
        students: At least two models of either Keras, or paths, with the same inputs and one
            output each, of the same classes; treated as the student of a
            :class:`~tfedge.Distiller`.
        losses: Losses of outputs, called on (peer's, student's). Default: at temperature 1
            ``SoftTarget``, the divergence of the paper, or ``BinarySoftTarget`` for labels that
            do not exclude each other.
        alpha: Weight of the labels, in [0, 1], or a schedule of the step.

    Attributes:
        students: The trained models, by name.

    Raises:
        ArgumentError: If there are fewer than two students, ``alpha`` is outside [0, 1], or
            losses compare features or do not suit the outputs.
        ModelError: If one is not a model, has several outputs, or tells other classes apart.

    Example:
        >>> import numpy as np
        >>> def net(name):
        ...     inputs = keras.Input((4,))
        ...     outputs = keras.layers.Dense(3, activation="softmax")(inputs)
        ...     return keras.Model(inputs, outputs, name=name)
        >>> peers = MutualLearning([net("a"), net("b")])
        >>> peers.compile("adam", "sparse_categorical_crossentropy")
        >>> history = peers.fit(np.ones((8, 4)), np.zeros(8), verbose=0)
        >>> sorted(history.history), list(peers.students)
        (['a_loss', 'b_loss', 'distillation_loss', 'loss'], ['a', 'b'])

    Reference:
        Zhang et al., Deep Mutual Learning, CVPR 2018, section 3.2, equations 5 to 8.
    """

    def __init__(
        self, students: Sequence[Any], losses: Any = None, alpha: Any = 0.5, **base: Any
    ) -> None:
        if not isinstance(students, (list, tuple)) or len(students) < 2:
            raise ArgumentError(
                "students must be a list of at least two models: they teach each other. For one "
                "student and a trained teacher use tfedge.Distiller."
            )
        alpha = setting("alpha", alpha, 0.0, 1.0)
        losses = None if losses is None else checked_losses(losses)
        base.setdefault("name", "mutual_learning")
        super().__init__(**base)
        self.students = _named([as_student(student) for student in students])
        _check_alike(self.students)
        self.alpha = alpha
        self._lessons = _lessons(self.students, losses)
        self._whole_loss = keras.metrics.Mean(name="whole_loss")
        self._distillation_loss = keras.metrics.Mean(name="distillation_loss")

    def fit(self, x: Any = None, y: Any = None, *args: Any, **settings: Any) -> Any:
        """Train, as ``tf_keras.Model.fit`` does.

        Raises:
            ArgumentError: If a loss of labels is compiled and the data have none.
        """
        check_labels(x, y, self.loss)
        return super().fit(x, y, *args, **settings)

    def call(self, inputs: Any, training: Any = None) -> dict[str, Any]:
        """Return what each student says, by name."""
        return {name: model(inputs, training=training) for name, model in self.students.items()}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """Return the weighted sum of all losses, a scalar."""
        own = super().compute_loss(x, y, y_pred, sample_weight)
        own = tf.constant(0.0) if own is None else tf.cast(own, tf.float32)
        learned = self._learned(y, y_pred, sample_weight)
        alpha = at(self.alpha, self._step)
        whole = alpha * own + (1.0 - alpha) * learned
        track(y_pred, (self._whole_loss, whole), (self._distillation_loss, learned))
        return whole

    def save(self, *_: Any, **__: Any) -> None:
        """Refuse: several models do not fit into one file.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"MutualLearning holds {len(self.students)} models. Save the one that is to ship: "
            f"mutual.students[{next(iter(self.students))!r}].save(...)."
        )

    def compile(self, *args: Any, **settings: Any) -> None:
        """Configure training, as ``tf_keras.Model.compile`` does, with objects of either Keras."""
        super().compile(*args, **settings)
        for *_, lesson in self._lessons:
            lesson.follow(self.optimizer.iterations)

    def _learned(self, y: Any, outputs: dict[str, Any], sample_weight: Any) -> Any:
        """Return the sum over students of what they miss of their peers, on average."""
        missed = [
            lesson.loss(None, outputs[student], sample_weight, y, outputs[peer])
            for student, peer, lesson in self._lessons
        ]
        return sum(missed) / (len(self.students) - 1)


def _lessons(students: dict[str, Any], losses: Any) -> list[tuple[str, str, Teaching]]:
    """Return (student, peer, what the one learns from the other) for each ordered pair."""
    losses = _default(students) if losses is None else losses
    found = [
        (one, other, Teaching(student, peer, losses))
        for one, student in students.items()
        for other, peer in students.items()
        if one != other
    ]
    if found[0][2].looks_inside:
        raise ArgumentError(
            "losses compares features, and peers see each other's outputs only. Use losses of "
            "outputs, or a tfedge.Distiller with a trained teacher."
        )
    return found


def _default(students: dict[str, Any]) -> list[Any]:
    """Return soft targets as they suit the outputs, at the temperature of the paper."""
    [loss] = default_losses(next(iter(students.values())))
    return [type(loss)(temperature=1)]


def _named(students: list[Any]) -> dict[str, Any]:
    """Return the students by names that differ."""
    found: dict[str, Any] = {}
    for place, model in enumerate(students):
        name = model.name if model.name not in found else f"{model.name}_{place}"
        found[name] = model
    return found


def _check_alike(students: dict[str, Any]) -> None:
    """Refuse students of several outputs, and of different inputs or classes."""
    for model in students.values():
        if len(model.outputs) != 1:
            raise ModelError(
                f"{model.name!r} has {len(model.outputs)} outputs; students that teach each "
                f"other have one each."
            )
    for what in ("input", "output"):
        shapes = {
            name: [tuple(tensor.shape[1:]) for tensor in getattr(model, f"{what}s")]
            for name, model in students.items()
        }
        if len({str(shape) for shape in shapes.values()}) > 1:
            raise ModelError(
                f"The students differ in their {what}s: {shapes}. All must take the same data "
                f"and tell the same classes apart, in the same order."
            )
