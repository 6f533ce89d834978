"""Magnitude pruning of a model as it is, in a training loop that exists already."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tfedge.callbacks.hooks import Callback
from tfedge.callbacks.masked import MaskedKernels
from tfedge.compress.pruning.magnitude import refuse_wrapped
from tfedge.compress.pruning.plan import checked_schedule, plan
from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError
from tfedge.core.patterns import parse_pattern
from tfedge.models.flavours import is_model
from tfedge.models.kernels import is_built, kernel_layers
from tfedge.models.training.rewinding import Rewinder

_TOLERANCE = 0.005
_LOOK_BACK = 2000


class MagnitudePruning(Callback):
    """Prunes any model while it trains: Keras 3 or tf_keras, functional, nested or subclassed.

    The model is not wrapped or copied. After each training step for which the schedule says so,
    masks are chosen by magnitude; after every step the weights that they leave out are set to
    zero. So the model is sparse whenever another callback, a validation or a checkpoint looks at
    it, and stays an ordinary model. Logs get ``sparsity``, the fraction of zeros in the pruned
    kernels. ``tfedge.sparsity(model)`` shows it layer by layer.

    In a loop of your own call ``step(model)`` after each step of the optimizer.

    **Resuming.** The same object goes on where it stopped. In a new process, masks and step are
    read from ``backup`` if that file exists. Without it, training is known as resumed if the
    model's optimizer has counted steps and the kernels have as many zeros as the schedule asks
    for at that step: the zeros then are the masks. This holds for models that were pruned from
    their first step on and saved whole, as ``ModelCheckpoint`` and ``BackupAndRestore`` do.
    Otherwise say ``initial_step``.

    **Compiled steps.** It works outside the compiled step, so ``jit_compile`` changes nothing.
    With ``steps_per_execution=n`` it acts every n steps: in between, weights that were zero can
    move, and are set to zero again.

    Args:
        schedule: As in :func:`tfedge.prune`.
        layers: As in :func:`tfedge.prune`.
        exclude: As in :func:`tfedge.prune`.
        scope: As in :func:`tfedge.prune`.
        pattern: As in :func:`tfedge.prune`.
        backup: An ``.npz`` file that keeps masks and step, and what a
            :class:`tfedge.LotteryTicket` goes back to; written after every epoch.
        initial_step: Training steps that the model has behind it in this schedule; its zeros are
            its masks. None to find out.

    Attributes:
        steps_done: Training steps counted.

    Raises:
        ArgumentError: As :func:`tfedge.prune`.
        ModelError: When training starts: as :func:`tfedge.prune`, or if ``backup`` belongs to
            another model.

    Example:
        >>> import numpy as np, tensorflow as tf
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(4, name="head")])
        >>> model.compile("sgd", "mse")
        >>> pruning = MagnitudePruning(checked_schedule(None, "element"))
        >>> history = model.fit(np.ones((8, 8)), np.ones((8, 4)), verbose=0, callbacks=[pruning])
        >>> history.history["sparsity"], float(np.mean(model.get_layer("head").kernel == 0))
        ([0.5], 0.5)
    """

    def __init__(
        self,
        schedule: Any = None,
        *,
        layers: Any = None,
        exclude: Any = (),
        scope: str = "layer",
        pattern: str = "element",
        backup: str | os.PathLike | None = None,
        initial_step: int | None = None,
    ) -> None:
        whole_number("initial_step", initial_step or 0, least=0)
        parse_pattern(pattern)
        self._schedule = checked_schedule(schedule, pattern)
        self._settings = (layers, exclude, scope, pattern)
        self._backup = None if backup is None else Path(backup)
        if self._backup is not None and not self._backup.parent.is_dir():
            raise ArgumentError(
                f"backup={str(backup)!r} cannot be written: there is no folder "
                f"{str(self._backup.parent)!r}. Make it first."
            )
        self._initial_step = initial_step
        self._kernels: MaskedKernels | None = None
        self._rewinder: Rewinder | None = None
        self._model: Any = None
        self._resumed = False
        self._batch = 0
        self.steps_done = 0

    def start(self, model: Any) -> None:
        """Settle what is pruned, and where a resumed training stands.

        ``fit`` and the first ``step`` do this. A loop of your own needs it before its first step
        if the schedule goes back to the first weights.

        Args:
            model: The model, built.

        Raises:
            ModelError: As the class says.
        """
        self._settle(model)
        if not self._resumed:
            self._resumed = True
            self._resume()
        self._keep_state()

    def step(self, model: Any) -> None:
        """Count a training step; choose masks if it is time; mask. Call it after the optimizer.

        Args:
            model: The model that was trained one step.

        Raises:
            ModelError: As the class says.

        Example:
            >>> import tensorflow as tf
            >>> model = tf.keras.Sequential([tf.keras.Input((8,)), tf.keras.layers.Dense(4)])
            >>> optimizer, pruning = tf.keras.optimizers.SGD(0.1), MagnitudePruning()
            >>> for batch in tf.ones((3, 2, 8)):
            ...     with tf.GradientTape() as tape:
            ...         loss = tf.reduce_mean(model(batch, training=True) ** 2)
            ...     gradients = tape.gradient(loss, model.trainable_variables)
            ...     optimizer.apply(gradients, model.trainable_variables)
            ...     pruning.step(model)
            >>> pruning.steps_done
            3
        """
        self.start(model)
        self._advance(1)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Refuse what cannot be pruned before training starts."""
        if is_built(self.model):
            self._settle(self.model)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Find out where training stands: by now all callbacks have restored what they had."""
        self._batch = batch
        if self._model is self.model or is_built(self.model):
            self.start(self.model)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count the steps of this execution and prune."""
        self.start(self.model)
        self._advance(batch - self._batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Log the sparsity and write the backup."""
        if self._kernels is None:
            return
        if logs is not None:
            logs["sparsity"] = self._kernels.sparsity()
        if self._backup is not None:
            kept = self._rewinder.kept if self._rewinder else None
            self._kernels.save(self._backup, self.steps_done, kept)

    def _implements_train_batch_hooks(self) -> bool:
        """Tell tf_keras to call at each batch."""
        return True

    def _settle(self, model: Any) -> None:
        """Settle which kernels are pruned, once per model."""
        if model is self._model:
            return
        student = getattr(model, "student", None)
        pruned = student if is_model(student) else model
        refuse_wrapped(pruned)
        layers, exclude, scope, pattern = self._settings
        found = kernel_layers(pruned)
        planned = plan(pruned, found, self._schedule, layers, exclude, scope, pattern)
        self._kernels = MaskedKernels(pruned, planned, scope, pattern)
        asking = [one for _, one in planned if hasattr(one, "rounds_done")]
        self._rewinder = Rewinder(asking[0]) if asking else None
        self._model, self._resumed, self.steps_done = model, False, 0

    def _resume(self) -> None:
        """Find out how many steps are done, and take the masks of then."""
        assert self._kernels is not None
        if self._backup is not None and self._backup.exists():
            self.steps_done, kept = self._kernels.load(self._backup)
            if self._rewinder:
                self._rewinder.kept = kept
            return
        steps = self._initial_step
        self.steps_done = steps_behind(self._model, self._kernels) if steps is None else steps
        if self.steps_done:
            self._kernels.take_zeros()

    def _advance(self, steps: int) -> None:
        """Go some steps on: choose masks if it is time, mask, go back if a round ended."""
        assert self._kernels is not None
        before, self.steps_done = self.steps_done, self.steps_done + steps
        shares = self._kernels.shares(before, self.steps_done)
        if any(share is not None for share in shares):
            self._kernels.choose(shares)
        self._kernels.apply()
        if self._rewinder and self._rewinder.rewind(self._model, before, self.steps_done):
            self._kernels.apply()
        self._keep_state()

    def _keep_state(self) -> None:
        """Keep what a schedule goes back to, if this is the step."""
        if self._rewinder:
            self._rewinder.keep(self._model, self.steps_done)


def steps_behind(model: Any, kernels: MaskedKernels) -> int:
    """Return how many steps of its schedules a model has behind it.

    That is what its optimizer counted, if the kernels have as many zeros as the schedules ask
    for at that step; otherwise 0.

    Args:
        model: The model, with the optimizer.
        kernels: Its kernels and their schedules.
    """
    counted = getattr(getattr(model, "optimizer", None), "iterations", None)
    steps = 0 if counted is None else int(counted.numpy())
    found = kernels.sparsity()
    if not steps or not found:
        return 0
    for step in range(steps, max(steps - _LOOK_BACK, 0), -1):
        turns = kernels.shares(step - 1, step)
        if step == steps or any(turn is not None for turn in turns):
            if abs(kernels.expected(step) - found) <= _TOLERANCE:
                return steps
            if step < steps:
                return 0
    return 0
