"""While a model trains: what would the file on the device be worth by now?"""

from __future__ import annotations

import math
import warnings
from typing import Any

from tfedge.callbacks.hooks import Callback
from tfedge.convert.converter import convert
from tfedge.core.checks import whole_number
from tfedge.core.errors import TfedgeError
from tfedge.evaluate.evaluator import evaluate
from tfedge.runtime.latency.benchmark import benchmark_each

_LATENCY_RUNS = 50


class EdgeEvaluation(Callback):
    """Converts the model every n epochs, scores the file on an interpreter, and logs the result.

    The logs get ``edge_<metric>`` for every metric, ``edge_size_bytes``, ``edge_gzip_bytes`` and
    ``edge_latency_ms`` (median, one thread). Put it before callbacks that read them, such as
    ``ModelCheckpoint(monitor="edge_accuracy", mode="max")``, ``EarlyStopping`` or ``CSVLogger``.

    The first and the last epoch are always scored. In an epoch between two conversions the logs
    repeat the last values, because some callbacks of Keras fail on a key that comes and goes.

    Before training starts the model is converted and scored once, so that bad data or layers
    that do not convert stop the run at once. A conversion that fails later does not: it warns
    and logs NaN.

    Args:
        data: Samples and labels, in any form that `tfedge.evaluate` takes.
        y: Labels, when ``data`` are arrays without them.
        quantize: Mode of the file, as `tfedge.convert` names it.
        calibration: Calibration data for ``"int8"``.
        metrics: Metrics, as `tfedge.evaluate` takes them.
        every: Number of epochs from one conversion to the next.
        latency: Whether to measure the time for one sample.
        runtime: Which interpreter runs the file.
        verbose: 1 prints a line per conversion.
        **convert_options: More settings for `tfedge.convert`.

    Attributes:
        lite: The latest file, a `TFLiteModel`.
        history: One dict of logged values per conversion of the latest run, with its ``epoch``.

    Example:
        >>> import numpy as np, tensorflow as tf
        >>> x, y = np.random.default_rng(0).random((64, 4), "float32"), np.arange(64) % 2
        >>> layers = tf.keras.layers
        >>> model = tf.keras.Sequential([layers.Input((4,)), layers.Dense(2, activation="softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> edge = EdgeEvaluation(x, y, calibration=x)
        >>> history = model.fit(x, y, verbose=0, callbacks=[edge])
        >>> sorted(key for key in history.history if key.startswith("edge_"))
        ['edge_accuracy', 'edge_gzip_bytes', 'edge_latency_ms', 'edge_size_bytes']
    """

    def __init__(
        self,
        data: Any,
        y: Any = None,
        *,
        quantize: str = "int8",
        calibration: Any = None,
        metrics: Any = ("accuracy",),
        every: int = 1,
        latency: bool = True,
        runtime: str = "auto",
        verbose: int = 0,
        **convert_options: Any,
    ) -> None:
        whole_number("every", every)
        self._data, self._y, self._metrics = data, y, metrics
        self._convert = {
            "quantize": quantize,
            "calibration": calibration,
            "parity": False,
            **convert_options,
        }
        self._every, self._latency, self._runtime = every, latency, runtime
        self._verbose = verbose
        self._values: dict[str, float] = {}
        self.lite: Any = None
        self.history: list[dict[str, float]] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Convert and score once, so that whatever is wrong stops the run before it starts."""
        self.history = []
        self._values = self._score()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Put the values of the file into the logs."""
        is_end = not self.history or epoch + 1 == self.params.get("epochs")
        if is_end or epoch % self._every == 0:
            self._values = self._score_or_warn(epoch)
            self.history.append({"epoch": epoch, **self._values})
            self._print(epoch)
        if logs is not None:
            logs.update(self._values)

    def _score_or_warn(self, epoch: int) -> dict[str, float]:
        """Return the values of a new file, NaN with a warning if there is none."""
        try:
            return self._score()
        except TfedgeError as error:
            warnings.warn(
                f"No file could be scored after epoch {epoch + 1}; training goes on and the logs "
                f"get NaN. {error}",
                UserWarning,
                stacklevel=2,
            )
            return dict.fromkeys(self._values, math.nan)

    def _score(self) -> dict[str, float]:
        """Convert the model and return what its file is worth."""
        self.lite = convert(self.model, **self._convert)
        record = evaluate(
            self.lite,
            self._data,
            self._y,
            metrics=self._metrics,
            runtime=self._runtime,
            verbose=0,
        )
        values = {f"edge_{name}": value for name, value in record.metrics.items()}
        values |= {"edge_size_bytes": self.lite.size_bytes, "edge_gzip_bytes": self.lite.gzip_bytes}
        if self._latency:
            [timed] = benchmark_each([self.lite], runtime=self._runtime, runs=_LATENCY_RUNS)
            values["edge_latency_ms"] = timed.p50_ms
        return {name: float(value) for name, value in values.items()}

    def _print(self, epoch: int) -> None:
        """Print the values when asked to."""
        if self._verbose:
            shown = "  ".join(f"{name} {value:.6g}" for name, value in self._values.items())
            print(f"\nEpoch {epoch + 1}: {shown}")
