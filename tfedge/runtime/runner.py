"""Arrays in, arrays out: quantize, batch where the graph allows it, run in a worker, dequantize."""

from __future__ import annotations

import functools
import os
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from tfedge.core.checks import whole_number
from tfedge.core.errors import ModelError, WorkerError
from tfedge.runtime.accelerators.choose import choose_accelerator
from tfedge.runtime.costs import tensor_bytes
from tfedge.runtime.device import device
from tfedge.runtime.feeds import arrange, decode
from tfedge.runtime.function import FileFunction
from tfedge.runtime.graph import TensorInfo
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.processors import warn_of_threads
from tfedge.runtime.refusals import too_old
from tfedge.runtime.worker import WorkerCallError

CHUNK_BYTES = 2 << 20
_CACHE_BYTES = 2 << 20
_LARGEST_BATCH = 256
_SETTLED: dict[tuple, int] = {}


class Runner(FileFunction):
    """A ``.tflite`` file as a function of arrays.

    Samples are run in batches where the graph allows it and where that is faster: the first
    samples are also run one by one, and unless both give the same, batches are not used. States
    of recurrent layers are cleared before every sample; variables of the file's own (VAR_HANDLE,
    as streaming models have them) start anew with every call and live on from sample to sample.
    Interpreters live in a worker process.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or ``"micro"``
            (tflite-micro, one thread).
        threads: Threads for the kernels. More than one can be far slower on a busy machine.
        batch_size: Samples per run; None finds a good one.
        accelerator: What computes: ``"cpu"``, ``"gpu"`` or ``"npu"`` (LiteRT), ``"edgetpu"``, or
            the path of a delegate's library.

    Attributes:
        batch_size: Samples per run that were found good, None before the first call.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If it is no such file, such as a Keras model; if the file has no inputs or
            outputs, or inputs that hold no samples.
        MissingPackageError: If the runtime, or the accelerator's library, is not installed.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> with Runner(sample_model()) as runner:
        ...     runner.predict(np.array([[2.0, 4.0, 6.0]]))
        array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(
        self,
        model: TFLiteModel | str | os.PathLike | bytes,
        runtime: str = "auto",
        threads: int = 1,
        batch_size: int | None = None,
        accelerator: str | os.PathLike = "cpu",
    ):
        whole_number("threads", threads)
        whole_number("batch_size", 1 if batch_size is None else batch_size)
        warn_of_threads(threads)
        super().__init__(model)
        self.runtime, self.threads = choose_runtime(runtime, micro=True), threads
        self._asked = batch_size
        self._remembers = any(item.name == "VAR_HANDLE" for item in self.model.operators)
        self._stateful = any(tensor.variable for tensor in self.model.tensors())
        self.accelerator = choose_accelerator(accelerator, self.runtime)
        self._key = f"{self.model.digest} {threads} {self.accelerator}"
        self.batch_size: int | None = None

    def predict(self, x: Any, raw: bool = False) -> Any:
        """Return the outputs for samples.

        Args:
            x: One array with samples along the first axis, or arrays by input name. Real values,
                as the Keras model takes them.
            raw: Whether quantized inputs and outputs are integer codes.

        Returns:
            float32 array of the output, one entry per sample, or such arrays by output name.

        Raises:
            DataError: If the arrays do not fit the inputs.
            WorkerError: If the interpreter died. The next call starts a new one.
        """
        arrays = arrange(x, self.model.inputs)
        chunks = _growing(arrays, 4 * self._wanted, self.chunk_samples())
        parts = list(self._outputs(chunks, raw))
        return self._named(
            [np.concatenate(p) if len(p) > 1 else p[0] for p in zip(*parts, strict=True)]
        )

    def close(self) -> None:
        """Give back the memory of the open file; it is opened again when needed."""
        device(self.runtime).close(self._key)

    def chunk_samples(self) -> int:
        """Return how many samples make a good message to the worker: whole batches."""
        batch = self._wanted
        fitting = CHUNK_BYTES // sum(map(_sample_bytes, self.model.inputs))
        return max(batch, fitting - fitting % batch)

    @functools.cached_property
    def _wanted(self) -> int:
        """Return how many samples to run at once if the graph allows it."""
        native = self.model.inputs[0].shape[0]
        if native != 1 or self._remembers:
            return native
        return self._asked or _good_batch(self.model)

    def _outputs(self, chunks: Iterable[list[np.ndarray]], raw: bool) -> Generator:
        """Yield lists of outputs, one list per chunk."""
        encoded = self._encoded(chunks, raw)
        first = next(encoded, None)
        if first is None:
            return
        if self._remembers:
            self.close()
        batch = self.batch_size = self._settle(first)
        calls: Iterable = (((self._key, arrays, batch), {}) for arrays in _chain(first, encoded))
        done = 0
        try:
            with self._session() as worker:
                for outputs in worker.map("tfedge.runtime.session:run", calls):
                    done += len(outputs[0])
                    yield [
                        decode(o, t, raw)
                        for o, t in zip(outputs, self.model.outputs_in_file, strict=True)
                    ]
        except WorkerCallError as failure:
            raise self._explained(failure, done) from failure

    def _session(self) -> Any:
        """Return the context in which the file is open."""
        return device(self.runtime).session(
            self._key,
            self.model.content,
            settings={
                "runtime": self.runtime,
                "threads": self.threads,
                "accelerator": self.accelerator,
            },
            native=[tensor.shape for tensor in self.model.inputs],
            stateful=self._stateful,
        )

    def _settle(self, arrays: list[np.ndarray]) -> int:
        """Return how many samples to run at once, found by trying and then remembered."""
        native, wanted, samples = self.model.inputs[0].shape[0], self._wanted, len(arrays[0])
        if native != 1 or wanted == 1:
            return native
        if self._asked is None and samples < self.chunk_samples():
            wanted = min(wanted, _power_of_two(samples // 4))
        known = (self._key, self.runtime, wanted, *(array.shape[1:] for array in arrays))
        if known not in _SETTLED and 1 < wanted <= samples:
            _SETTLED[known] = self._try(arrays, wanted)
        return _SETTLED.get(known, 1)

    def _try(self, arrays: list[np.ndarray], wanted: int) -> int:
        """Return ``wanted`` if batches of that size work and pay, else 1."""
        head = [array[:wanted] for array in arrays]
        try:
            with self._session() as worker:
                fits, speed_up = worker.call(
                    "tfedge.runtime.session:try_batch", self._key, head, wanted
                )
        except WorkerCallError as failure:
            if failure.died:
                return 1
            raise self._explained(failure, 0) from failure
        return wanted if fits and (self._asked or speed_up > 1) else 1

    def _named(self, outputs: list[np.ndarray]) -> Any:
        """Return one array, or arrays by name."""
        if len(outputs) == 1:
            return outputs[0]
        found = dict(zip((t.index for t in self.model.outputs_in_file), outputs, strict=True))
        return {tensor.name: found[tensor.index] for tensor in self.model.outputs}

    def _explained(self, failure: WorkerCallError, done: int) -> Exception:
        """Return the error that tells a user which model failed, and where."""
        if reason := too_old(str(failure), self.runtime):
            return ModelError(f"{self.model.name!r} cannot be run: {reason}")
        where = f"{self.model.name!r} failed on {self.runtime} after {done} samples: {failure}"
        return WorkerError(where) if failure.died else ModelError(where)


def _growing(arrays: list[np.ndarray], least: int, most: int) -> Generator:
    """Yield all samples in messages, small ones first, so that the worker begins at once."""
    start, size = 0, min(least, most)
    while start < len(arrays[0]):
        yield [array[start : start + size] for array in arrays]
        start, size = start + size, min(2 * size, most)


def _chain(first: Any, rest: Iterable[Any]) -> Generator:
    """Yield ``first``, then the rest."""
    yield first
    yield from rest


def _sample_bytes(tensor: TensorInfo) -> int:
    """Return the size of one sample of an input as the worker gets it, at least 1."""
    return max(1, tensor_bytes(tensor) // (tensor.shape or (1,))[0])


def _good_batch(model: TFLiteModel) -> int:
    """Return how many samples keep the largest activation within the processor's cache."""
    flowing = [tensor for tensor in model.tensors() if not tensor.constant]
    largest = max(map(tensor_bytes, flowing))
    return min(_LARGEST_BATCH, _power_of_two(_CACHE_BYTES // max(1, largest)))


def _power_of_two(number: int) -> int:
    """Return the largest power of two that is not above a number, at least 1."""
    return 1 << (max(1, number).bit_length() - 1)
