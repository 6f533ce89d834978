"""Metrics of anything that predicts, on any data."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from tfedge.core.data import length_hint
from tfedge.core.progress import progress
from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.evaluate.predictor import Predictor, as_predictor, device_on, predictions
from tfedge.evaluate.scores import Scores


@dataclass(frozen=True, repr=False)
class EvaluationRecord(Record):
    """What an evaluation found. ``record["accuracy"]`` and ``record.accuracy`` both work.

    Attributes:
        model: Name of the model.
        runtime: What ran it: ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, ``"micro"``,
            ``"keras"``, or ``"python"`` for a function.
        metrics: Values by name.
        samples: Number of samples.
        seconds: Time for everything, data included.
        size_bytes: Size of the file, None for what is no file.
        gzip_bytes: Size of the file after gzip.
        on: Address of the device that ran it, None for this machine.

    Example:
        >>> EvaluationRecord("cnn", "litert", {"accuracy": 0.5}, 8, 0.1)["accuracy"]
        0.5
    """

    model: str
    runtime: str
    metrics: dict[str, Any]
    samples: int
    seconds: float
    size_bytes: int | None = None
    gzip_bytes: int | None = None
    on: str | None = None

    def __getitem__(self, name: str) -> Any:
        """Return the value of a metric."""
        return self.metrics[name]

    def __getattr__(self, name: str) -> Any:
        """Return the value of a metric as an attribute."""
        if name in self.__dict__.get("metrics", ()):
            return self.metrics[name]
        raise AttributeError(
            f"No metric {name!r} was computed; there are {list(self.__dict__.get('metrics', ()))}."
        )

    def __repr__(self) -> str:
        """Return one line per metric."""
        size = "" if self.size_bytes is None else f", {human_size(self.size_bytes)}"
        where = f"{self.runtime} at {self.on}" if self.on else self.runtime
        head = f"{self.model!r} on {where}: {self.samples} samples{size}"
        width = max(map(len, self.metrics), default=0)
        rows = [f"  {name:<{width}}  {_shown(value)}" for name, value in self.metrics.items()]
        return "\n".join([head, *rows])


def evaluate(
    model: Any,
    data: Any,
    y: Any = None,
    *,
    metrics: Any = ("accuracy",),
    runtime: str = "auto",
    threads: int = 1,
    batch_size: int | None = None,
    verbose: int = 1,
    accelerator: str | os.PathLike = "cpu",
    on: Any = None,
) -> EvaluationRecord:
    """Score a model on data: the ``.tflite`` file that ships, or the Keras model it came from.

    Files run in an interpreter in a worker process; inputs are quantized and outputs
    dequantized, so that metrics see real values. Keras models run as they are.

    Args:
        model: A `TFLiteModel`, the bytes of a ``.tflite`` file, a path to a ``.tflite``,
            ``.keras`` or ``.h5`` file or SavedModel, a Keras 3 or tf_keras model, or a function
            from a batch of inputs to a batch of outputs.
        data: Arrays, a dict of arrays by input name, ``(x, y)``, a ``tf.data.Dataset``, a Keras
            ``Sequence``, a generator of batches or samples. Sample weights come third.
        y: Labels, when ``data`` are arrays without them. Class numbers or one-hot.
        metrics: Names (``"accuracy"``, ``"top_5"``, ``"auc"``, ``"calibration_error"``,
            ``"confusion_matrix"``, ``"mse"``, ``"mae"``), Keras metrics, or functions
            ``f(y_true, y_pred)``; for several outputs also a dict by output name.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or ``"micro"``
            (tflite-micro, one thread).
        threads: Threads for the interpreter's kernels.
        batch_size: Samples per run; None finds a good one.
        verbose: 0 for no progress bar.
        accelerator: For files: ``"cpu"``, ``"gpu"`` or ``"npu"`` (LiteRT), ``"edgetpu"``, or the
            path of a delegate's library.
        on: A device that runs the file: ``"ssh://user@host"`` or a `tfedge.RemoteDevice`. Data
            are read and metrics computed here; quantized inputs and outputs travel.

    Returns:
        The values by name of metric, and what ran.

    Raises:
        ModelError: If the model cannot be read or run.
        DataError: If samples or labels do not fit, or there are none.
        WorkerError: If the interpreter's process died. The next call starts a new one.
        DeviceError: If the device ``on`` cannot be reached, or went away.

    Example:
        >>> import numpy as np
        >>> def always_one(x):
        ...     return np.tile([0.0, 1.0], (len(x), 1))
        >>> evaluate(always_one, np.zeros((4, 3)), [0, 1, 1, 1], verbose=0).accuracy
        0.75
    """
    scores = Scores(metrics)
    with device_on(on) as device:
        predictor = as_predictor(model, runtime, threads, batch_size, accelerator, device)
        start, samples = time.perf_counter(), 0
        with progress(predictor.name, length_hint(data), verbose) as count:
            for batch, outputs in predictions(predictor, data, y):
                scores.update(batch, outputs)
                samples += len(batch)
                count(len(batch))
        seconds = time.perf_counter() - start
    return _record(predictor, scores.results(), samples, seconds, device and device.name)


def _record(
    predictor: Predictor, metrics: dict[str, Any], samples: int, seconds: float, on: str | None
) -> EvaluationRecord:
    """Return the record of one evaluation."""
    return EvaluationRecord(
        model=predictor.name,
        runtime=predictor.runtime,
        metrics=metrics,
        samples=samples,
        seconds=seconds,
        size_bytes=predictor.size_bytes,
        gzip_bytes=predictor.gzip_bytes,
        on=on,
    )


def _shown(value: Any) -> str:
    """Return the value of a metric as text."""
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value).replace("\n", "\n" + " " * 4)
