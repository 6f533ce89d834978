"""A student far below its teacher learns from models between the two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tfedge.compress.distillation.distiller import Distiller
from tfedge.core.errors import ArgumentError


def through_assistants(
    teacher: Any,
    assistants: Sequence[Any],
    student: Any,
    fit: Callable[[Distiller], Any],
    **settings: Any,
) -> Distiller:
    """Distil a teacher into an assistant, that into the next one, and the last into the student.

    A teacher that is much larger teaches a small student worse than a middling one does.

    Args:
        teacher: The large model, as :class:`tfedge.Distiller` takes it.
        assistants: Models of sizes between the two, the largest first.
        student: The model to train.
        fit: Compiles and fits the Distiller that it is given; called for each model in turn.
        **settings: What else the Distillers take, such as ``losses`` and ``alpha``.

    Returns:
        The last Distiller; its ``student`` is the trained model.

    Raises:
        ArgumentError: If there are no assistants, or ``fit`` cannot be called.
        ModelError: If models do not match.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> def net(units):
        ...     inputs = keras.Input((4,))
        ...     x = keras.layers.Dense(units, activation="relu")(inputs)
        ...     return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
        >>> def fit(distiller):
        ...     distiller.compile("adam", "sparse_categorical_crossentropy")
        ...     distiller.fit(np.ones((8, 4)), np.zeros(8), verbose=0)
        >>> through_assistants(net(32), [net(16), net(8)], net(4), fit).student.count_params()
        35

    Reference:
        Mirzadeh et al., Improved Knowledge Distillation via Teacher Assistant, AAAI 2020,
        section 3.
    """
    if not assistants or not callable(fit):
        raise ArgumentError(
            "through_assistants needs at least one assistant, and a function fit(distiller) that "
            "compiles and fits. Without assistants, tfedge.Distiller is all that is needed."
        )
    for model in (*assistants, student):
        distiller = Distiller(student=model, teacher=teacher, **settings)
        fit(distiller)
        teacher = distiller.student
    return distiller
