"""Anything that predicts, as one kind of thing: ``.tflite`` files, Keras models, functions."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.core.data import Batch, batches, regroup
from tfedge.core.errors import ModelError
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_model
from tfedge.runtime.runner import Runner

_KERAS_BATCH = 64
_LARGEST_GROUP = 4096


class Predictor(Protocol):
    """What evaluation needs of a model.

    Attributes:
        name: What to call it.
        runtime: What runs it.
        model: The model itself.
        shapes: Shape of one sample by input name, None where it is not known.
        group: Samples in one batch of `stream`.
        size_bytes: Size of the file, None for what is no file.
        gzip_bytes: Size of the file after gzip.
        steps: Real size of one step of quantized outputs, None for float, in the model's order.
    """

    name: str
    runtime: str
    model: Any
    shapes: Mapping[str, Sequence[int | None]] | None
    group: int
    size_bytes: int | None
    gzip_bytes: int | None
    steps: Sequence[float | None]
    device: Any

    def stream(self, xs: Iterable[Any]) -> Generator[Any, None, None]:
        """Yield the outputs of one batch of inputs after the other."""


class LitePredictor:
    """A ``.tflite`` file in an interpreter.

    Args:
        model: The file.
        runtime: As `Runner` takes it, like the rest.
        threads: Threads for the kernels.
        batch_size: Samples per run; None finds a good one.
        accelerator: As `Runner` takes it.
        on: A `tfedge.runtime.remote.device.RemoteDevice` to run it on, None for this machine.
    """

    def __init__(
        self,
        model: TFLiteModel,
        runtime: str,
        threads: int,
        batch_size: int | None,
        accelerator: str | os.PathLike = "cpu",
        on: Any = None,
    ):
        self.model: Any = model
        self._runner = _runner(model, on, runtime, threads, batch_size, accelerator)
        self.name, self.runtime, self.device = model.name, self._runner.runtime, on
        self.shapes: Mapping[str, Sequence[int | None]] | None
        self.shapes = {item.name: item.shape_signature[1:] for item in model.inputs}
        self.group = min(_LARGEST_GROUP, self._runner.chunk_samples())
        self.size_bytes: int | None = model.size_bytes
        self.gzip_bytes: int | None = model.gzip_bytes
        self.steps: Sequence[float | None]
        self.steps = [output_step(model, tensor) for tensor in model.outputs]

    def stream(self, xs: Iterable[Any]) -> Generator[Any, None, None]:
        """Yield the outputs of one batch of inputs after the other."""
        return self._runner.stream(xs)


def _runner(model: TFLiteModel, on: Any, *settings: Any) -> Any:
    """Return what runs a file: here, or on a device over ssh."""
    if on is None:
        return Runner(model, *settings)
    from tfedge.runtime.remote.runner import RemoteRunner

    return RemoteRunner(model, on, *settings)


def device_on(on: Any) -> AbstractContextManager[Any]:
    """Return the context in which a device over ssh is open, or nothing where ``on`` is None."""
    if on is None:
        return nullcontext()
    from tfedge.runtime.remote.device import opened

    return opened(on)


def output_step(model: TFLiteModel, tensor: TensorInfo) -> float | None:
    """Return the real size of one step of an output, also where the file dequantizes it itself."""
    if isinstance(tensor.scale, float):
        return tensor.scale
    makers = (item for item in model.operators if tensor.index in item.outputs)
    maker = next((item for item in makers if item.name == "DEQUANTIZE"), None)
    if maker is None:
        return None
    source = next(item for item in model.tensors() if item.index == maker.inputs[0])
    return source.scale if isinstance(source.scale, float) else None


class FunctionPredictor:
    """A function from a batch of inputs to a batch of outputs.

    Args:
        function: The function.
        name: What to call it.
        batch_size: Samples per call.
    """

    runtime = "python"
    shapes: Mapping[str, Sequence[int | None]] | None = None
    size_bytes: int | None = None
    gzip_bytes: int | None = None
    steps: Sequence[float | None] = ()
    device: Any = None

    def __init__(self, function: Callable, name: str, batch_size: int | None):
        self._function, self.name = function, name
        self.model: Any = function
        self.group = batch_size or _KERAS_BATCH

    def stream(self, xs: Iterable[Any]) -> Generator[Any, None, None]:
        """Yield the outputs of one batch of inputs after the other."""
        for x in xs:
            yield self._named(self._function(x))

    def _named(self, outputs: Any) -> Any:
        """Return one array, or arrays by name."""
        if isinstance(outputs, Mapping):
            return {name: np.asarray(output) for name, output in outputs.items()}
        if isinstance(outputs, (list, tuple)):
            arrays = [np.asarray(output) for output in outputs]
            if len(arrays) == 1:
                return arrays[0]
            return dict(zip(self._names(arrays), arrays, strict=True))
        return np.asarray(outputs)

    def _names(self, outputs: list[np.ndarray]) -> list[str]:
        """Return names for several outputs."""
        return [f"output_{number}" for number in range(len(outputs))]


class KerasPredictor(FunctionPredictor):
    """A Keras 3 or tf_keras model; its outputs are taken as they are, logits or probabilities.

    Args:
        model: The model.
        batch_size: Samples per call.
    """

    runtime = "keras"

    def __init__(self, model: Any, batch_size: int | None):
        super().__init__(model.predict_on_batch, model.name, batch_size)
        self.model = model
        self._output_names = getattr(model, "output_names", None)
        inputs = getattr(model, "inputs", None) if getattr(model, "built", False) else None
        if inputs:
            names = getattr(model, "input_names", None) or [item.name for item in inputs]
            shapes = [tuple(item.shape)[1:] for item in inputs]
            self.shapes = dict(zip(names, shapes, strict=True))

    def _names(self, outputs: list[np.ndarray]) -> list[str]:
        """Return the model's own names of its outputs."""
        return self._output_names or super()._names(outputs)


def as_predictor(
    model: Any,
    runtime: str = "auto",
    threads: int = 1,
    batch_size: int | None = None,
    accelerator: str | os.PathLike = "cpu",
    on: Any = None,
) -> Predictor:
    """Return anything that predicts as a `Predictor`.

    Args:
        model: A `TFLiteModel`, the bytes of a ``.tflite`` file, a path to a model file, a Keras 3
            or tf_keras model, or a function of a batch of inputs.
        runtime: For ``.tflite`` files: which interpreter.
        threads: For ``.tflite`` files: threads for the kernels.
        batch_size: Samples per call.
        accelerator: For ``.tflite`` files: what computes, as `Runner` takes it.
        on: For ``.tflite`` files: the device over ssh that runs it, None for this machine.

    Raises:
        ModelError: If it is none of these, or a file that cannot be read.

    Example:
        >>> as_predictor(np.square).name
        'square'
    """
    whole_number("batch_size", 1 if batch_size is None else batch_size)
    model = opened_model(model)
    if isinstance(model, TFLiteModel):
        return LitePredictor(model, runtime, threads, batch_size, accelerator, on)
    if on is not None:
        raise ModelError(
            f"A {type(model).__name__} cannot run on {on.name}: only .tflite files run on devices. "
            "Convert it first."
        )
    if hasattr(model, "predict_on_batch"):
        return KerasPredictor(model, batch_size)
    if callable(model):
        name = getattr(model, "__name__", type(model).__name__)
        return FunctionPredictor(model, name, batch_size)
    raise ModelError(
        f"A {type(model).__name__} cannot predict. Pass a TFLiteModel, the path or bytes of a "
        "model file, a Keras model, or a function of a batch."
    )


def predictions(
    predictor: Predictor, data: Any, y: Any = None
) -> Generator[tuple[Batch, Any], None, None]:
    """Yield batches of users' data with what the model makes of them.

    Args:
        predictor: The model.
        data: As `tfedge.core.data.batches` takes it.
        y: Labels, when ``data`` are arrays without them.
    """
    waiting: list[Batch] = []

    def inputs() -> Generator[Any, None, None]:
        """Yield inputs and remember what belongs to them."""
        for batch in regroup(batches(data, y, shapes=predictor.shapes), predictor.group):
            waiting.append(batch)
            yield batch.x

    for outputs in predictor.stream(inputs()):
        yield waiting.pop(0), outputs
