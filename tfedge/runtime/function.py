"""What is alike in running a file here and on a device: arrays in, arrays out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.runtime.feeds import arrange, encode
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file

_Own = TypeVar("_Own", bound="FileFunction")


class FileFunction(ABC):
    """A file as a function of arrays; who runs it says how, in `close`, ``_outputs``, ``_named``.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.

    Raises:
        ModelError: If it is something else, such as a Keras model; if it has no inputs or
            outputs, or nothing fits into its inputs.

    Example:
        >>> from tfedge.runtime.runner import Runner
        >>> from tfedge.runtime.sample import sample_model
        >>> with Runner(sample_model()) as run:
        ...     isinstance(run, FileFunction), run.model.name
        (True, 'halve')
    """

    def __init__(self, model: Any):
        self.model = opened_file(model, "be run")
        _check_runnable(self.model)

    def __enter__(self: _Own) -> _Own:
        """Return the runner itself."""
        return self

    def __exit__(self, *_) -> None:
        """Give back the memory."""
        self.close()

    def stream(self, batches: Iterable[Any], raw: bool = False) -> Generator[Any, None, None]:
        """Yield the outputs of one batch after the other.

        The next batch is drawn and quantized while the one before it runs.

        Args:
            batches: Each like the ``x`` of ``predict``. A megabyte each is a good size.
            raw: Whether quantized inputs and outputs are integer codes.
        """
        chunks = (arrange(batch, self.model.inputs) for batch in batches)
        for outputs in self._outputs(chunks, raw):
            yield self._named(outputs)

    @abstractmethod
    def close(self) -> None:
        """Give back the memory of the open file; it is opened again when needed."""

    @abstractmethod
    def _outputs(self, chunks: Iterable[list[np.ndarray]], raw: bool) -> Generator:
        """Yield lists of outputs, one list per chunk."""

    @abstractmethod
    def _named(self, outputs: list[np.ndarray]) -> Any:
        """Return one array, or arrays by name."""

    def _encoded(self, chunks: Iterable[list[np.ndarray]], raw: bool) -> Generator:
        """Yield chunks in the exact types of the input tensors."""
        start = 0
        for arrays in chunks:
            yield [encode(a, t, start, raw) for a, t in zip(arrays, self.model.inputs, strict=True)]
            start += len(arrays[0])


def _check_runnable(model: TFLiteModel) -> None:
    """Raise unless there are inputs and outputs, and inputs that samples fit into."""
    if not (model.inputs and model.outputs):
        raise ModelError(f"{model.name!r} has no inputs or no outputs; there is nothing to run.")
    for tensor in model.inputs:
        if not tensor.shape or 0 in tensor.shape:
            raise ModelError(
                f"{model.name!r}: input {tensor.name!r} of shape {tensor.shape} has no axis for "
                "samples, or one of size 0; nothing fits into it. Convert the model again with an "
                "input of (samples, ...)."
            )
