"""What a device can be asked to do, by kind of message."""

from __future__ import annotations

import os
import platform
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfedge._version import __version__
from tfedge.core.errors import WorkerError
from tfedge.core.record_files import encode_record
from tfedge.core.records import Record
from tfedge.runtime.energy.energy import energy
from tfedge.runtime.interpreter import available_runtimes
from tfedge.runtime.latency.benchmark import benchmark
from tfedge.runtime.latency.compare import compare_latency
from tfedge.runtime.latency.profile import profile
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.remote.frames import Frame
from tfedge.runtime.runner import Runner

Batches = Iterator[list[np.ndarray]]
_OPEN: dict[str, Runner] = {}


def about() -> dict[str, Any]:
    """Return what this machine is and what is installed, as `RemoteInfo` has it.

    Example:
        >>> about()["numpy"] == np.__version__
        True
    """
    return {
        "host": socket.gethostname(),
        "system": platform.platform(terse=True),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": sys.executable,
        "python_version": platform.python_version(),
        "numpy": np.__version__,
        "runtimes": list(available_runtimes()),
        "tfedge": __version__,
    }


def _file(batches: Batches, name: str) -> TFLiteModel:
    """Return the file whose bytes come with the first batch."""
    return TFLiteModel(next(batches)[0].tobytes(), name)


def open_file(batches: Batches, key: str, name: str, options: dict) -> Iterator[Frame]:
    """Open a file under ``key``; answer what runs it."""
    runner = _OPEN[key] = Runner(_file(batches, name), **options)
    yield Frame("opened", {"runtime": runner.runtime, "chunk_samples": runner.chunk_samples()})


def stream(batches: Batches, key: str) -> Iterator[Frame]:
    """Answer each batch of codes with the outputs, in the order of the model's outputs."""
    if key not in _OPEN:
        raise WorkerError("The file is not open on the device any more. Open it again.")
    runner = _OPEN[key]
    names = [tensor.name for tensor in runner.model.inputs]
    fed = (dict(zip(names, arrays, strict=True)) for arrays in batches)
    for outputs in runner.stream(fed, raw=True):
        listed = [outputs] if isinstance(outputs, np.ndarray) else list(outputs.values())
        yield Frame("outputs", {"batch_size": runner.batch_size}, listed)


def close_file(batches: Batches, key: str) -> Iterator[Frame]:
    """Give back the memory of a file."""
    if key in _OPEN:
        _OPEN.pop(key).close()
    yield from ()


def measure(batches: Batches, names: list[str], several: bool, options: dict) -> Iterator[Frame]:
    """Answer the record of `tfedge.benchmark` for the files that come as batches."""
    files = [_file(batches, name) for name in names]
    yield _record(lambda: benchmark(files if several else files[0], verbose=0, **options))


def measure_energy(batches: Batches, names: list[str], options: dict) -> Iterator[Frame]:
    """Answer the record of `tfedge.energy` for the file that comes as a batch."""
    lite = _file(batches, names[0])
    yield _record(lambda: energy(lite, verbose=0, **options))


def measure_ratio(batches: Batches, names: list[str], options: dict) -> Iterator[Frame]:
    """Answer the record of `tfedge.compare_latency` for the two files that come as batches."""
    first, second = (_file(batches, name) for name in names)
    yield _record(lambda: compare_latency(first, second, verbose=0, **options))


def measure_operators(batches: Batches, names: list[str], options: dict) -> Iterator[Frame]:
    """Answer the record of `tfedge.profile` for a file, and maybe one to compare it with."""
    lite, *others = (_file(batches, name) for name in names)
    against = others[0] if others else None
    yield _record(lambda: profile(lite, against=against, verbose=0, **options))


def _record(measured: Callable[[], Record]) -> Frame:
    """Return the record that a function makes, with the warnings that it gave."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record = measured()
    said = [[type(item.message).__name__, str(item.message)] for item in caught]
    return Frame("record", {"record": encode_record(record), "warnings": said})


TASKS: dict[str, Callable[..., Iterator[Frame]]] = {
    "open": open_file,
    "stream": stream,
    "close": close_file,
    "benchmark": measure,
    "energy": measure_energy,
    "compare_latency": measure_ratio,
    "profile": measure_operators,
}
