"""What a fresh worker measures of single operators: each as a file of its own, in turns.

This is the substitute where a runtime tells nothing about its operators. Each operator gets the
values that reach it in the whole file. What it cannot show: operators that a delegate fuses are
timed apart, and each finds its own data in the cache.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np

from tfedge.runtime.interpreter import open_interpreter
from tfedge.runtime.latency.surgery import only_operator
from tfedge.runtime.latency.timing import filler

_FEWEST = 10


def time_alone(
    content: np.ndarray, runtime: str, threads: int, seconds: float
) -> dict[str, np.ndarray]:
    """Time each operator of a file alone, the whole file, and a file without operators.

    Args:
        content: Bytes of the file, uint8.
        runtime: An installed runtime.
        threads: Threads for the kernels.
        seconds: About how long to measure; ten rounds at least.

    Returns:
        ``whole_ns``, shape ``(rounds,)``; ``operators_ns``, shape ``(rounds, operators)``, the
        cost of calling the interpreter taken off, NaN for operators that cannot run alone.
    """
    file = content.tobytes()
    ready = [_whole(file, runtime, threads), _empty(file, runtime, threads)]
    ready += _operators(file, runtime, threads)
    rows: list[list[float]] = []
    start = time.perf_counter()
    gc.disable()
    while len(rows) < _FEWEST or time.perf_counter() - start < seconds:
        rows.append([_once(item) for item in ready])
    gc.enable()
    times = np.array(rows, float)
    call = float(np.median(times[:, 1]))
    return {"whole_ns": times[:, 0], "operators_ns": np.maximum(times[:, 2:] - call, 0.0)}


def _once(interpreter: Any) -> float:
    """Return the nanoseconds of one run, NaN without an interpreter."""
    if interpreter is None:
        return float("nan")
    start = time.perf_counter_ns()
    interpreter.invoke()
    return float(time.perf_counter_ns() - start)


def _whole(file: bytes, runtime: str, threads: int) -> Any:
    """Return the interpreter of the whole file, run once."""
    interpreter = open_interpreter(runtime, file, threads=threads)
    return _fed(interpreter, {}, {})


def _empty(file: bytes, runtime: str, threads: int) -> Any:
    """Return the interpreter of a file that hands its first input on."""
    first = open_interpreter(runtime, file).get_input_details()[0]["index"]
    interpreter = open_interpreter(
        runtime, only_operator(file, None, [first], [first]), threads=threads
    )
    return _fed(interpreter, {}, {})


def _operators(file: bytes, runtime: str, threads: int) -> list[Any]:
    """Return an interpreter for each operator, None for those that cannot run alone."""
    source = open_interpreter(runtime, file, delegates=False, keep=True)
    details = source._get_ops_details()
    made = {int(index) for item in details for index in item["outputs"]}
    made |= {int(item["index"]) for item in source.get_input_details()}
    _fed(source, {}, {})
    found = []
    for number, item in enumerate(details):
        feeds = [int(index) for index in dict.fromkeys(item["inputs"]) if int(index) in made]
        outputs = [int(index) for index in item["outputs"]]
        try:
            values = {index: np.copy(source.get_tensor(index)) for index in feeds}
            alone = only_operator(file, number, feeds, outputs)
            interpreter = open_interpreter(runtime, alone, threads=threads)
            shapes = {index: value.shape for index, value in values.items()}
            found.append(_fed(interpreter, values, shapes))
        except (RuntimeError, ValueError):
            found.append(None)
    return found


def _fed(interpreter: Any, values: dict[int, np.ndarray], shapes: dict[int, tuple]) -> Any:
    """Return an interpreter with its inputs set, after one run."""
    for index, shape in shapes.items():
        interpreter.resize_tensor_input(index, shape, strict=False)
    interpreter.allocate_tensors()
    for item in interpreter.get_input_details():
        value = values.get(int(item["index"]))
        filled = filler(item["shape"], item["dtype"]) if value is None else value
        interpreter.set_tensor(item["index"], filled)
    interpreter.invoke()
    return interpreter


def delegated(content: np.ndarray, runtime: str) -> list[int]:
    """Return the positions of the operators that a delegate takes over.

    They are found by walking back from what each delegate writes to what it reads.

    Args:
        content: Bytes of the file, uint8.
        runtime: An installed runtime.
    """
    plain = open_interpreter(runtime, content.tobytes(), delegates=False)
    count = len(plain._get_ops_details())
    interpreter = open_interpreter(runtime, content.tobytes())
    interpreter.allocate_tensors()
    details = interpreter._get_ops_details()
    makers = {int(index): n for n, item in enumerate(details[:count]) for index in item["outputs"]}
    found: set[int] = set()
    for node in details[count:]:
        known = {int(index) for index in node["inputs"]}
        open_ends = [int(index) for index in node["outputs"]]
        while open_ends:
            index = open_ends.pop()
            maker = makers.get(index)
            if index in known or maker is None or maker in found:
                continue
            found.add(maker)
            open_ends += [int(one) for one in details[maker]["inputs"]]
    return sorted(found)
