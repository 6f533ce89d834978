"""How long epochs take."""

from __future__ import annotations

import time
from typing import Any

import tf_keras


class Clock(tf_keras.callbacks.Callback):
    """Measures epochs; the first, in which graphs are traced, is for the caller to leave out."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin."""
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note when an epoch begins."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note how long it took."""
        self.seconds.append(time.perf_counter() - self._start)
