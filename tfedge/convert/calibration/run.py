"""Runs a float file on calibration samples, many at a time, with every tensor in sight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfedge.convert.calibration.float_file import FloatFile
from tfedge.core.errors import CalibrationError
from tfedge.core.statistics import Statistics

_MOST_AT_ONCE = 32
_MOST_BYTES = 256 << 20
_GROUPS = 8


class Observed:
    """What a float file did on calibration samples.

    The samples are cut into eight parts, taken at random, each with statistics of its own: parts
    show how many samples are enough, and some can be held out.

    Args:
        file: The float file.
        samples: Arrays by name of the file's input; at least one batch of the file's own size.
        most_counted: Values of one tensor and run that go into histograms.

    Attributes:
        groups: For each part, statistics by index of tensor.
        positions: For each part, which samples it holds.
        outputs: What the file gives for each part, one array per output.

    Raises:
        CalibrationError: If a tensor is not finite; names it.
    """

    def __init__(self, file: FloatFile, samples: Mapping[str, np.ndarray], most_counted: int):
        self._file, self._samples = file, samples
        self._step = _step(OpenFile(file.content), file, samples)
        self._interpreter = OpenFile(file.content)
        fitting = _MOST_BYTES // max(1, file.sample_bytes()) // self._step.size
        self._most = self._step.size * max(1, fitting)
        self._most_counted = most_counted
        total = len(next(iter(samples.values())))
        order = np.random.default_rng(0).permutation(total)
        batches = order[: total - total % self._step.unit].reshape(-1, self._step.unit)
        parts = np.array_split(batches, min(_GROUPS, len(batches)))
        self.positions = [part.reshape(-1) for part in parts]
        self.groups: list[dict[int, Statistics]] = []
        self.outputs: list[list[np.ndarray]] = []
        for positions in self.positions:
            self._observe(positions)

    @property
    def samples(self) -> int:
        """Number of samples that ran."""
        return sum(len(positions) for positions in self.positions)

    def rows(self, other: OpenFile, positions: np.ndarray) -> list[list[np.ndarray]]:
        """Return what another file of the same model gives on some samples, run by run."""
        size = self._step.size
        starts = range(0, len(positions), size)
        return [other.run(pick(self._samples, positions[start : start + size])) for start in starts]

    def _observe(self, positions: np.ndarray) -> None:
        """Run one part of the samples."""
        seen = {index: Statistics(self._most_counted) for index in self._file.observed}
        outputs = []
        for first in range(0, len(positions), self._most):
            together = positions[first : first + self._most]
            held: dict[int, list[np.ndarray]] = {index: [] for index in seen}
            for start in range(0, len(together), self._step.size):
                chosen = together[start : start + self._step.size]
                outputs.append(self._interpreter.run(pick(self._samples, chosen)))
                for index, values in held.items():
                    values.append(self._interpreter.value(index))
            for index, values in held.items():
                self._update(seen[index], index, values)
        for statistics in seen.values():
            statistics.end_batch()
        self.groups.append(seen)
        self.outputs.append([np.concatenate(column) for column in zip(*outputs, strict=True)])

    def _update(self, statistics: Statistics, index: int, values: list[np.ndarray]) -> None:
        """Take the values that a tensor had in some runs into account."""
        flat = [value.reshape(-1) for value in values]
        try:
            statistics.update(flat[0] if len(flat) == 1 else np.concatenate(flat))
        except CalibrationError as error:
            raise CalibrationError(
                f"Tensor {self._file.name(index)!r} explodes on the calibration samples: {error} "
                "Look for samples on another scale, and for divisions and exponentials in the "
                "model."
            ) from error


class OpenFile:
    """A ``.tflite`` file in TensorFlow's own interpreter, without delegates.

    Args:
        content: Bytes of the file.
        keep: Whether every tensor stays readable after a run.
    """

    def __init__(self, content: bytes, keep: bool = True):
        kind = tf.lite.experimental.OpResolverType
        self._interpreter = tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=kind.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=keep,
        )
        (signature,) = self._interpreter._get_full_signature_list().values()
        self._places = signature["inputs"]
        details = self._interpreter.get_input_details()
        self._details = {int(item["index"]): item for item in details}
        self._outputs = self._interpreter.get_output_details()
        self._shapes: dict[str, tuple[int, ...]] = {}

    @property
    def batch(self) -> int:
        """Samples per run that the file is made for."""
        first = next(iter(self._details.values()))
        return int(first["shape"][0])

    def run(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run some samples and return the outputs as real values."""
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != self._shapes:
            for name, shape in shapes.items():
                self._interpreter.resize_tensor_input(self._places[name], shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        self._interpreter.reset_all_variables()
        for name, array in arrays.items():
            self._interpreter.set_tensor(self._places[name], self._encoded(name, array))
        self._interpreter.invoke()
        return [_decoded(self._interpreter.get_tensor(o["index"]), o) for o in self._outputs]

    def value(self, index: int) -> np.ndarray:
        """Return what a tensor holds; read it before the next run."""
        return self._interpreter.get_tensor(index)

    def _encoded(self, name: str, array: np.ndarray) -> np.ndarray:
        """Return an array as the input takes it."""
        detail = self._details[self._places[name]]
        scale, zero_point = detail["quantization"]
        if scale and array.dtype.kind == "f":
            limits = np.iinfo(detail["dtype"])
            array = np.clip(np.rint(array / scale) + zero_point, limits.min, limits.max)
        return array.astype(detail["dtype"])


def _decoded(array: np.ndarray, detail: Mapping[str, Any]) -> np.ndarray:
    """Return an output as real values."""
    scale, zero_point = detail["quantization"]
    return (array.astype(np.float32) - zero_point) * np.float32(scale) if scale else array


class _Step(NamedTuple):
    """How many samples run at once, and of how many every part must have a multiple."""

    size: int
    unit: int


def _step(interpreter: OpenFile, file: FloatFile, samples: Mapping[str, np.ndarray]) -> _Step:
    """Return how many samples to run at once: many, if that gives what single ones give."""
    native = interpreter.batch
    total = len(next(iter(samples.values())))
    if native != 1:
        return _Step(native, native)
    wanted = min(_MOST_AT_ONCE, -(-total // _GROUPS), _MOST_BYTES // max(1, file.sample_bytes()))
    if wanted < 2 or file.remembers or file.has_inner_values:
        return _Step(1, 1)
    alone = interpreter.run(pick(samples, np.arange(1)))
    try:
        together = interpreter.run(pick(samples, np.arange(wanted)))
    except (RuntimeError, ValueError):
        return _Step(1, 1)
    fits = all(map(_is_first, alone, together))
    return _Step(wanted if fits else 1, 1)


def _is_first(alone: np.ndarray, together: np.ndarray) -> bool:
    """Return whether the first of many outputs is the one that was computed alone."""
    if alone.shape[1:] != together.shape[1:] or alone.shape[0] != 1 or len(together) == 1:
        return False
    slack = 1e-4 * float(np.abs(alone).max(initial=1e-30))
    return bool(np.allclose(alone[0], together[0], rtol=1e-3, atol=slack, equal_nan=True))


def pick(samples: Mapping[str, np.ndarray], positions: np.ndarray) -> dict[str, np.ndarray]:
    """Return some samples."""
    return {name: array[positions] for name, array in samples.items()}
