"""LiteRT's own profiler, through the C interface of the library in its Python package.

The Python classes of ai-edge-litert do not reach it. The structures here are those of LiteRT 2.3:
``litert/c/litert_profiler_event.h``, ``litert_model_types.h``, ``litert_layout.h``. Everything runs
in a worker process.
"""

from __future__ import annotations

import ctypes
import importlib.util
import tempfile
import time
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.runtime.latency.timing import filler

_CPU, _WRITE = 1, 1
_OPERATOR, _IN_DELEGATE = 2, 8
_EVENTS_AT_ONCE = 100_000
_TYPES = {1: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
_TYPES |= {10: "float16", 11: "float64", 16: "uint32", 13: "uint64", 17: "uint16"}


class _TensorType(ctypes.Structure):
    """``LiteRtRankedTensorType``: element type, rank, sizes, strides."""

    _fields_ = (
        ("element", c_int),
        ("rank", c_uint32),
        ("sizes", c_int32 * 8),
        ("strides", c_uint32 * 8),
    )


class _Event(ctypes.Structure):
    """``ProfiledEventData``: name, kind, times in µs, memory, number of node and subgraph."""

    _fields_ = (
        ("tag", c_char_p),
        ("kind", c_int),
        ("start_us", c_uint64),
        ("elapsed_us", c_uint64),
        ("memory", c_size_t * 6),
        ("node", c_uint64),
        ("graph", c_uint64),
        ("source", c_int),
    )


class _Library:
    """The functions of ``libLiteRt.so``; each returns a status, 0 for well."""

    def __init__(self):
        package = importlib.util.find_spec("ai_edge_litert")
        folders = package.submodule_search_locations if package else None
        found = (path for folder in folders or () for path in Path(folder).glob("libLiteRt.*"))
        path = next(found, None)
        if path is None:
            raise ModelError("This LiteRT package has no libLiteRt: its profiler is out of reach.")
        self._library = ctypes.CDLL(str(path))

    def __call__(self, name: str, *args: Any) -> None:
        """Call a function, or raise what it returned."""
        function = getattr(self._library, f"LiteRt{name}", None)
        if function is None:
            raise ModelError(f"This LiteRT has no LiteRt{name}: its profiler is out of reach.")
        if status := function(*args):
            raise ModelError(f"LiteRt{name} of LiteRT's C interface returned status {status}.")

    def made(self, name: str, *args: Any) -> c_void_p:
        """Return the handle that a function writes to its last argument."""
        handle = c_void_p()
        self(name, *args, byref(handle))
        return handle


class _Compiled:
    """A file, compiled for the processor with its profiler switched on."""

    def __init__(self, path: str, threads: int):
        self._call = _Library()
        made = self._call.made
        self._environment = made("CreateEnvironment", 0, None)
        model = made("CreateModelFromFile", self._environment, path.encode())
        self._kept: list[Any] = []
        options = self._options(threads)
        self._model = made("CreateCompiledModel", self._environment, model, options)
        signature = made("GetModelSignature", model, c_size_t(0))
        self._inputs = self._buffers(signature, "Input")
        self._outputs = self._buffers(signature, "Output")
        self.profiler = made("CompiledModelGetProfiler", self._model)

    def _options(self, threads: int) -> c_void_p:
        """Return options: one processor, so many threads, profiling."""
        options = self._call.made("CreateOptions")
        self._call("SetOptionsHardwareAccelerators", options, _CPU)
        forget = ctypes.CFUNCTYPE(None, c_void_p)(_forget)
        self._kept.append(forget)
        texts = {"runtime_options_string": "enable_profiling = true\n"}
        texts["xnnpack"] = f"num_threads = {threads}\n"
        for name, text in texts.items():
            content = ctypes.create_string_buffer(text.encode())
            self._kept.append(content)
            pointer = ctypes.cast(content, c_void_p)
            part = self._call.made("CreateOpaqueOptions", name.encode(), pointer, forget)
            self._call("AddOpaqueOptions", options, part)
        return options

    def _buffers(self, signature: c_void_p, side: str) -> Any:
        """Return buffers for all inputs or outputs, inputs filled."""
        count, handles = c_size_t(), []
        self._call(f"GetNumSignature{side}s", signature, byref(count))
        for number in range(count.value):
            place = c_size_t(number)
            tensor = self._call.made(f"GetSignature{side}TensorByIndex", signature, place)
            kind = _TensorType()
            self._call("GetRankedTensorType", tensor, byref(kind))
            for axis in range(kind.rank & 0x7F):
                kind.sizes[axis] = max(1, kind.sizes[axis])
            need = self._call.made(
                f"GetCompiledModel{side}BufferRequirements", self._model, c_size_t(0), place
            )
            buffer = self._call.made(
                "CreateManagedTensorBufferFromRequirements", self._environment, byref(kind), need
            )
            if side == "Input":
                self._fill(buffer, kind)
            handles.append(buffer.value)
        return (c_void_p * len(handles))(*handles)

    def _fill(self, buffer: c_void_p, kind: _TensorType) -> None:
        """Write values into an input."""
        shape = tuple(kind.sizes[: kind.rank & 0x7F])
        values = np.ascontiguousarray(filler(shape, _TYPES.get(kind.element, "uint8")))
        address = c_void_p()
        self._call("LockTensorBuffer", buffer, byref(address), _WRITE)
        ctypes.memmove(address, values.ctypes.data, values.nbytes)
        self._call("UnlockTensorBuffer", buffer)

    def run(self) -> None:
        """Run once."""
        inputs, outputs = self._inputs, self._outputs
        sizes = c_size_t(len(inputs)), c_size_t(len(outputs))
        self._call(
            "RunCompiledModel", self._model, c_size_t(0), sizes[0], inputs, sizes[1], outputs
        )

    def plain(self, runs: int) -> list[int]:
        """Run so often with the profiler at rest and return the nanoseconds of each run."""
        times = []
        for _ in range(runs):
            start = time.perf_counter_ns()
            self.run()
            times.append(time.perf_counter_ns() - start)
        return times

    def profiled(self, runs: int) -> list[tuple[int, str, int, int]]:
        """Run so often and return kind, name, node and µs of each operator's event."""
        self._call("StartProfiler", self.profiler)
        for _ in range(runs):
            self.run()
        self._call("StopProfiler", self.profiler)
        count = c_int()
        self._call("GetNumProfilerEvents", self.profiler, byref(count))
        if not count.value:
            return []
        events = (_Event * count.value)()
        self._call("GetProfilerEvents", self.profiler, count, ctypes.cast(events, POINTER(_Event)))
        return [
            (event.kind, event.tag.decode(), int(event.node), int(event.elapsed_us))
            for event in events
            if event.kind in (_OPERATOR, _IN_DELEGATE) and event.graph == 0
        ]


def _forget(_: Any) -> None:
    """Leave the options' text to Python."""


def time_in_place(content: np.ndarray, threads: int, seconds: float) -> dict[str, Any]:
    """Time the operators of a file with LiteRT's profiler, as they run in the whole file.

    Args:
        content: Bytes of the file, uint8.
        threads: Threads for the kernels.
        seconds: About how long to measure; two stretches at least.

    Returns:
        ``kernels``: for each step of a run whether it is in a delegate, its name, its node;
        ``steps_us``, in whole microseconds, shape ``(runs, steps)``; ``whole_ns`` of runs
        in between without the profiler, shape ``(runs,)``.

    Raises:
        ModelError: If this LiteRT's profiler cannot be reached, or gives no steps.
    """
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(content.tobytes())
        file.flush()
        compiled = _Compiled(file.name, threads)
    first = compiled.profiled(1)
    if not first:
        raise ModelError("LiteRT's profiler recorded no operator.")
    stretch = max(1, min(_EVENTS_AT_ONCE // len(first), int(seconds / 8e-9 / compiled.plain(1)[0])))
    plain: list[int] = []
    blocks: list[np.ndarray] = []
    start = time.perf_counter()
    while len(blocks) < 2 or time.perf_counter() - start < seconds:
        plain += compiled.plain(stretch)
        elapsed = [event[3] for event in compiled.profiled(stretch)]
        blocks.append(np.array(elapsed, np.int64).reshape(-1, len(first)))
    kernels = [(kind == _IN_DELEGATE, name, node) for kind, name, node, _ in first]
    return {"kernels": kernels, "whole_ns": np.array(plain), "steps_us": np.concatenate(blocks)}
