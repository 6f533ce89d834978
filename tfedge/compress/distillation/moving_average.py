"""A teacher that is the student's own past."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.core.checks import within
from tfedge.models.adopt import adopt


class MovingAverage:
    """The moving average of a student's weights, as the teacher of that student.

    After each step ``average = m * average + (1 - m) * student`` with
    ``m = min(momentum, step / (step + 9))``, so that the first steps, from which nothing is to be
    learned, are soon forgotten. An average errs less than the weights that it is made of; no
    other model is needed.

    Args:
        momentum: In [0, 1): how much of the average a step keeps.

    Attributes:
        model: The average, once a Distiller has begun.

    Raises:
        ArgumentError: If ``momentum`` is out of its range.

    Example:
        >>> import numpy as np
        >>> from tfedge.compress.distillation.distiller import Distiller
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> net = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs))
        >>> distiller = Distiller(student=net, teacher=MovingAverage(0.99))
        >>> distiller.compile("adam", "sparse_categorical_crossentropy")
        >>> history = distiller.fit(np.ones((8, 4)), np.zeros(8), verbose=0)

    Reference:
        Tarvainen and Valpola, Mean teachers, NeurIPS 2017, section 2; there for unlabelled data
        with noise.
    """

    def __init__(self, momentum: float = 0.999) -> None:
        within("momentum", momentum, 0.0, 1.0, open_high=True)
        self.momentum = float(momentum)
        self.model: Any = None
        self._pairs: list[tuple[Any, Any]] = []

    def begin(self, student: Any) -> Any:
        """Return the teacher of a student: at first the same."""
        self.model = adopt(student)
        self._pairs = list(zip(self.model.weights, student.weights, strict=True))
        return self.model

    def step(self, step: Any) -> None:
        """Take what the student is after a step into the average, on every replica alike.

        Args:
            step: The number of steps done, a scalar tensor.
        """
        done = tf.cast(step, tf.float32)
        keep = tf.minimum(self.momentum, done / (done + 9.0))
        tf.distribute.get_replica_context().merge_call(self._update, args=(keep,))

    def _update(self, strategy: Any, keep: Any) -> None:
        """Update all weights, from outside of the replicas."""
        for average, weight in self._pairs:
            if weight.dtype.is_floating:
                strategy.extended.update(average, _mixed, args=(weight, keep))
            else:
                strategy.extended.update(average, lambda v, w: v.assign(w), args=(weight,))


def _mixed(average: Any, weight: Any, keep: Any) -> Any:
    """Move an average towards a weight."""
    keep = tf.cast(keep, average.dtype)
    return average.assign(keep * average + (1 - keep) * tf.cast(weight, average.dtype))
