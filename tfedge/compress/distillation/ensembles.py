"""Several teachers as one."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.compress.distillation.logits import activation_of, to_scores
from tfedge.core.errors import ModelError
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()


def averaged(teachers: list[Any]) -> Any:
    """Return one teacher that says what several say on average.

    Logits are averaged, which is the geometric mean of the members' class probabilities; its
    outputs hold what the first one's hold.

    Args:
        teachers: Functional tf_keras models with the same inputs and outputs.

    Raises:
        ModelError: If their inputs or outputs differ.

    Example:
        >>> def net(value):
        ...     ones = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(value))
        ...     return keras.Sequential([keras.layers.Input((1,)), ones])
        >>> averaged([net(1.0), net(3.0)])(tf.ones((1, 1))).numpy().item()
        2.0

    Reference:
        Hinton, Vinyals and Dean, 2015, arXiv:1503.02531, section 1: the ensemble whose knowledge
        is distilled, by the arithmetic or geometric mean of the predictions.
    """
    first, *others = teachers
    for other in others:
        _check_alike(first, other)
    if not others:
        return first
    said = [tf.nest.flatten(model(first.input)) for model in teachers]
    outputs = [
        MeanScores([activation_of(model.outputs[place]) for model in teachers])(list(members))
        for place, members in enumerate(zip(*said, strict=True))
    ]
    return keras.Model(first.input, tf.nest.pack_sequence_as(first.output, outputs))


@keras.saving.register_keras_serializable("tfedge", "MeanScores")
class MeanScores(keras.layers.Layer):
    """The activation of the mean of what the activations of several models were made of.

    Args:
        kinds: What each input holds: ``"logits"``, ``"softmax"`` or ``"sigmoid"``. The output
            holds the same as the first one.
        **base: As for every layer.

    Example:
        >>> mean = MeanScores(["sigmoid", "logits"])
        >>> mean([tf.constant([0.5]), tf.constant([2.0])]).numpy().round(3).item() > 0.73
        True
    """

    def __init__(self, kinds: list[str], **base: Any) -> None:
        super().__init__(**base)
        self.kinds = list(kinds)
        name = None if kinds[0] == "logits" else kinds[0]
        self.activation = keras.activations.get(name)

    def call(self, inputs: list[Any]) -> Any:
        """Return the mean of scores, through the activation."""
        scores = [to_scores(x, kind) for x, kind in zip(inputs, self.kinds, strict=True)]
        return self.activation(sum(scores) / len(scores))

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "kinds": self.kinds}


def _check_alike(first: Any, other: Any) -> None:
    """Refuse teachers that cannot speak together."""
    for what in ("inputs", "outputs"):
        shapes = [[tuple(x.shape[1:]) for x in getattr(m, what)] for m in (first, other)]
        if shapes[0] != shapes[1]:
            raise ModelError(
                f"The teachers {first.name!r} and {other.name!r} differ in their {what}: "
                f"{shapes[0]} and {shapes[1]}. Teachers of one student take the same data and "
                f"tell the same classes apart."
            )
