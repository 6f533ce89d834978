"""A batch size that follows memory, load, or any other signal, while a model trains."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfedge.callbacks.hooks import Callback
from tfedge.callbacks.rebatching import Rebatching
from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError
from tfedge.runtime.adaptive.sensors import CpuLoad, MemoryUse

_SIGNALS: dict[str, Callable[[], Callable[[], float | None]]] = {
    "memory": MemoryUse,
    "cpu": CpuLoad,
}
_RULES = (None, "linear", "sqrt")


class _EndOfEpoch:
    """What ``model.stop_training`` is set to when an epoch is over, and the training is not."""

    def __bool__(self) -> bool:
        """Tell ``fit`` to leave its loop over batches."""
        return True


class AdaptiveBatchSize(Callback):
    """Halves the batch size when a signal is high, and doubles it when it is low.

    The data goes through :meth:`wrap`, which makes batches of the size of the moment. Every sample
    is seen exactly once in each epoch, in whatever number of batches: ``fit`` would stop each epoch
    after as many batches as the first had, so this callback ends the epochs itself.

    Args:
        signal: What decides: ``"memory"``, the part of the machine's memory in use; ``"cpu"``, the
            load of its processors, the training itself included; or a function without arguments
            that returns a number.
        high: Signal above which batches are halved.
        low: Signal below which they are doubled.
        initial: Size at the beginning.
        min_size: Smallest size.
        max_size: Largest size. Both differ from ``initial`` by a power of two.
        every: Steps from one look at the signal to the next.
        learning_rate: How the learning rate follows: ``"linear"``, in proportion to the size;
            ``"sqrt"``, to its square root; None not at all. Other callbacks may change it as well.

    Attributes:
        size: Samples in the next batch.
        sizes: For each epoch of the latest run a list with the samples of each batch.
        changes: One dict per change: ``epoch``, ``step``, ``size`` and ``signal``.

    Raises:
        ArgumentError: If a setting is out of range. When training starts: if the data was not
            wrapped, the learning rate is a schedule, or several steps run in one call.

    Example:
        >>> import numpy as np
        >>> x, y = np.ones((96, 4), "float32"), np.ones(96, "float32")
        >>> layers = tf.keras.layers
        >>> model = tf.keras.Sequential([layers.Input((4,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> adaptive = AdaptiveBatchSize(lambda: 0.1, initial=16, max_size=64, every=2)
        >>> data = adaptive.wrap((x, y))
        >>> settings = {"epochs": 2, "shuffle": False, "verbose": 0}
        >>> history = model.fit(data, callbacks=[adaptive], **settings)
        >>> adaptive.sizes
        [[16, 16, 32, 32], [64, 32]]

    Reference:
        Goyal et al., "Accurate, Large Minibatch SGD", 2017, arXiv:1706.02677, section 2.1 (linear
        scaling); Krizhevsky, "One weird trick", 2014, arXiv:1404.5997, section 5 (square root).
    """

    def __init__(
        self,
        signal: str | Callable[[], float | None] = "memory",
        *,
        high: float = 0.9,
        low: float = 0.7,
        initial: int = 32,
        min_size: int = 8,
        max_size: int = 256,
        every: int = 10,
        learning_rate: str | None = None,
    ):
        for name, value in (("initial", initial), ("min_size", min_size), ("max_size", max_size)):
            whole_number(name, value)
            _check_power(name, value, initial)
        if not min_size <= initial <= max_size:
            raise ArgumentError(
                f"initial={initial} must lie between min_size={min_size} and max_size={max_size}."
            )
        if not low < high:
            raise ArgumentError(f"low={low!r} must be below high={high!r}.")
        whole_number("every", every)
        one_of("learning_rate", learning_rate, _RULES)
        if not callable(signal):
            one_of("signal", signal, tuple(_SIGNALS))
        self._read = signal if callable(signal) else _SIGNALS[signal]()
        self._low, self._high, self._every = low, high, every
        self._least, self._most, self._rule = min_size, max_size, learning_rate
        self.size = initial
        self.sizes: list[list[int]] = []
        self.changes: list[dict[str, Any]] = []
        self._batches: Rebatching | None = None
        self._epoch = self._step = self._since = 0

    def wrap(self, data: Any) -> tf.data.Dataset:
        """Return data for ``fit``, in batches of the size of the moment.

        Args:
            data: A ``tf.data.Dataset`` of single samples, shuffled as you like; or arrays
                ``(x, y)`` or ``(x, y, weights)``, which are shuffled anew in each epoch.

        Raises:
            DataError: If it is batched already, never ends, or is something else.
        """
        if isinstance(data, tuple):
            samples = len(tf.nest.flatten(data)[0])
            data = tf.data.Dataset.from_tensor_slices(data).shuffle(samples)
        self._batches = Rebatching(data, self._least, lambda: self.size)
        return self._batches.dataset()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check that the size can be changed."""
        if self._batches is None:
            raise ArgumentError(
                "AdaptiveBatchSize has no data to batch: pass fit what wrap returns, as in "
                "model.fit(adaptive.wrap(dataset), callbacks=[adaptive])."
            )
        together = getattr(self.model, "_steps_per_execution", None)
        together = int(together if together is not None else self.model.steps_per_execution)
        if together > 1:
            raise ArgumentError(
                f"The model was compiled with steps_per_execution={together}; batches change "
                "between steps. Compile it with steps_per_execution=1."
            )
        if self._rule:
            self._scale(1.0)
        self.sizes, self.changes, self._since = [], [], 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Begin to count."""
        self._epoch, self._step = epoch, 0
        self.sizes.append([])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End the epoch after its last batch; look at the signal now and then."""
        assert self._batches is not None
        self.sizes[-1].append(self._batches.made[self._step])
        self._step += 1
        self._since += 1
        if self._since >= self._every:
            self._since = 0
            self._follow(self._read())
        if self._step == self._batches.steps and not self.model.stop_training:
            self.model.stop_training = _EndOfEpoch()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Let training go on, unless somebody else wants it to stop; log the size."""
        if isinstance(self.model.stop_training, _EndOfEpoch):
            self.model.stop_training = False
        if logs is not None:
            logs["batch_size"] = self.size

    def _follow(self, signal: float | None) -> None:
        """Change the size if the signal asks for it."""
        if signal is None:
            return
        hurts, helps = signal > self._high, signal < self._low
        size = self.size // 2 if hurts else self.size * 2 if helps else self.size
        size = min(max(size, self._least), self._most)
        if size == self.size:
            return
        ratio, self.size = size / self.size, size
        if self._rule:
            self._scale(ratio if self._rule == "linear" else math.sqrt(ratio))
        change = {"epoch": self._epoch, "step": self._step, "size": size, "signal": float(signal)}
        self.changes.append(change)

    def _scale(self, ratio: float) -> None:
        """Multiply the learning rate."""
        optimizer = self.model.optimizer
        try:
            optimizer.learning_rate = ratio * float(optimizer.learning_rate)
        except TypeError as error:
            raise ArgumentError(
                f"learning_rate={self._rule!r} changes the learning rate, and this optimizer's is "
                "a schedule. Give it a number, or use learning_rate=None."
            ) from error

    def _implements_train_batch_hooks(self) -> bool:
        """Tell tf_keras to call at each batch."""
        return True


def _check_power(name: str, value: int, initial: int) -> None:
    """Raise unless a size differs from the first by a power of two."""
    ratio = math.log2(value / initial)
    if ratio != round(ratio):
        raise ArgumentError(
            f"{name}={value} must be initial={initial} times or divided by a power of two: sizes "
            "are halved and doubled."
        )
