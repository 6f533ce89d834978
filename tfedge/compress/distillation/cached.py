"""A teacher that is asked once: what it said comes from a table on the disk."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.answers import Answers
from tfedge.compress.distillation.logits import LOGITS, SOFTMAX, activation_of, to_scores
from tfedge.core.errors import ModelError
from tfedge.models.flavours import tf_keras
from tfedge.models.training.logits import with_logits

Callback: Any = tf_keras().callbacks.Callback


class CachedTeacher:
    """Looks up what a teacher says, within a graph, and asks it about new samples only.

    Kept are the numbers before a softmax or sigmoid at the end, so that nothing is lost.

    Args:
        teacher: A frozen functional tf_keras model.
        folder: Where the table is kept.

    Attributes:
        answers: The table.

    Raises:
        ArgumentError: If the folder holds another teacher's answers, or cannot be written.

    Example:
        >>> import tempfile
        >>> from tfedge.models.flavours import tf_keras
        >>> inputs = tf_keras().Input((2,))
        >>> net = tf_keras().Model(inputs, tf_keras().layers.Softmax()(inputs))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     teacher = CachedTeacher(net, folder)
        ...     [found] = teacher(tf.constant([[1.0, 1.0]]))
        >>> found.numpy().tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, teacher: Any, folder: Any) -> None:
        self._teacher = teacher
        self._kinds = [activation_of(tensor) for tensor in teacher.outputs]
        self._shapes = [tuple(tensor.shape[1:]) for tensor in teacher.outputs]
        _check_sizes(teacher, self._shapes)
        self._structure: Any = None
        self.answers = Answers(folder, fingerprint(teacher), self._shapes, self._ask)

    def __call__(self, x: Any) -> list[Any]:
        """Return what the teacher says of a batch, one tensor per output."""
        self._structure = tf.nest.map_structure(lambda tensor: tensor.dtype, x)
        types = [tf.float32] * len(self._shapes)
        found = tf.nest.flatten(tf.numpy_function(self.answers, tf.nest.flatten(x), types))
        for scores, shape in zip(found, self._shapes, strict=True):
            scores.set_shape((None, *shape))
        return [_said(*pair) for pair in zip(found, self._kinds, strict=True)]

    def _ask(self, inputs: list[Any]) -> list[Any]:
        """Return the scores of samples, as arrays.

        Layer by layer, not as a graph: a graph that runs within the graph of the training step
        waits for a thread for ever where TensorFlow has one between operators only.
        """
        x = tf.nest.pack_sequence_as(self._structure, [tf.constant(array) for array in inputs])
        return [tensor.numpy() for tensor in self._scores(x)]

    def _scores(self, x: Any) -> list[Any]:
        """Return the scores of a batch."""
        said = tf.nest.flatten(self._teacher(x, training=False))
        return [to_scores(*pair) for pair in zip(said, self._kinds, strict=True)]


class CacheWatch(Callback):
    """Tells the table where epochs end, so that it notices data that never repeat.

    Args:
        answers: The table.
    """

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers, self._epochs = answers, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start counting anew."""
        self._answers.start_epoch()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Check the second epoch and those that follow."""
        if self._epochs:
            self._answers.end_epoch()
        self._epochs += 1


def _said(scores: Any, kind: str) -> Any:
    """Return an output of the teacher from its scores, which go along."""
    if kind == LOGITS:
        return scores
    activation = tf.nn.softmax if kind == SOFTMAX else tf.nn.sigmoid
    return with_logits(activation(scores), scores)


def _check_sizes(teacher: Any, shapes: list[tuple]) -> None:
    """Refuse a teacher whose answers differ in size from sample to sample."""
    for name, shape in zip(teacher.output_names, shapes, strict=True):
        if None in shape:
            raise ModelError(
                f"The output {name!r} of the teacher {teacher.name!r} has the shape "
                f"{(None, *shape)}: answers of different sizes cannot be kept in a table. Leave "
                f"cache out, or fix the shape of the inputs."
            )


def fingerprint(model: Any) -> str:
    """Return what tells a model from others: its layers, how they are joined, and its weights.

    Names do not count, so that a script which is run again finds its teacher again.

    Args:
        model: A functional tf_keras model.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> def net(name):
        ...     ones = keras.layers.Dense(2, kernel_initializer="ones", name=name)
        ...     return keras.Sequential([keras.layers.Input((2,)), ones], name=name)
        >>> fingerprint(net("a")) == fingerprint(net("b"))
        True
    """
    config = json.loads(model.to_json())["config"]
    text = json.dumps(config, sort_keys=True)
    for place, name in enumerate(_names(config)):
        text = text.replace(json.dumps(name), json.dumps(f"layer {place}"))
    found = hashlib.sha256(text.encode())
    for weight in model.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()


def _names(config: Any) -> list[str]:
    """Return the names of a model and its layers, each once, in the order of the config."""
    found: dict[str, None] = {}
    if isinstance(config, dict):
        if isinstance(config.get("name"), str):
            found[config["name"]] = None
        found |= {name: None for value in config.values() for name in _names(value)}
    if isinstance(config, list):
        found |= {name: None for value in config for name in _names(value)}
    return list(found)
