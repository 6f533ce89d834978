"""What a worker does with interpreters: keep them open by key, run them, describe files.

Everything here runs in a worker process. Arrays arrive with the exact type and shape of the
input tensors; the parent checks and quantizes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError, WorkerError
from tfedge.runtime.interpreter import open_interpreter

_KEPT_SHAPES = 3
_SINGLES = 16
_ROUNDS = 5
_SESSIONS: dict[str, Session] = {}


class Session:
    """One file, open on one runtime, with an interpreter per shape of input.

    Args:
        content: Bytes of the file.
        settings: ``runtime`` and ``threads`` for `open_interpreter`.
        native: Shape of each input tensor in the file.
        stateful: Whether states must be cleared before every run.
    """

    def __init__(self, content: bytes, settings: dict, native: list, stateful: bool):
        self._content, self._settings = content, settings
        self._native = [tuple(shape) for shape in native]
        self._stateful = stateful
        self._open: OrderedDict[tuple, _Ready] = OrderedDict()

    def ready(self, shapes: list[tuple[int, ...]]) -> _Ready:
        """Return an interpreter allocated for these input shapes."""
        key = tuple(shapes)
        if key not in self._open:
            resize = key if key != tuple(self._native) else None
            interpreter = open_interpreter(file=self._content, **self._settings)
            self._open[key] = _Ready(interpreter, resize, self._stateful)
        self._open.move_to_end(key)
        while len(self._open) > _KEPT_SHAPES:
            self._open.popitem(last=False)
        return self._open[key]

    def run(self, arrays: list[np.ndarray], batch: int) -> list[np.ndarray]:
        """Return the outputs for all samples, ``batch`` at a time, the rest natively."""
        samples, native = len(arrays[0]), self._native[0][0]
        whole = samples - samples % batch
        parts = self._steps([array[:whole] for array in arrays], batch)
        parts += self._steps([array[whole:] for array in arrays], native)
        return [_join(column) for column in zip(*parts, strict=True)]

    def _steps(self, arrays: list[np.ndarray], step: int) -> list[list[np.ndarray]]:
        """Run ``step`` samples at a time and return the outputs of each run."""
        if not len(arrays[0]):
            return []
        ready, samples = self.ready([(step, *array.shape[1:]) for array in arrays]), len(arrays[0])
        whole = range(0, samples - step + 1, step)
        parts = [ready([array[start : start + step] for array in arrays]) for start in whole]
        if rest := samples % step:
            parts.append(_padded(ready, [array[-rest:] for array in arrays], step))
        return parts


class _Ready:
    """An allocated interpreter as a function of its inputs."""

    def __init__(self, interpreter: Any, shapes: tuple | None, stateful: bool):
        self.interpreter, self._stateful = interpreter, stateful
        self._inputs = [item["index"] for item in interpreter.get_input_details()]
        for index, shape in zip(self._inputs, shapes or (), strict=False):
            interpreter.resize_tensor_input(index, shape, strict=False)
        interpreter.allocate_tensors()
        self.outputs = [item["index"] for item in interpreter.get_output_details()]

    def __call__(self, block: list[np.ndarray]) -> list[np.ndarray]:
        """Run once and return the outputs, each with the batch axis in front."""
        if self._stateful:
            self.interpreter.reset_all_variables()
        for index, array in zip(self._inputs, block, strict=True):
            self.interpreter.set_tensor(index, array)
        self.interpreter.invoke()
        step = len(block[0])
        return [batched(self.interpreter.get_tensor(index), step) for index in self.outputs]


def batched(output: np.ndarray, step: int) -> np.ndarray:
    """Return an output with the batch axis in front, adding one to outputs that have none."""
    if output.ndim and len(output) == step:
        return output
    if step == 1:
        return output[None]
    raise ModelError(
        f"{step} samples went in and an output of shape {output.shape} came out: its first axis "
        "is not one entry per sample. Use batch_size=1, or a file with a batch axis."
    )


def _padded(ready: _Ready, block: list[np.ndarray], step: int) -> list[np.ndarray]:
    """Fill a file's fixed batch by repeating the last sample, and drop the repetitions."""
    short = len(block[0])
    filled = [np.concatenate([array, *[array[-1:]] * (step - short)]) for array in block]
    return [output[:short] for output in ready(filled)]


def _join(parts: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return one output over all samples."""
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = sorted({part.shape[1:] for part in parts})
        raise ModelError(
            f"The shape of an output changes from sample to sample ({shapes[0]} and "
            f"{shapes[-1]}), so the results do not fit one array. Predict one sample at a time."
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def open_session(
    key: str, content: np.ndarray, settings: dict, native: list, stateful: bool
) -> None:
    """Keep a file open under ``key``."""
    _SESSIONS[key] = Session(content.tobytes(), settings, native, stateful)


def close_session(key: str) -> None:
    """Give back the memory of a session."""
    _SESSIONS.pop(key, None)


def _session(key: str) -> Session:
    """Return an open session."""
    if key not in _SESSIONS:
        raise WorkerError(
            "The interpreter's worker process was restarted while samples were under way, so "
            "the open file is lost. Call again; the file is opened anew."
        )
    return _SESSIONS[key]


def run(key: str, arrays: list[np.ndarray], batch: int) -> list[np.ndarray]:
    """Return the outputs for all samples, in the integer codes or floats of the file."""
    return _session(key).run(arrays, batch)


def try_batch(key: str, arrays: list[np.ndarray], batch: int) -> tuple[bool, float]:
    """Return whether batches give what single samples give, and how much faster they are.

    Args:
        key: An open session.
        arrays: Exactly ``batch`` samples of every input.
        batch: Samples per run to try.

    Returns:
        Whether the outputs agree (floats to 1e-5 of the largest value, codes to one step), and
        time per sample one by one divided by time per sample in batches.
    """
    session = _session(key)
    try:
        together = session.ready([(batch, *array.shape[1:]) for array in arrays])
        outputs = together(arrays)
    except (RuntimeError, ValueError):
        return False, 0.0
    alone = session.ready([(1, *array.shape[1:]) for array in arrays])
    picks = sorted({0, 1, batch // 2, batch - 1})
    for pick in picks:
        expected = alone([array[pick : pick + 1] for array in arrays])
        if not all(agree(one[0], many[pick]) for one, many in zip(expected, outputs, strict=True)):
            return False, 0.0
    return True, _speed_up(alone, together, arrays, batch)


def agree(one: np.ndarray, many: np.ndarray) -> bool:
    """Return whether an output is the same, up to the order of float additions."""
    if one.shape != many.shape:
        return False
    if np.issubdtype(one.dtype, np.floating):
        slack = 1e-5 * float(np.max(np.abs(one), initial=0.0))
        return np.allclose(one, many, rtol=1e-4, atol=slack, equal_nan=True)
    return bool(np.all(np.abs(one.astype(np.int64) - many.astype(np.int64)) <= 1))


def _speed_up(alone: _Ready, together: _Ready, arrays: list[np.ndarray], batch: int) -> float:
    """Return time per sample alone over time per sample together, best of five, in turns.

    Both run different samples one after the other, as they would in earnest.
    """
    blocks = [[array[i : i + 1] for array in arrays] for i in range(min(batch, _SINGLES))]
    singles, batches = [], []
    for _ in range(_ROUNDS):
        singles.append(_seconds(alone, blocks) / len(blocks))
        batches.append(_seconds(together, [arrays]) / batch)
    return min(singles) / min(batches)


def _seconds(ready: _Ready, blocks: list[list[np.ndarray]]) -> float:
    """Return how long it takes to run some blocks."""
    start = time.perf_counter()
    for block in blocks:
        ready(block)
    return time.perf_counter() - start
