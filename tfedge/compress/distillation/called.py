"""Teachers that cannot be rebuilt layer by layer are called as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.distillation.logits import LOGITS, SIGMOID, SOFTMAX
from tfedge.core.errors import ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import is_model, tf_keras

keras: Any = tf_keras()

_SAMPLES = 16
_SUM = 1e-3


def adopted_or_called(teacher: Any, student: Any) -> Any:
    """Return a functional tf_keras model that says what a teacher says.

    It is a copy where the teacher can be copied. Subclassed models, and models with layers that
    have no tf_keras twin, are called as they are: their outputs teach, nothing within them can.

    Args:
        teacher: A model of either Keras, or the path of one.
        student: A functional tf_keras model with the same inputs.

    Raises:
        ModelError: If it is no model, or it cannot be called on the student's inputs.

    Example:
        >>> class Net(keras.Model):
        ...     def call(self, inputs):
        ...         return tf.nn.softmax(inputs)
        >>> inputs = keras.Input((3,))
        >>> teacher = adopted_or_called(Net(), keras.Model(inputs, inputs))
        >>> teacher(tf.zeros((1, 3))).numpy().round(2).tolist()
        [[0.33000001311302185, 0.33000001311302185, 0.33000001311302185]]
    """
    try:
        return adopt(teacher)
    except ModelError:
        if not is_model(teacher):
            raise
    return _called(teacher, student)


def _called(teacher: Any, student: Any) -> Any:
    """Return a model of the student's inputs that calls the teacher."""
    say = lambda x: teacher(x, training=False)  # noqa: E731
    try:
        outputs = Called(say, name="teacher")(student.input)
        samples = tf.nest.map_structure(_random, student.input)
        kinds = [kind_of(np.asarray(each)) for each in tf.nest.flatten(say(samples))]
    except Exception as error:
        raise ModelError(
            f"The teacher {teacher.name!r} cannot be rebuilt layer by layer, and calling it as it "
            f"is on inputs of the student failed: {type(error).__name__}: {error} Both must take "
            "the same data."
        ) from error
    flat = tf.nest.flatten(outputs)
    held = [Holds(kind)(tensor) for tensor, kind in zip(flat, kinds, strict=True)]
    return keras.Model(student.input, tf.nest.pack_sequence_as(outputs, held), name=teacher.name)


def kind_of(values: np.ndarray) -> str:
    """Return what outputs seem to hold: ``"softmax"``, ``"sigmoid"`` or ``"logits"``.

    Args:
        values: Outputs for some samples, shape ``(samples, ..., classes)``.

    Example:
        >>> [kind_of(np.array(rows)) for rows in ([[0.2, 0.8]], [[0.7, 0.8]], [[-1.0, 2.0]])]
        ['softmax', 'sigmoid', 'logits']
    """
    if values.min() < 0 or values.max() > 1:
        return LOGITS
    sums = np.abs(values.sum(axis=-1) - 1)
    return SOFTMAX if values.shape[-1] > 1 and sums.max() < _SUM else SIGMOID


def _random(tensor: Any) -> Any:
    """Return some random inputs: normal values, or the integers 0 and 1."""
    rng, shape = np.random.default_rng(0), [_SAMPLES, *(n or _SAMPLES for n in tensor.shape[1:])]
    values = rng.normal(size=shape) if tensor.dtype.is_floating else rng.integers(0, 2, shape)
    return tf.constant(values, tensor.dtype)


class Called(keras.layers.Layer):
    """Calls a function, whose variables stay unknown to Keras: they are not trained, nor saved.

    Args:
        function: Of a batch of inputs.
        **base: As for every layer.

    Example:
        >>> float(Called(tf.reduce_sum)(tf.ones(3)))
        3.0
    """

    def __init__(self, function: Callable, **base: Any) -> None:
        super().__init__(**base)
        self._function = function

    def call(self, inputs: Any) -> Any:
        """Return what the function returns."""
        return self._function(inputs)


class Holds(keras.layers.Layer):
    """Passes an output on, and knows what it holds.

    Args:
        holds: ``"logits"``, ``"softmax"`` or ``"sigmoid"``.
        **base: As for every layer.

    Example:
        >>> Holds("softmax").holds
        'softmax'
    """

    def __init__(self, holds: str, **base: Any) -> None:
        super().__init__(**base)
        self.holds = holds

    def call(self, inputs: Any) -> Any:
        """Return the output."""
        return tf.identity(inputs)
