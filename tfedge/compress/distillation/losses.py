"""The losses that a student is taught by: as they are given, and where none are."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from tfedge.compress.distillation.base import FEATURES
from tfedge.compress.distillation.logits import SIGMOID, activation_of
from tfedge.compress.distillation.naming import output_names
from tfedge.compress.distillation.soft import BinarySoftTarget, SoftTarget
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import describe, tf_keras
from tfedge.models.training.translate import to_tf_keras

keras: Any = tf_keras()

__all__ = ["SoftTarget", "checked_losses", "default_losses", "is_of_features"]


def checked_losses(losses: Any) -> Any:
    """Return copies of the losses as a list, or a dict of lists by output; refuse what is none.

    They are copied because a training sets the clock of its losses.

    Args:
        losses: A loss, several, or a dict of output's name to one or several. Losses of Keras 3
            itself are rebuilt in tf_keras.

    Raises:
        ArgumentError: If there are none, or something else is among them.

    Example:
        >>> [loss.name for loss in checked_losses(SoftTarget())]
        ['soft_target']
        >>> sorted(checked_losses({"a": SoftTarget(), "b": [SoftTarget()]}))
        ['a', 'b']
    """
    if isinstance(losses, Mapping) and losses:
        return {name: checked_losses(some) for name, some in losses.items()}
    given = list(losses) if isinstance(losses, (list, tuple)) else [losses]
    found = [] if losses is None else [copy(to_tf_keras(loss, "loss")) for loss in given]
    for loss in found:
        if not isinstance(loss, keras.losses.Loss):
            raise ArgumentError(
                f"losses holds {describe(loss)}: give loss objects of (teacher logits, student "
                f"logits), such as tfedge.distill.SoftTarget(temperature=4)."
            )
    if not found:
        raise ArgumentError(
            "losses is empty, so the teacher would teach nothing. Give at least "
            "tfedge.distill.SoftTarget(temperature=4)."
        )
    return found


def default_losses(student: Any) -> Any:
    """Return the losses for ``losses=None``: soft targets, by what each output holds.

    ``BinarySoftTarget`` for several labels out of a sigmoid, ``SoftTarget`` for everything else.

    Args:
        student: A functional tf_keras model.

    Returns:
        A list of one loss if it is for all outputs, else a dict by output.

    Raises:
        ArgumentError: If an output is one number without an activation: the value of a
            regression, or a logit; the model does not tell.

    Example:
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(3, "sigmoid")(inputs))
        >>> [loss.name for loss in default_losses(model)]
        ['binary_soft_target']
    """
    found = {
        name: _default(name, tensor)
        for name, tensor in zip(output_names(student), student.outputs, strict=True)
    }
    first = next(iter(found.values()))
    return [first] if len({type(loss) for loss in found.values()}) == 1 else found


def is_of_features(loss: Any) -> bool:
    """Return whether a loss compares what is inside, instead of outputs.

    Example:
        >>> is_of_features(SoftTarget())
        False
    """
    return getattr(loss, "compares", None) == FEATURES


def _default(name: str, tensor: Any) -> Any:
    """Return the soft targets that suit an output."""
    kind, units = activation_of(tensor), tensor.shape[-1]
    if kind == SIGMOID and units != 1:
        return BinarySoftTarget()
    if kind != SIGMOID and units == 1:
        raise ArgumentError(
            f"losses is not given, and the output {name!r} is one number without a sigmoid: a "
            f"value, or the logit of two classes? Give losses=tfedge.distill.RegressionTarget() "
            f"for values, tfedge.distill.SoftTarget() for a logit; of several outputs, a dict of "
            f"output's name to losses."
        )
    return SoftTarget()
