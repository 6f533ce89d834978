"""Who teaches and who is taught."""

from __future__ import annotations

import warnings
from typing import Any

from tfedge.compress.distillation.called import adopted_or_called
from tfedge.compress.distillation.ensembles import averaged
from tfedge.compress.distillation.moving_average import MovingAverage
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.training.trainable import TrainableModel, trainable


def as_student(model: Any) -> Any:
    """Return the model that is trained: a wrapped one itself, of others an adopted copy.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
        >>> type(as_student(model)).__name__
        'TrainableModel'
    """
    return model if isinstance(model, TrainableModel) else trainable(adopt(model))


def as_teacher(teacher: Any, student: Any) -> Any:
    """Return a frozen tf_keras model that says what a teacher, or several, would say.

    Args:
        teacher: A model of either Keras, the path of one, a list of these, or a
            `MovingAverage` of the student. Subclassed models are called as they are.
        student: What :func:`as_student` returned.

    Raises:
        ArgumentError: If the list is empty.
        ModelError: If one is not a model, or teachers differ in inputs or outputs.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
        >>> as_teacher(model, as_student(model)).trainable
        False
    """
    if isinstance(teacher, MovingAverage):
        found = teacher.begin(student)
    elif isinstance(teacher, (list, tuple)):
        if not teacher:
            raise ArgumentError("teacher is an empty list. Give at least one model.")
        found = averaged([adopted_or_called(one, student) for one in teacher])
    else:
        found = adopted_or_called(teacher, student)
    found.trainable = False
    return found


def check_pair(student: Any, teacher: Any) -> None:
    """Refuse a pair whose inputs or classes differ; warn if the teacher is the smaller one.

    Args:
        student: A functional tf_keras model.
        teacher: Another.

    Raises:
        ModelError: If their inputs or outputs have different shapes.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
        >>> check_pair(model, model)
    """
    for what in ("input", "output"):
        shapes = [[tuple(x.shape[1:]) for x in getattr(m, f"{what}s")] for m in (student, teacher)]
        if not _alike(*shapes):
            raise ModelError(
                f"The student {student.name!r} and the teacher {teacher.name!r} differ in their "
                f"{what}s: {shapes[0]} and {shapes[1]}. Both must take the same data and tell "
                f"the same classes apart, in the same order."
            )
    taught, teaching = _size(student), _size(teacher)
    if 0 < teaching < taught:
        warnings.warn(
            f"The kernels of the teacher have {teaching:,} weights, those of the student "
            f"{taught:,}. Are student and teacher swapped?",
            UserWarning,
            stacklevel=4,
        )


def _size(model: Any) -> int:
    """Return how many weights the kernels have; wrappers add ranges, masks and indices."""
    return sum(
        weight.shape.num_elements()
        for weight in model.weights
        if len(weight.shape) > 1 and weight.dtype.is_floating and "mask" not in weight.name
    )


def _alike(first: list[tuple], second: list[tuple]) -> bool:
    """Return whether shapes agree where both are known."""
    return len(first) == len(second) and all(
        len(a) == len(b) and all(None in (i, j) or i == j for i, j in zip(a, b, strict=True))
        for a, b in zip(first, second, strict=True)
    )
