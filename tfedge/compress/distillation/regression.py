"""Values that the teacher predicts, learned by a student that predicts them too."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.base import VALUES, DistillationLoss
from tfedge.core.checks import one_of, within
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_FORMS = ("squared", "absolute", "huber")


@keras.saving.register_keras_serializable("tfedge", "RegressionTarget")
class RegressionTarget(DistillationLoss):
    """Make the student predict the values that the teacher predicts.

    With ``e = student - teacher``, the mean over the last axis of ``e**2`` (``"squared"``),
    ``|e|`` (``"absolute"``), or ``e**2 / 2`` up to ``delta`` and ``delta * (|e| - delta / 2)``
    beyond (``"huber"``), as in Keras. Outputs are compared as they are.

    Gradient: ``2 * e``, the sign of ``e``, or ``e`` held within ``delta``, each divided by the
    number of values. Squares follow the units of the values: scale the targets of training to
    about 1, or a teacher that is far off on some samples rules the loss.

    Args:
        form: ``"squared"``, ``"absolute"`` or ``"huber"``.
        delta: Where ``"huber"`` turns from squares to lines, in the unit of the values.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Raises:
        ArgumentError: If a setting is out of its range.

    Example:
        >>> loss = RegressionTarget("huber")
        >>> float(loss([[1.0, 2.0]], [[1.0, 2.0]])), float(loss([[0.0]], [[3.0]]))
        (0.0, 2.5)

    Reference:
        Ba and Caruana, Do Deep Nets Really Need to be Deep?, NeurIPS 2014, section 2.2 (squares);
        Huber, 1964, for the third.
    """

    compares = VALUES

    def __init__(
        self, form: str = "squared", delta: float = 1.0, weight: Any = 1.0, **base: Any
    ) -> None:
        one_of("form", form, _FORMS)
        within("delta", delta, 1e-6, float("inf"), open_high=True)
        super().__init__(weight, **{"name": "regression_target", **base})
        self.form, self.delta = form, float(delta)

    def compare(self, known: Any, made: Any, labels: Any = None) -> Any:
        """Return the loss of each example, of outputs ``(samples, ..., values)``."""
        each = self._errors(made - known)
        return tf.reduce_mean(each, axis=-1) if len(each.shape) > 1 else each

    def _errors(self, error: Any) -> Any:
        """Return what each difference counts."""
        if self.form == "squared":
            return tf.square(error)
        size = tf.abs(error)
        if self.form == "absolute":
            return size
        near = tf.minimum(size, self.delta)
        return near * (size - near / 2)

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "form": self.form, "delta": self.delta}
