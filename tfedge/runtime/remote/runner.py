"""Arrays in, arrays out, computed on a device."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.runtime.feeds import arrange, decode
from tfedge.runtime.function import FileFunction
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.remote.connection import Connection
from tfedge.runtime.remote.device import RemoteDevice


class RemoteRunner(FileFunction):
    """A file as a function of arrays, like `tfedge.Runner`, on a device.

    Inputs are quantized here and travel as codes.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        device: Where it runs.
        runtime: A runtime there; ``"auto"`` for the first of `RemoteDevice.info`.
        threads: Threads for the kernels.
        batch_size: Samples per run; None finds a good one there.
        accelerator: What computes there, as `tfedge.Runner` takes it.

    Raises:
        ArgumentError: If a setting is out of range.
        DeviceError: If the device cannot be reached.
        ModelError: If the file cannot be run there.
        MissingPackageError: If the runtime is not installed there.
    """

    def __init__(
        self,
        model: TFLiteModel | str | os.PathLike | bytes,
        device: RemoteDevice,
        runtime: str = "auto",
        threads: int = 1,
        batch_size: int | None = None,
        accelerator: str | os.PathLike = "cpu",
    ):
        whole_number("threads", threads)
        whole_number("batch_size", 1 if batch_size is None else batch_size)
        super().__init__(model)
        self.device, self.threads = device, threads
        self.batch_size: int | None = None
        self._options = {"runtime": runtime, "threads": threads, "batch_size": batch_size}
        self._options["accelerator"] = str(accelerator)
        self._key = f"{self.model.digest} {self._options}"
        with self._open() as (_, facts):
            self.runtime, self._chunk = facts["runtime"], facts["chunk_samples"]

    def predict(self, x: Any, raw: bool = False) -> Any:
        """Return the outputs for samples, as `tfedge.Runner.predict` does.

        Args:
            x: One array with samples along the first axis, or arrays by input name.
            raw: Whether quantized inputs and outputs are integer codes.

        Raises:
            DataError: If the arrays do not fit the inputs.
            DeviceError: If the device went away.
        """
        arrays = arrange(x, self.model.inputs)
        starts = range(0, len(arrays[0]), self._chunk)
        chunks = ([array[start : start + self._chunk] for array in arrays] for start in starts)
        parts = list(self._outputs(chunks, raw))
        return self._named([np.concatenate(part) for part in zip(*parts, strict=True)])

    def chunk_samples(self) -> int:
        """Return how many samples make a good message."""
        return self._chunk

    def close(self) -> None:
        """Give back the memory of the file there; it is opened again when needed."""
        self.device.close_file(self._key)

    def _open(self) -> AbstractContextManager[tuple[Connection, dict[str, Any]]]:
        """Return the context in which the file is open on the device."""
        return self.device.session(self._key, self.model, self._options)

    def _outputs(self, chunks: Iterable[list[np.ndarray]], raw: bool) -> Generator:
        """Yield lists of outputs, one list per chunk."""
        with self._open() as (connection, _):
            answers = connection.call("stream", self._encoded(chunks, raw), key=self._key)
            with contextlib.closing(answers):
                for answer in answers:
                    self.batch_size = answer.value["batch_size"]
                    pairs = zip(answer.arrays, self.model.outputs, strict=True)
                    yield [decode(array, tensor, raw) for array, tensor in pairs]

    def _named(self, outputs: list[np.ndarray]) -> Any:
        """Return one array, or arrays by name."""
        if len(outputs) == 1:
            return outputs[0]
        names = (tensor.name for tensor in self.model.outputs)
        return dict(zip(names, outputs, strict=True))
