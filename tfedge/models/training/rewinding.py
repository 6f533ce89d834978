"""Weights and optimizer as they were at a step, kept, and put back after each pruning."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.models.flavours import tf_keras
from tfedge.models.training.stepping import apply_masks, pruned_layers

keras: Any = tf_keras()


class Rewinder:
    """Keeps the state of a model at one step and restores it after each round of a schedule.

    Args:
        schedule: A schedule with ``rewind_step`` and ``rounds_done``, such as
            ``LotteryTicket``.

    Attributes:
        kept: Values of the weights and the optimizer's variables; None before ``rewind_step``.

    Example:
        >>> from tfedge.models.training.lottery import LotteryTicket
        >>> Rewinder(LotteryTicket(0.5, rounds=1, round_steps=10)).kept is None
        True
    """

    def __init__(self, schedule: Any) -> None:
        self.schedule = schedule
        self.kept: list[np.ndarray] | None = None
        self._watched = False

    def keep(self, model: Any, done: int) -> None:
        """Keep the state before a step, if it is the one to go back to, or the next one seen.

        Args:
            model: The model in training, of either Keras.
            done: Number of steps done.

        Raises:
            ModelError: If that step is past, and its state was not kept.
        """
        watched, self._watched = self._watched, True
        over = self.schedule.rounds_done(done) == self.schedule.rounds
        if self.kept is not None or done < self.schedule.rewind_step or over:
            return
        if done > self.schedule.rewind_step and not watched:
            raise ModelError(
                f"Training goes on at step {done} of a schedule that goes back to the weights of "
                f"step {self.schedule.rewind_step}, and these are not here: a model file does not "
                f"hold them. Train in one process, or use tfedge.callbacks.MagnitudePruning("
                f"schedule, backup='masks.npz'), whose backup does."
            )
        self.kept = [np.array(variable.numpy()) for variable in _state(model)]

    def rewind(self, model: Any, before: int, done: int) -> bool:
        """Restore the kept state if a round ended.

        Args:
            model: The model in training.
            before: Number of steps done at the last call.
            done: Number of steps done by now.

        Returns:
            Whether it was restored. The caller masks the weights.
        """
        if self.schedule.rounds_done(done) == self.schedule.rounds_done(before):
            return False
        for variable, value in zip(_state(model), self.kept or [], strict=True):
            variable.assign(value)
        return True


class RewindingCallback(keras.callbacks.Callback):
    """Rewinds a ``TrainableModel`` whose layers have a schedule that asks for it.

    Args:
        rewinder: What the model keeps from one ``fit`` to the next.

    Example:
        >>> RewindingCallback(None).rewinder is None
        True
    """

    def __init__(self, rewinder: Any) -> None:
        super().__init__()
        self.rewinder = rewinder
        self._before = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keep the state if this is the step to go back to."""
        self._before = self._done()
        self.rewinder.keep(self.model, self._before)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Go back if the masks changed in this step."""
        if self.rewinder.rewind(self.model, self._before, self._done()):
            apply_masks(pruned_layers(self.model))

    def _done(self) -> int:
        """Return how many steps the layers have counted."""
        return max(int(pruned_layers(self.model)[0].pruning_step.numpy()), 0)


def _state(model: Any) -> list[Any]:
    """Return the variables to rewind: float weights without masks, all of the optimizer."""
    helpers = {
        id(variable)
        for layer in model._flatten_layers(include_self=False)
        for variable in getattr(layer, "_non_trainable_weights", [])
        if hasattr(layer, "pruning_step")
    }
    weights = [
        weight
        for weight in model.weights
        if id(weight) not in helpers and "float" in str(weight.dtype)
    ]
    return weights + _optimizer_state(model)


def _optimizer_state(model: Any) -> list[Any]:
    """Return the variables of the model's optimizer, made now if they were not."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return []
    if hasattr(optimizer, "build"):
        optimizer.build(model.trainable_variables)
    found = optimizer.variables
    return list(found() if callable(found) else found)
