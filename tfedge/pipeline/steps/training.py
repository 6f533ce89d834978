"""Training inside a step: the settings that all steps have which train, and the fit itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.core.checks import one_of, whole_number, within
from tfedge.core.errors import ArgumentError, DataError, TfedgeError
from tfedge.pipeline.steps.context import Context

ORIGINAL = "original"
DECAYS = ("cosine", "constant")
LABELS: dict[str, Any] = {
    "epochs": 5,
    "learning_rate": 1e-3,
    "optimizer": "adam",
    "decay": "cosine",
    "batch_size": 32,
    "teacher": None,
    "alpha": 0.3,
    "temperature": 4.0,
    "patience": None,
}
"""Settings of training on labels, with their defaults."""

TAUGHT = {**LABELS, "teacher": ORIGINAL}
"""The same with the original model as a teacher."""


def check_training(settings: Mapping[str, Any], least_epochs: int = 0) -> None:
    """Raise for wrong settings of training.

    Example:
        >>> check_training({**LABELS, "decay": "linear"})
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: decay='linear' is not known. Choose one of: 'cosine', ...
    """
    whole_number("epochs", settings["epochs"], least_epochs)
    whole_number("batch_size", settings["batch_size"])
    within("learning_rate", settings["learning_rate"], 1e-8, 100.0)
    one_of("decay", settings["decay"], DECAYS)
    one_of("teacher", settings["teacher"], (None, ORIGINAL))
    within("alpha", settings["alpha"], 0.0, 1.0)
    within("temperature", settings["temperature"], 1e-3, 1e3)
    if settings.get("patience") is not None:
        whole_number("patience", settings["patience"])
    optimizer_of(settings["optimizer"], settings["learning_rate"])


def optimizer_of(given: Any, rate: Any) -> Any:
    """Return a tf_keras optimizer.

    Args:
        given: Its name, or a dictionary of ``"name"`` and its own settings.
        rate: Learning rate, or a schedule of it.

    Raises:
        ArgumentError: If there is none of that name, or it has no such setting.

    Example:
        >>> optimizer_of({"name": "sgd", "momentum": 0.9}, 0.1).name
        'SGD'
    """
    from tfedge.models.flavours import tf_keras

    kinds = tf_keras().optimizers
    known = {kind.casefold(): kind for kind in ("Adam", "AdamW", "SGD", "RMSprop", "Nadam")}
    settings = {"name": given} if isinstance(given, str) else dict(given or {})
    name = str(settings.pop("name", "")).casefold()
    one_of("optimizer", name, list(known))
    try:
        return getattr(kinds, known[name])(learning_rate=rate, **settings)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"optimizer={given!r}: {error}") from error


def train(
    model: Any, context: Context, settings: Mapping[str, Any], losses: Sequence[Any] | None = None
) -> Any:
    """Train a model as settings say; return it, or the copy that was trained.

    Args:
        model: A tf_keras model.
        context: Data, loss and teacher.
        settings: All settings of training.
        losses: What the teacher teaches by; soft targets, or values of a regression, by default.
    """
    if not settings["epochs"]:
        return model
    learner = _learner(model, context, settings, losses)
    steps = settings["epochs"] * context.train.steps(settings["batch_size"])
    learner.compile(optimizer_of(settings["optimizer"], _rate(settings, steps)), context.task.loss)
    _fit(learner, context, settings)
    return getattr(learner, "student", learner)


def _fit(learner: Any, context: Context, settings: Mapping[str, Any]) -> None:
    """Train; say in words that labels or outputs do not fit the loss."""
    import tensorflow as tf

    callbacks = [*_stopping(settings), *context.callbacks, *_watching(learner, context)]
    val = context.val if settings.get("patience") else None
    try:
        context.train.fit(learner, settings["epochs"], settings["batch_size"], callbacks, val)
    except TfedgeError:
        raise
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise DataError(
            f"{context.name!r} cannot be trained on train with the loss {context.task.text}: "
            f"{_last_line(error)} Check the labels, or say which loss is meant."
        ) from error


def _watching(learner: Any, context: Context) -> list[Any]:
    """Return the callback that shows the model to whoever watches the run."""
    if context.watch is None:
        return []
    from tfedge.models.flavours import tf_keras

    watch, step = context.watch, len(context.before) + 1
    model = getattr(learner, "student", learner)

    def told(epoch: int, logs: Any = None) -> None:
        """Tell of an epoch that is over."""
        watch(step, epoch + 1, model)

    return [tf_keras().callbacks.LambdaCallback(on_epoch_end=told)]


def _last_line(error: Exception) -> str:
    """Return the line of an error of TensorFlow that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if line.split(":")[0].endswith("Error")]
    return (said or lines or [type(error).__name__])[-1][:300]


def _learner(
    model: Any, context: Context, settings: Mapping[str, Any], losses: Sequence[Any] | None
) -> Any:
    """Return the model as one that can be trained, with its teacher if it has one."""
    from tfedge.models.training.trainable import TrainsHere, trainable

    model = model if isinstance(model, TrainsHere) else trainable(model)
    if settings["teacher"] is None:
        return model
    from tfedge.compress.distillation.distiller import Distiller

    losses = losses or context.task.teaching(settings["temperature"])
    return Distiller(model, context.original, losses, alpha=settings["alpha"])


def _rate(settings: Mapping[str, Any], steps: int) -> Any:
    """Return the learning rate, or the schedule by which it falls to nothing."""
    if settings["decay"] == "constant":
        return settings["learning_rate"]
    from tfedge.models.flavours import tf_keras

    return tf_keras().optimizers.schedules.CosineDecay(settings["learning_rate"], steps)


def _stopping(settings: Mapping[str, Any]) -> list[Any]:
    """Return the callback that ends training early, if that is asked for."""
    if not settings.get("patience"):
        return []
    from tfedge.models.flavours import tf_keras

    kind = tf_keras().callbacks.EarlyStopping
    return [kind("val_loss", patience=settings["patience"], restore_best_weights=True)]
