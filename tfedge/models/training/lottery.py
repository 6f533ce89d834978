"""Lottery tickets: prune in rounds, and after each round train again from where training began."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfedge.core.checks import whole_number, within
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.training.schedules import Scheduled

keras: Any = tf_keras()
_PruningSchedule: Any = tfmot().sparsity.keras.PruningSchedule


@keras.saving.register_keras_serializable("tfedge", "LotteryTicket")
class LotteryTicket(Scheduled, _PruningSchedule):
    """Iterative magnitude pruning with rewinding: the search for a winning ticket.

    At the end of each round the smallest of the weights that are left go, the same share every
    time: ``s(k) = 1 - (1 - final) ** (k / rounds)`` after round k. Then all weights, batch
    statistics and the optimizer's state, its step count and so a learning-rate schedule
    included, go back to what they were after ``rewind_step`` steps. Training ends
    with a round at the final sparsity: ``fit`` for ``total_steps`` steps.

    ``fit`` of the model that :func:`tfedge.prune` returns and
    ``tfedge.callbacks.MagnitudePruning`` rewind by themselves. In a training loop of your own,
    call ``on_train_batch_begin`` and ``on_train_batch_end`` of ``model.step_callbacks()``.

    Args:
        final_sparsity: Fraction of zeros after the last pruning, in [0, 1).
        rounds: How often to prune.
        round_steps: Training steps (batches) in a round.
        rewind_step: The step to whose weights training goes back: 0 for the first weights,
            some hundred for large networks. Less than ``round_steps``.

    Raises:
        ArgumentError: If a value is out of range.

    Example:
        >>> schedule = LotteryTicket(0.488, rounds=3, round_steps=100)
        >>> [(bool(now), round(float(s), 3)) for now, s in map(schedule, (99, 100, 200, 300))]
        [(False, 0.0), (True, 0.2), (True, 0.36), (True, 0.488)]
        >>> schedule.total_steps
        400

    Reference:
        Frankle and Carbin, ICLR 2019, arXiv:1803.03635 (rewind to 0); Frankle et al., ICML 2020,
        arXiv:1912.05671 (rewind to a later step).
    """

    def __init__(
        self, final_sparsity: float, rounds: int, round_steps: int, rewind_step: int = 0
    ) -> None:
        within("final_sparsity", final_sparsity, 0.0, 1.0, open_high=True)
        whole_number("rounds", rounds)
        whole_number("round_steps", round_steps)
        whole_number("rewind_step", rewind_step, least=0)
        if rewind_step >= round_steps:
            raise ArgumentError(
                f"rewind_step={rewind_step} must lie in the first round, before "
                f"round_steps={round_steps}: there are no other weights to go back to."
            )
        self.final_sparsity, self.rounds = final_sparsity, rounds
        self.round_steps, self.rewind_step = round_steps, rewind_step

    @property
    def begin_step(self) -> int:
        """Step of the first pruning."""
        return self.round_steps

    @property
    def end_step(self) -> int:
        """Step of the last pruning."""
        return self.rounds * self.round_steps

    @property
    def total_steps(self) -> int:
        """Steps of a whole search, the training of the last ticket included."""
        return (self.rounds + 1) * self.round_steps

    def rounds_done(self, step: int) -> int:
        """Return how often was pruned and rewound by the end of a step."""
        return min(step // self.round_steps, self.rounds)

    def __call__(self, step: Any) -> tuple[Any, Any]:
        """Return whether the masks change in a step, and the sparsity."""
        step = tf.convert_to_tensor(step)
        done = tf.minimum(step // self.round_steps, self.rounds)
        turn = tf.equal(step % self.round_steps, 0) & (step > 0) & (step <= self.end_step)
        share = tf.cast(done, tf.float32) / float(self.rounds)
        return turn, 1.0 - tf.pow(1.0 - self.final_sparsity, share)

    def get_config(self) -> dict[str, Any]:
        """Return the class and settings that a file records."""
        names = ("final_sparsity", "rounds", "round_steps", "rewind_step")
        settings = {name: getattr(self, name) for name in names}
        return {"class_name": "tfedge>LotteryTicket", "config": settings}
