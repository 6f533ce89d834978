"""Which loss compares which output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tfedge.compress.distillation.base import CLASSES, LABELS, VALUES
from tfedge.compress.distillation.logits import (
    LOGITS,
    SIGMOID,
    SOFTMAX,
    activation_of,
    to_logits,
    to_scores,
)
from tfedge.core.errors import ArgumentError

_SHOWN = {LOGITS: "no softmax or sigmoid", SOFTMAX: "a softmax", SIGMOID: "a sigmoid"}
_SUGGESTED = {CLASSES: "SoftTarget()", LABELS: "BinarySoftTarget()", VALUES: "RegressionTarget()"}
_PREFERRED = {
    LOGITS: (VALUES, CLASSES, LABELS),
    SOFTMAX: (CLASSES, VALUES),
    SIGMOID: (LABELS, CLASSES, VALUES),
}


class Output(NamedTuple):
    """One output of both models.

    Attributes:
        name: Its name in the student.
        units: How many numbers it has, the size of the last axis.
        teacher: What the teacher's holds, as ``activation_of`` tells.
        student: What the student's holds.

    Example:
        >>> Output("head", 3, "logits", "softmax").student
        'softmax'
    """

    name: str
    units: int
    teacher: str
    student: str

    def suits(self, compares: str) -> bool:
        """Return whether losses that compare this can compare it."""
        kinds = {self.teacher, self.student}
        if compares == VALUES:
            return len(kinds) == 1
        if compares == LABELS:
            return kinds <= {LOGITS, SIGMOID}
        return SIGMOID not in kinds or (self.units == 1 and SOFTMAX not in kinds)

    def seen_by(self, loss: Any, known: Any, made: Any) -> tuple[Any, Any]:
        """Return the two tensors that a loss compares, from what both models gave out."""
        compares = compared(loss)
        if compares == VALUES:
            return known, made
        seen = to_scores if compares == LABELS else to_logits
        return seen(known, self.teacher), seen(made, self.student)

    def __str__(self) -> str:
        """Return what it is, for an error."""
        ends = _SHOWN[self.student]
        if self.teacher != self.student:
            ends += f" in the student and {_SHOWN[self.teacher]} in the teacher"
        return f"{self.name!r} ({self.units} units, {ends} at its end)"


def outputs_of_both(teacher: Any, student: Any, names: list[str]) -> list[Output]:
    """Return what is to be known of each output.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(inputs))
        >>> print(*outputs_of_both(model, model, ["head"]))
        'head' (3 units, a softmax at its end)
    """
    return [
        Output(name, made.shape[-1], activation_of(known), activation_of(made))
        for name, known, made in zip(names, teacher.outputs, student.outputs, strict=True)
    ]


def compared(loss: Any) -> str:
    """Return what a loss compares; a plain Keras loss compares logits of classes.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> compared(tf_keras().losses.MeanSquaredError())
        'classes'
    """
    return getattr(loss, "compares", CLASSES)


def assigned(losses: Any, outputs: list[Output]) -> list[list[Any]]:
    """Return the losses of outputs that each output is compared by.

    By a dict, as it says; outputs that it leaves out are not taught. By a list, one output is
    compared by all of them. Of several outputs, each is compared by the losses for what it
    holds: of classes after a softmax, of labels (else classes, for one unit) after a sigmoid. An
    output without either is a value if losses of values are given, else logits.

    Args:
        losses: A list, or a dict of lists by output; losses of features left out.
        outputs: What is known of each output.

    Raises:
        ArgumentError: If a loss suits no output, an output no loss, or it is not clear.

    Example:
        >>> from tfedge.compress.distillation.soft import SoftTarget
        >>> [[loss.name for loss in some] for some in assigned(
        ...     [SoftTarget()], [Output("a", 3, "softmax", "softmax")])]
        [['soft_target']]
    """
    if isinstance(losses, Mapping):
        _check_names(losses, outputs)
        found = [losses.get(output.name, []) for output in outputs]
    elif len(outputs) == 1:
        found = [losses]
    else:
        found = [_of_one(losses, output) for output in outputs]
        _check_all(losses, outputs, found)
    for output, some in zip(outputs, found, strict=True):
        for loss in some:
            _check_suits(output, loss)
    return found


def _of_one(losses: list[Any], output: Output) -> list[Any]:
    """Return those of the losses that one of several outputs is compared by."""
    given = {compared(loss) for loss in losses}
    if output.student == LOGITS == output.teacher and given == {CLASSES, LABELS}:
        raise ArgumentError(
            f"The output {output} may hold classes or labels, and losses for both are given. Say "
            f"which are for which output: losses={{{output.name!r}: [...], ...}}."
        )
    kinds = {output.student, output.teacher} - {LOGITS}
    kind = kinds.pop() if kinds else LOGITS
    fitting = [c for c in _PREFERRED[kind] if c in given and output.suits(c)]
    return [loss for loss in losses if compared(loss) in fitting[:1]]


def _check_all(losses: list[Any], outputs: list[Output], found: list[list[Any]]) -> None:
    """Refuse losses without an output, and outputs without a loss."""
    used = {id(loss) for some in found for loss in some}
    for loss in losses:
        if id(loss) not in used:
            raise ArgumentError(
                f"The loss {loss.name!r} compares {compared(loss)} and suits none of the outputs "
                f"{', '.join(map(str, outputs))}. Leave it out, or say which output it is for: "
                f"losses={{output's name: [...]}}."
            )
    for output, some in zip(outputs, found, strict=True):
        if losses and not some:
            raise ArgumentError(
                f"No loss suits the output {output}, so the teacher would not teach it. "
                f"{_advice(output)}, or name the outputs that are taught: losses={{output's "
                f"name: [...]}}."
            )


def _check_suits(output: Output, loss: Any) -> None:
    """Refuse a loss that cannot compare an output."""
    if not output.suits(compared(loss)):
        raise ArgumentError(
            f"The loss {loss.name!r} compares {compared(loss)}, and the output {output} holds "
            f"none that it could compare. {_advice(output)}."
        )


def _check_names(losses: Mapping[str, Any], outputs: list[Output]) -> None:
    """Refuse names that no output has."""
    names = [output.name for output in outputs]
    for name in losses:
        if name not in names:
            raise ArgumentError(
                f"losses names the output {name!r}, which the student does not have. Its "
                f"outputs are {', '.join(map(repr, names))}."
            )


def _advice(output: Output) -> str:
    """Return which losses suit an output."""
    fitting = [_SUGGESTED[c] for c in _SUGGESTED if output.suits(c)]
    if not fitting:
        return "Give both models the same activation at this output"
    return f"Use tfedge.distill.{' or '.join(fitting)}"
