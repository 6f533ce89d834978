"""The ways of teaching a student that distillation.py compares, each with its training."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras as keras3
import numpy as np
import tensorflow as tf
import tf_keras
from channel_networks import BATCH, stream
from channel_ways import Cosine
from distillation_tasks import Task

import tfedge
from tfedge import distill

LABELS = "sparse_categorical_crossentropy"
ALPHA = 0.3
TAU = 4.0
INTEGERS = 0.75
SOFT = functools.partial(distill.SoftTarget, TAU)


def fit(
    model: Any,
    task: Task,
    seed: int,
    flavour: Any = tf_keras,
    loss: Any = LABELS,
    part: tuple[float, float] = (0, 1),
) -> Any:
    """Train on the batches that every way sees, or a part: Adam, its rate falling on a cosine."""
    steps = task.epochs * (len(task.data["x"]) // BATCH)
    begin, end = (round(place * steps) for place in part)
    falling = flavour.optimizers.schedules.CosineDecay(task.rate, steps)
    rate = Cosine(task.rate, steps, begin) if begin else falling
    model.compile(optimizer=flavour.optimizers.Adam(rate), loss=loss)
    data = stream(task.network, task.epochs, seed).skip(begin).take(end - begin)
    model.fit(data.prefetch(2), verbose=0)
    return model


def alone(task: Task, seed: int) -> Any:
    """Return a student trained on labels only."""
    return fit(task.student(), task, seed)


class ByHand(tf_keras.Model):
    """The distiller of the Keras tutorial, whose models give logits, as people write it down."""

    def __init__(self, student: Any, teacher: Any) -> None:
        super().__init__()
        self.student, self.teacher = student, teacher

    def train_step(self, data: Any) -> dict[str, Any]:
        """Take a step on ``(1 - alpha) * tau**2 * KL + alpha * labels``."""
        x, y = data
        taught = self.teacher(x, training=False)
        with tf.GradientTape() as tape:
            made = self.student(x, training=True)
            labels = tf_keras.losses.sparse_categorical_crossentropy(y, made, from_logits=True)
            p, q = (tf.nn.softmax(z / TAU) for z in (taught, made))
            soft = TAU**2 * tf_keras.losses.kl_divergence(p, q)
            loss = tf.reduce_mean(ALPHA * labels + (1 - ALPHA) * soft)
        weights = self.student.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


def by_hand(task: Task, seed: int) -> Any:
    """Return a student of the loss written by hand."""
    student = without_softmax(task.student())
    teacher = without_softmax(task.teacher())
    fit(ByHand(student, teacher), task, seed)
    return student


def by_keras(task: Task, seed: int, divergence: Any = None) -> Any:
    """Return a student of Keras 3's own distiller, which takes models that give logits.

    Its default loss, the text "kl_divergence", becomes a function, which it then hands logits where
    probabilities belong; an instance of the loss is treated as its documentation says.
    """
    divergence = divergence or keras3.losses.KLDivergence()
    student, teacher = (in_keras3(without_softmax(m)) for m in (task.student(), task.teacher()))
    distiller = keras3.distillation.Distiller(
        teacher,
        student,
        distillation_losses=keras3.distillation.LogitsDistillation(TAU, divergence),
        student_loss_weight=ALPHA,
    )
    loss = keras3.losses.SparseCategoricalCrossentropy(from_logits=True)
    fit(distiller, task, seed, keras3, loss)
    return student


def by_tfedge(*losses: Callable[[], Any]) -> Callable:
    """Return a way with losses of tfedge."""

    def run(task: Task, seed: int) -> Any:
        return taught(task.student(), task, seed, [make() for make in losses])

    return run


def taught(student: Any, task: Task, seed: int, losses: list, part: tuple = (0, 1)) -> Any:
    """Return a student that learned from the teacher; its answers are kept where that helps."""
    inside = any(isinstance(loss, distill.FeatureLoss) for loss in losses)
    cache = None if inside or task.network.augment else task.cache
    distiller = tfedge.Distiller(student, task.teacher(), losses, alpha=ALPHA, cache=cache)
    return fit(distiller, task, seed, part=part).student


def in_integers(task: Task, seed: int) -> Any:
    """Return a student of soft targets that learns in integers in the last quarter."""
    student = taught(task.student(), task, seed, [SOFT()], (0, INTEGERS))
    x = task.data["x"][:512].astype("float32")
    return taught(tfedge.quantize(student, calibration=x), task, seed, [SOFT()], (INTEGERS, 1))


def without_softmax(model: Any) -> Any:
    """Return the model with logits at its end, of the same weights."""
    config, weights = model.get_config(), model.get_weights()
    config["layers"][-1]["config"]["activation"] = "linear"
    found = tf_keras.Model.from_config(config)
    found.set_weights(weights)
    return found


class _Depthwise(keras3.layers.DepthwiseConv2D):
    """Reads what tf_keras wrote, which has a setting more."""

    def __init__(self, groups: int = 1, **settings: Any) -> None:
        super().__init__(**settings)


def in_keras3(model: Any) -> Any:
    """Return a tf_keras model as Keras 3 reads it from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        model.save(path)
        custom = {"DepthwiseConv2D": _Depthwise}
        return keras3.models.load_model(path, custom_objects=custom, compile=False)


def accuracy(model: Any, task: Task, part: str = "test") -> float:
    """Return the fraction of right answers."""
    x, y = task.data[f"x_{part}"], task.data[f"y_{part}"]
    found = model.predict(x.astype("float32"), batch_size=500, verbose=0)
    return float(np.mean(found.argmax(-1) == y))


WAYS: dict[str, Callable] = {
    "alone": alone,
    "Hinton, by hand": by_hand,
    "Keras 3 Distiller": by_keras,
    "Keras 3 Distiller, default loss": functools.partial(by_keras, divergence="kl_divergence"),
    "SoftTarget": by_tfedge(SOFT),
    "DecoupledKD": by_tfedge(distill.DecoupledKD),
    "DIST": by_tfedge(distill.DIST),
    "FeatureHint": by_tfedge(distill.FeatureHint),
    "AttentionTransfer": by_tfedge(distill.AttentionTransfer),
    "RelationalKD": by_tfedge(distill.RelationalKD),
    "SimilarityPreserving": by_tfedge(distill.SimilarityPreserving),
    "ContrastiveKD": by_tfedge(distill.ContrastiveKD),
    "TripletMargin": by_tfedge(distill.TripletMargin),
    "SoftTarget, FeatureHint": by_tfedge(SOFT, distill.FeatureHint),
    "SoftTarget, in integers": in_integers,
}
