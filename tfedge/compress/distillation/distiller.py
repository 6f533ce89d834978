"""A small model that learns from a large one."""

from __future__ import annotations

import itertools
from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.averaging import WeighsLosses, track
from tfedge.compress.distillation.cached import CachedTeacher, CacheWatch
from tfedge.compress.distillation.freezing import frozen
from tfedge.compress.distillation.labels import check_labels
from tfedge.compress.distillation.losses import checked_losses, default_losses
from tfedge.compress.distillation.moving_average import MovingAverage
from tfedge.compress.distillation.roles import as_student, as_teacher, check_pair
from tfedge.compress.distillation.schedules import at, setting
from tfedge.compress.distillation.teaching import Teaching
from tfedge.core.checks import whole_number
from tfedge.core.data import regroup
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras
from tfedge.models.samples import first_samples
from tfedge.models.training import feeds
from tfedge.models.training.trainable import TrainsHere, with_callback

keras: Any = tf_keras()

_SAMPLES = 256


class Distiller(WeighsLosses, TrainsHere, keras.Model):
    """Trains a student on labels and on what a teacher says.

    ``loss = alpha * student_loss + (1 - alpha) * warm_up * sum(losses)``, where ``student_loss``
    is the loss given to ``compile``, with the student's regularization, and ``losses`` compare
    the logits of the two, or features within them. Probabilities out of a final softmax are
    turned into logits first. ``warm_up`` rises from 0 to 1 along a line.

    Compile, fit, evaluate and predict as with any model. Logs hold ``loss``, ``student_loss``
    and ``distillation_loss``; metrics judge the student. The callbacks that a pruned student
    needs come by themselves.

    Args:
        student: The model to train: a ``TrainableModel`` from
            :func:`tfedge.prune` or :func:`tfedge.quantize` is trained itself; any other Keras
            model, or the path of one, is adopted, and its copy is trained
            (:func:`tfedge.models.release` writes the weights back).
        teacher: A Keras model of either flavour, or the path of one. It is copied, never
            trained, and runs with ``training=False``. What cannot be copied, such as a subclassed
            model, is called as it is: its outputs teach, what is within cannot, and whether they
            are logits or probabilities is read off some outputs. A list of models is an ensemble,
            whose logits are averaged. Or a :class:`tfedge.distill.MovingAverage` of the student.
        losses: Loss objects called on (teacher logits, student logits), such as ``SoftTarget``,
            and losses of features within (:class:`tfedge.distill.FeatureHint`); or a dict by
            output. Default: ``[SoftTarget(temperature=4)]``, ``BinarySoftTarget`` for labels
            that do not exclude each other.
        alpha: Weight of the labels, in [0, 1]; or a ``LearningRateSchedule`` of either Keras,
            called with the optimizer's step.
        warmup_steps: In how many steps the teacher's weight rises from nothing.
        cache: A folder in which what the teacher says of each sample is kept, so that it runs
            once per sample, also over several runs; None to run it in every step. Samples are
            found by their content, in any order. Augmented data never repeat: no cache then.
        freeze: Layers of the student that are not trained: a name, a regular expression that
            matches whole names, a layer class, or several of these. They stay untrainable.

    Attributes:
        student: The trained model. Saving the distiller saves it, and never the teacher.

    Raises:
        ArgumentError: If ``alpha`` is outside [0, 1], ``losses`` is empty, a hint names
            layers that are not there or cannot be compared, or ``freeze`` matches no layer or
            leaves nothing to train; if ``cache`` is another teacher's, cannot be written, or is
            given with losses of features.
        ModelError: If one is not a model, or their outputs do not match.

    Example:
        >>> import numpy as np
        >>> def net(units):
        ...     inputs = keras.Input((4,))
        ...     x = keras.layers.Dense(units, activation="relu")(inputs)
        ...     return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
        >>> distiller = Distiller(student=net(4), teacher=net(32))
        >>> distiller.compile("adam", "sparse_categorical_crossentropy")
        >>> history = distiller.fit(np.ones((8, 4)), np.zeros(8), verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss']

    Reference:
        Hinton, Vinyals and Dean, 2015, arXiv:1503.02531.
    """

    def __init__(
        self,
        student: Any,
        teacher: Any,
        losses: Any = None,
        alpha: Any = 0.5,
        warmup_steps: int = 0,
        freeze: Any = None,
        cache: Any = None,
        **base: Any,
    ) -> None:
        alpha = setting("alpha", alpha, 0.0, 1.0)
        whole_number("warmup_steps", warmup_steps, least=0)
        losses = None if losses is None else checked_losses(losses)
        base.setdefault("name", "distiller")
        super().__init__(**base)
        self.student = as_student(student)
        frozen_teacher = as_teacher(teacher, self.student)
        check_pair(self.student, frozen_teacher)
        frozen(self.student, freeze)
        losses = default_losses(self.student) if losses is None else losses
        self.alpha, self.warmup_steps = alpha, int(warmup_steps)
        self._teaching = Teaching(self.student, frozen_teacher, losses)
        self._average = teacher if isinstance(teacher, MovingAverage) else None
        self._cached = None if cache is None else self._remembering(frozen_teacher, cache)
        self._adapters = [adapter for adapter in self._teaching.adapters if adapter is not None]
        self._adapted = False
        self._whole_loss = keras.metrics.Mean(name="whole_loss")
        self._student_loss = keras.metrics.Mean(name="student_loss")
        self._distillation_loss = keras.metrics.Mean(name="distillation_loss")

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return what the student says."""
        return self._teaching.student(inputs, training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """Return the weighted sum of both losses, a scalar."""
        student = super().compute_loss(x, y, y_pred, sample_weight)
        student = tf.constant(0.0) if student is None else tf.cast(student, tf.float32)
        said = None if self._cached is None else self._cached(x)
        taught = self._teaching.loss(x, y_pred, sample_weight, y, said)
        alpha = at(self.alpha, self._step)
        whole = alpha * student + (1.0 - alpha) * self._warm_up() * taught
        shown = (self._student_loss, student), (self._distillation_loss, taught)
        track(y_pred, (self._whole_loss, whole), *shown)
        return whole

    def _warm_up(self) -> Any:
        """Return how much of the teacher counts yet."""
        if not self.warmup_steps or self._step is None:
            return 1.0
        return tf.minimum(tf.cast(self._step, tf.float32) / self.warmup_steps, 1.0)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        **settings: Any,
    ) -> None:
        """Configure training, as ``tf_keras.Model.compile`` does, with objects of either Keras.

        Args:
            optimizer: Name or optimizer.
            loss: Loss of the labels; may be left out with ``alpha=0``, which needs no labels.
            metrics: Metrics of the student.
            loss_weights: Numbers per output, for ``loss``.
            weighted_metrics: Metrics weighted by the sample weights.
            **settings: What else ``tf_keras.Model.compile`` takes.

        Raises:
            ArgumentError: If there is no loss for labels that have a weight, or a Keras 3
                object has no equal in tf_keras.
        """
        if loss is None and self.alpha != 0.0:
            raise ArgumentError(
                f"loss is missing: with alpha={self.alpha} the labels count. Give the loss of "
                f"the labels to compile, or let the teacher teach alone with alpha=0."
            )
        if self._cached is not None and settings.get("jit_compile") is True:
            raise ArgumentError(
                "jit_compile=True cannot look into the cache: XLA compiles no reading of files. "
                "Leave one of the two out."
            )
        super().compile(optimizer, loss, metrics, loss_weights, weighted_metrics, **settings)
        self._teaching.follow(self.optimizer.iterations)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        *args: Any,
        **settings: Any,
    ) -> Any:
        """Train, as ``tf_keras.Model.fit`` does. Adapters of hints are fitted before.

        The first time, the first samples are drawn from ``x`` for :meth:`fit_adapters`; what
        was drawn from a generator is trained on all the same. A data set that is distributed
        already cannot be looked into: call :meth:`fit_adapters` yourself.

        Raises:
            ArgumentError: If a loss of labels is compiled and the data have none.
        """
        check_labels(x, y, self.loss)
        if self._adapters and not self._adapted and not _is_distributed(x):
            x = self._looked_into(feeds.for_tf_keras(x))
        if self._cached is not None:
            callbacks = with_callback(callbacks, CacheWatch(self._cached.answers))
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, *args, **settings)

    def fit_adapters(self, x: Any) -> None:
        """Set the adapters of hints to the linear maps nearest to the teacher, by least squares.

        Students learn clearly better so than from random adapters. ``fit`` does it by itself;
        call it before a training loop of your own.

        Args:
            x: Samples, in any form that :func:`tfedge.core.data.batches` reads; some hundred
                are used.

        Raises:
            DataError: If there are none.

        Example:
            >>> import numpy as np
            >>> def net(units):
            ...     inputs = keras.Input((4,))
            ...     x = keras.layers.Dense(units, "relu")(inputs)
            ...     return keras.Model(inputs, keras.layers.Dense(3)(x))
            >>> from tfedge.distill import FeatureHint
            >>> Distiller(net(2), net(8), [FeatureHint()]).fit_adapters(np.ones((16, 4)))
        """
        [batch] = regroup(first_samples(self.student, x, _SAMPLES, _SAMPLES), _SAMPLES)
        self._teaching.fit_adapters(batch.x)
        self._adapted = True

    def _remembering(self, teacher: Any, folder: Any) -> CachedTeacher:
        """Return the teacher with a table of what it said."""
        if self._average is not None or self._teaching.looks_inside:
            what = "changes with every step" if self._average else "is looked into"
            raise ArgumentError(
                f"cache={str(folder)!r} keeps what a teacher puts out, and this one {what}. Leave "
                f"cache out, or use a fixed teacher and losses of outputs."
            )
        return CachedTeacher(teacher, folder)

    def _looked_into(self, x: Any) -> Any:
        """Fit adapters on the first samples; return the data with nothing taken away."""
        if not hasattr(x, "__next__"):
            self.fit_adapters(x)
            return x
        drawn, seen = itertools.tee(x)
        self.fit_adapters(seen)
        return drawn

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on one batch, as ``tf_keras.Model.train_step`` does."""
        logs = super().train_step(data)
        if self._average is not None:
            self._average.step(self.optimizer.iterations)
        return logs

    def save(self, filepath: Any, overwrite: bool = True, **settings: Any) -> None:
        """Save the student, which is what training was for."""
        self.student.save(filepath, overwrite=overwrite, **settings)

    def save_weights(self, filepath: Any, overwrite: bool = True, **settings: Any) -> None:
        """Save the weights of the student."""
        self.student.save_weights(filepath, overwrite=overwrite, **settings)

    def load_weights(self, filepath: Any, **settings: Any) -> Any:
        """Load the weights of the student."""
        return self.student.load_weights(filepath, **settings)


def _is_distributed(data: Any) -> bool:
    """Return whether a data set can be read by the replicas of a strategy only."""
    kinds = (tf.distribute.DistributedDataset, tf.distribute.DistributedIterator)
    return isinstance(data, (*kinds, keras.utils.experimental.DatasetCreator))
