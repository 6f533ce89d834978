"""A teacher in a fit loop that exists already."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.callbacks.hooks import Callback
from tfedge.compress.distillation.averaging import track
from tfedge.compress.distillation.losses import checked_losses, default_losses
from tfedge.compress.distillation.roles import check_pair
from tfedge.compress.distillation.schedules import at, setting
from tfedge.compress.distillation.teaching import Teaching
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()


class Distillation(Callback):
    """Lets a teacher teach a model of your own class, in the fit loop that you have.

    While ``fit`` runs, the loss of the model is ``alpha * its own + (1 - alpha) * sum(losses)``,
    as with :class:`tfedge.Distiller`; the model is trained itself and is what it was
    afterwards. ``student_loss`` and ``distillation_loss`` are put into the logs, where callbacks
    that come later find them; ``loss`` and ``val_loss`` are as the model's Keras reports them:
    the weighted sum in Keras 3, its own in tf_keras.

    Args:
        teacher: A Keras model of either flavour, or the path of one; copied, never trained.
        losses: Losses called on (teacher, student), as for the Distiller. What compares features
            needs the Distiller: a callback sees outputs only.
        alpha: Weight of the model's own loss, in [0, 1]; or a ``LearningRateSchedule``.
        from_logits: What the outputs of the model are, for models whose graph cannot be read:
            True for logits, False for probabilities. None: read off the last layer.

    Raises:
        ArgumentError: If ``alpha`` is outside [0, 1] or ``losses`` is empty; when ``fit``
            begins, if the outputs of a subclassed model are not told by ``from_logits``.
        ModelError: When ``fit`` begins, if the two do not match; after the first batch, if the
            model has a ``train_step`` of its own that does not call ``compute_loss``.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> def net(units):
        ...     layers = keras3().layers
        ...     head = layers.Dense(3, activation="softmax")
        ...     return keras3().Sequential([layers.Input((4,)), layers.Dense(units), head])
        >>> student = net(4)
        >>> student.compile("adam", "sparse_categorical_crossentropy")
        >>> teaching = Distillation(net(32), alpha=0.3)
        >>> history = student.fit(np.ones((8, 4)), np.zeros(8), callbacks=[teaching], verbose=0)
        >>> sorted(history.history)
        ['distillation_loss', 'loss', 'student_loss']

    Reference:
        Hinton, Vinyals and Dean, 2015, arXiv:1503.02531.
    """

    def __init__(
        self, teacher: Any, losses: Any = None, alpha: Any = 0.5, from_logits: bool | None = None
    ) -> None:
        self.alpha = setting("alpha", alpha, 0.0, 1.0)
        self._losses = None if losses is None else checked_losses(losses)
        self._teacher = adopt(teacher)
        self._teacher.trainable = False
        self._from_logits = from_logits
        self._means = {name: keras.metrics.Mean(name=name) for name in _LOGS}
        self._teaching: Any = None
        self._own: Any = None
        self._traced = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Put the teacher's losses beside the model's own."""
        student = self._readable()
        check_pair(student, self._teacher)
        losses = default_losses(student) if self._losses is None else self._losses
        self._teaching = Teaching(student, self._teacher, losses)
        if self._teaching.looks_inside:
            raise ArgumentError(
                "losses compares features within the models, and a callback sees outputs only. "
                "Use tfedge.Distiller, or losses of outputs."
            )
        self._teaching.follow(self.model.optimizer.iterations)
        self._put(self._whole)

    def on_train_end(self, logs: Any = None) -> None:
        """Leave the model with its own loss alone."""
        self._put(None)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count anew."""
        for mean in self._means.values():
            mean.reset_state()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check that the losses were asked for."""
        if not self._traced:
            self._put(None)
            raise ModelError(
                f"{self.model.name!r} has a train_step of its own that does not call "
                f"self.compute_loss(x, y, y_pred, sample_weight), so the teacher teaches "
                f"nothing. Call it there, or use tfedge.Distiller."
            )

    def _implements_train_batch_hooks(self) -> bool:
        """Ask tf_keras to call the hook above."""
        return True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Put both losses into the logs."""
        if logs is not None:
            logs |= {name: float(mean.result()) for name, mean in self._means.items()}

    def _whole(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        **more: Any,
    ) -> Any:
        """Return the weighted sum of the model's own loss and the teacher's."""
        self._traced = True
        own = self._own(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **more)
        taught = self._teaching.loss(x, y_pred, sample_weight, y)
        alpha = at(self.alpha, self.model.optimizer.iterations)
        track(y_pred, *zip(self._means.values(), (own, taught), strict=True))
        return alpha * own + (1.0 - alpha) * tf.cast(taught, own.dtype)

    def _put(self, loss: Any) -> None:
        """Set the loss of the model, None for its own class's, and let it be traced anew."""
        vars(self.model).pop("compute_loss", None)
        if loss is not None:
            self._own = self.model.compute_loss
            object.__setattr__(self.model, "compute_loss", loss)
        self.model.train_function = self.model.test_function = None
        self.model.make_train_function()

    def _readable(self) -> Any:
        """Return a functional model with outputs like the student's."""
        if self._from_logits is not None:
            return _stand_in(self._teacher, self._from_logits)
        try:
            return adopt(self.model)
        except ModelError as error:
            raise ArgumentError(
                f"What {self.model.name!r} puts out cannot be read off its layers. Say whether "
                f"they are logits or probabilities: from_logits=True or False."
            ) from error


_LOGS = ("student_loss", "distillation_loss")


def _stand_in(teacher: Any, from_logits: bool) -> Any:
    """Return a model with outputs of the teacher's shapes that are logits or probabilities."""
    layers = keras.layers
    outputs = [
        layers.Rescaling(1.0)(tensor)
        if from_logits
        else layers.Activation("sigmoid" if tensor.shape[-1] == 1 else "softmax")(tensor)
        for tensor in teacher.outputs
    ]
    return keras.Model(teacher.input, outputs)
