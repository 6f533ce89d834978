"""Two models side by side: what they predict, what they score, what they cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.data import Batch, batches, regroup
from tfedge.core.errors import ModelError
from tfedge.core.records import Record
from tfedge.evaluate.difference import OutputParity
from tfedge.evaluate.latency import latencies
from tfedge.evaluate.layers import LayerParity, layer_outputs, layer_parity
from tfedge.evaluate.pair import Pair
from tfedge.evaluate.predictor import (
    LitePredictor,
    Predictor,
    as_predictor,
    device_on,
)
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_model

_GROUP = 1024
_LAYER_SAMPLES = 16


@dataclass(frozen=True, repr=False)
class Side(Record):
    """One of the two models in a comparison.

    Attributes:
        model: Its name.
        runtime: What ran it.
        metrics: Values by name.
        size_bytes: Size of the file, None for what is no file.
        gzip_bytes: Size of the file after gzip.
        latency_ms: Median time for one sample, None where it was not measured.
        on: Address of the device that ran it, None for this machine.
    """

    model: str
    runtime: str
    metrics: dict[str, Any]
    size_bytes: int | None
    gzip_bytes: int | None
    latency_ms: float | None
    on: str | None = None


@dataclass(frozen=True, repr=False)
class ComparisonRecord(Record):
    """How alike two models are on the same samples.

    Attributes:
        a: The reference.
        b: The other one.
        samples: Number of samples.
        outputs: Agreement, SQNR and largest difference of every output.
        differences: Metrics of ``b`` minus metrics of ``a``.
        layers: SQNR layer by layer, where asked for.
    """

    a: Side
    b: Side
    samples: int
    outputs: tuple[OutputParity, ...]
    differences: dict[str, float]
    layers: tuple[LayerParity, ...] = ()

    @property
    def agreement(self) -> float:
        """Agreement of predictions, that of the worst output."""
        return min(output.agreement for output in self.outputs)

    @property
    def sqnr_db(self) -> float:
        """Signal-to-quantization-noise ratio, that of the worst output."""
        return min(output.sqnr_db for output in self.outputs)

    @property
    def largest_difference_steps(self) -> float | None:
        """Largest difference in steps of a quantized output, None when all are float."""
        steps = [output.largest_difference_steps for output in self.outputs]
        return max((step for step in steps if step is not None), default=None)

    def __repr__(self) -> str:
        """Return a table, models side by side."""
        from tfedge.evaluate.tables import comparison_table

        return comparison_table(self)


def compare(
    a: Any,
    b: Any,
    data: Any,
    y: Any = None,
    *,
    metrics: Any = None,
    layers: bool = False,
    latency: bool = True,
    runtime: str = "auto",
    threads: int = 1,
    batch_size: int | None = None,
    on: Any = None,
) -> ComparisonRecord:
    """Run two models on the same samples and set them side by side.

    Args:
        a: The reference, as `evaluate` takes models: usually the Keras model.
        b: The other one: usually the file made of it.
        data: As `evaluate` takes it; labels are optional.
        y: Labels, when ``data`` are arrays without them.
        metrics: As `evaluate` takes them. None: accuracy for classes, mean absolute
            error for real-valued targets.
        layers: Whether to compare layer by layer on the first samples; ``b`` must be a file, and
            ``a`` a functional Keras model or a file.
        latency: Whether to measure the time for one sample of both.
        runtime: Which interpreter runs files.
        threads: Threads for its kernels.
        batch_size: Samples per run; None finds a good one.
        on: A device that runs what of the two is a file: ``"ssh://user@host"`` or a
            `tfedge.RemoteDevice`. Data are read and metrics computed here; so are layers. What is
            no file runs here and is not timed.

    Returns:
        Agreement of predictions, SQNR, largest difference, metrics, sizes and latency of both.

    Raises:
        ModelError: If a model cannot be run, or outputs cannot be matched.
        DataError: If samples or labels do not fit, or there are none.
        DeviceError: If the device ``on`` cannot be reached, or went away.

    Example:
        >>> def half(x):
        ...     return 0.5 * x
        >>> def about_half(x):
        ...     return 0.49 * x
        >>> x = np.ones((4, 3), "float32")
        >>> print(f"{compare(half, about_half, x, latency=False).sqnr_db:.2f}")
        33.98
    """
    with device_on(on) as device:
        settings: dict[str, Any] = {"runtime": runtime, "threads": threads}
        settings["batch_size"] = batch_size
        first, second = _predictors((a, b), device, settings)
        return _compared(first, second, data, y, metrics, layers, latency, threads)


def _predictors(
    models: Sequence[Any], device: Any, settings: dict[str, Any]
) -> Iterator[Predictor]:
    """Yield what predicts: files on the device, where there is one, and the rest here."""
    models = [opened_model(model) for model in models]
    files = [isinstance(model, TFLiteModel) for model in models]
    if device is not None and not any(files):
        raise ModelError(
            f"Neither model can run on {device.name}: only .tflite files run on devices. Convert "
            "one of them first."
        )
    for model, file in zip(models, files, strict=True):
        yield as_predictor(model, **settings, on=device if file else None)


def _compared(
    first: Predictor,
    second: Predictor,
    data: Any,
    y: Any,
    metrics: Any,
    layers: bool,
    latency: bool,
    threads: int,
) -> ComparisonRecord:
    """Return the record of two models on the same samples."""
    if layers and not isinstance(second, LitePredictor):
        raise ModelError(
            f"layers=True compares with the tensors of a .tflite file; {second.name!r} is none."
        )
    parts = regroup(batches(data, y, shapes=first.shapes or second.shapes), _GROUP)
    head = next(parts)
    pair = Pair(first, second, metrics)
    for batch in itertools.chain([head], parts):
        pair.update(batch)
    one, few = _first(head.x, 1), _first(head.x, _LAYER_SAMPLES)
    times = latencies((first, second), one, threads) if latency else (None, None)
    results = [scores.results() for scores in pair.scores]
    return ComparisonRecord(
        a=_side(first, results[0], times[0]),
        b=_side(second, results[1], times[1]),
        samples=pair.samples,
        outputs=pair.outputs(),
        differences=_differences(*results),
        layers=layer_parity(layer_outputs(first.model, few), second.model, few) if layers else (),
    )


def _first(x: Any, samples: int) -> Any:
    """Return the first samples."""
    return next(regroup([Batch(x)], samples)).x


def _side(model: Predictor, metrics: dict[str, Any], latency_ms: float | None) -> Side:
    """Return the record of one of the two."""
    sizes = (model.size_bytes, model.gzip_bytes)
    on = model.device and model.device.name
    return Side(model.name, model.runtime, metrics, *sizes, latency_ms, on)


def _differences(a: dict[str, Any], b: dict[str, Any]) -> dict[str, float]:
    """Return metrics of ``b`` minus metrics of ``a``, of those that are single numbers."""
    return {name: b[name] - a[name] for name in a if np.ndim(a[name]) == 0}
