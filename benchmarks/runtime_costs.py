"""What tfedge's run-time half costs: time over a bare invoke, memory, and its import.

Each is measured in fresh processes without TensorFlow: this file is also the script that they run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

MIB = 2**20
SAMPLES = 64
PROCESSES = 3


def overhead(path: Path, rounds: int) -> dict[str, Any]:
    """Return the best seconds of a bare invoke, of `Runner.predict`, and of it with codes."""
    return _in_process("time", str(path), str(rounds))


def memory(path: Path, way: str) -> dict[str, int]:
    """Return the bytes of each process of a way: ``"bare"`` or ``"runner"``."""
    found = [_in_process(way, str(path)) for _ in range(PROCESSES)]
    return min(found, key=lambda one: sum(one.values()))


def import_ms(times: int) -> tuple[float, float]:
    """Return the median ms of importing NumPy, and of importing it and `tfedge.runtime`."""
    spent = [
        [_import_ms(names) for names in ("numpy", "numpy, tfedge.runtime")] for _ in range(times)
    ]
    numpy_ms, ours = np.median(spent, axis=0)
    return float(numpy_ms), float(ours)


def _import_ms(names: str) -> float:
    """Return how long an import takes in a fresh process, in ms."""
    code = f"import time; s = time.perf_counter(); import {names}; print(time.perf_counter() - s)"
    return 1e3 * float(subprocess.check_output([sys.executable, "-c", code]))


def _in_process(*arguments: str) -> dict[str, Any]:
    """Return what a function of this file finds in a fresh process."""
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.check_output(command))


def _pss(process: int | str) -> int:
    """Return the bytes of a process, pages shared with others divided among them."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _children() -> list[str]:
    """Return the numbers of this process's children."""
    tasks = Path("/proc/self/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def _images(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield seeded images, float32, one after the other."""
    rng = np.random.default_rng(1)
    for _ in range(SAMPLES):
        yield rng.normal(size=shape).astype("float32")


def _bare(path: str) -> dict[str, int]:
    """Run a bare interpreter, image by image; return its memory."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = source["quantization"]
    for image in _images(tuple(source["shape"][1:])):
        codes = np.clip(np.round(image[None] / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], codes)
        interpreter.invoke()
        interpreter.get_tensor(target["index"])
    return {"parent": _pss("self")}


def _runner(path: str) -> dict[str, int]:
    """Run `tfedge.Runner` on the same images; return the memory of it and of its worker."""
    import tfedge

    runner = tfedge.Runner(path, batch_size=1)
    for image in _images(tuple(runner.model.inputs[0].shape[1:])):
        runner.predict(image[None])
    [child] = _children()
    return {"parent": _pss("self"), "worker": _pss(child)}


def _time(path: str, rounds: str) -> dict[str, Any]:
    """Time a bare invoke and `Runner.predict` in turns; return the best seconds of each."""
    import tfedge

    runner = tfedge.Runner(path)
    x = np.stack(list(_images(tuple(runner.model.inputs[0].shape[1:]))))
    codes = np.random.default_rng(2).integers(-128, 128, x.shape, np.int8)
    runner.predict(x)
    ways = {
        "invoke": _invokes(path, runner.batch_size),
        "predict": lambda: runner.predict(x),
        "raw": lambda: runner.predict(codes, raw=True),
    }
    best = dict.fromkeys(ways, np.inf)
    for _ in range(int(rounds)):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - start)
    return {"batch": runner.batch_size, **best}


def _invokes(path: str, batch: int) -> Callable[[], None]:
    """Return a function that invokes a bare interpreter for all samples, in batches."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    [source] = interpreter.get_input_details()
    shape = (batch, *source["shape"][1:])
    interpreter.resize_tensor_input(source["index"], shape)
    interpreter.allocate_tensors()
    codes = np.random.default_rng(0).integers(-128, 128, shape, np.int8)
    interpreter.set_tensor(source["index"], codes)

    def run() -> None:
        for _ in range(SAMPLES // batch):
            interpreter.invoke()

    return run


if __name__ == "__main__":
    done = {"bare": _bare, "runner": _runner, "time": _time}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(done))
