"""Times of the operators of a file: from the runtime's profiler where it can be reached."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfedge.core.checks import one_of, whole_number, within
from tfedge.core.errors import ModelError
from tfedge.core.progress import progress
from tfedge.runtime.costs import operator_bytes, operator_macs
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.latency.alignment import align
from tfedge.runtime.latency.benchmark import TIMED
from tfedge.runtime.latency.compare import LatencyRatio, compare_latency
from tfedge.runtime.latency.findings import findings, flags
from tfedge.runtime.latency.profile_record import ModelProfile, OperatorProfile
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file
from tfedge.runtime.processors import warn_of_threads
from tfedge.runtime.refusals import too_old
from tfedge.runtime.worker import Worker, WorkerCallError

METHODS = ("auto", "profiler", "alone")
_LONGEST_SECONDS = 3600.0
_FINE_MS = 0.004


class _Times(NamedTuple):
    """Time of each operator in ms (NaN: unknown), of a whole run, and the kernels' names."""

    method: str
    operators_ms: np.ndarray
    whole_ms: float
    kernels: list[str]


def profile(
    model: Any,
    *,
    against: Any = None,
    threads: int = 1,
    runtime: str = "auto",
    method: str = "auto",
    seconds: float = 2.0,
    verbose: int = 1,
    on: Any = None,
) -> ModelProfile:
    """Measure where the time of a file goes, operator by operator.

    ``method="profiler"`` asks LiteRT's own profiler, which times kernels in place, inside
    delegates too, in whole microseconds, cut down. ``"alone"`` works with every runtime: each
    operator is cut out as a file of its own and run with the values that reach it in the whole
    file. ``"auto"`` takes the profiler where it can be reached and operators take four
    microseconds on average, so that its clock is fine enough.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        against: Another file to compare latency with, such as the float file of an integer one.
        threads: Threads for the kernels.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"`` or ``"tf.lite"``.
        method: ``"auto"``, ``"profiler"`` or ``"alone"``.
        seconds: About how long to measure.
        verbose: 0 for no progress bar.
        on: A device to measure on, over the user's own ssh: ``"ssh://user@host"`` or a
            `tfedge.RemoteDevice`. It needs Python with NumPy and a runtime; nothing is installed.

    Returns:
        A :class:`ModelProfile` with time, multiply-accumulates, bytes, numeric type and delegate
        of each operator, and what slows the file down. It has ``.to_pandas()`` and ``.plot()``.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If the file cannot be run, or the profiler is asked for and out of reach.
        MissingPackageError: If the runtime is not installed.
        DeviceError: If the device ``on`` cannot be reached, or went away.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> found = profile(sample_model(), seconds=0.1, verbose=0)
        >>> [(one.name, one.numeric_type, one.moved_bytes) for one in found.operators]
        [('MUL', 'float32', 28)]
    """
    if on is not None:
        settings: dict[str, Any] = {"threads": threads, "runtime": runtime}
        return _elsewhere(on, model, against, settings | {"method": method, "seconds": seconds})
    one_of("method", method, METHODS)
    whole_number("threads", threads)
    within("seconds", seconds, 0.0, _LONGEST_SECONDS)
    warn_of_threads(threads)
    lite, chosen = opened_file(model, TIMED), choose_runtime(runtime)
    with progress(lite.name, 2, verbose, unit="step") as advance:
        times = _measured(lite, chosen, threads, method, seconds)
        advance(1)
        taken = _in_worker("alone:delegated", lite, chosen, runtime=chosen)
        ratio = _ratio(lite, against, threads, chosen, seconds)
        advance(1)
    return _record(lite, chosen, threads, times, set(taken), ratio)


def _elsewhere(on: Any, model: Any, against: Any, settings: dict[str, Any]) -> ModelProfile:
    """Measure on a device over ssh."""
    from tfedge.runtime.remote.measuring import profile_on

    models = [model] if against is None else [model, against]
    return profile_on(on, [opened_file(one, TIMED) for one in models], **settings)


def _measured(lite: TFLiteModel, runtime: str, threads: int, method: str, seconds: float) -> _Times:
    """Return the times of the operators by the best method that works."""
    if method == "profiler" and runtime != "litert":
        raise ModelError(
            f"method='profiler' needs LiteRT; {runtime} tells nothing about its operators. Use "
            "runtime='litert', or method='alone', which times each operator as a file of its own."
        )
    if method != "alone" and runtime == "litert":
        try:
            found = _profiled(lite, threads, seconds)
        except ModelError:
            if method == "profiler":
                raise
        else:
            if method == "profiler" or found.operators_ms.mean() >= _FINE_MS:
                return found
    return _alone(lite, runtime, threads, seconds)


def _in_worker(function: str, lite: TFLiteModel, *args: Any, runtime: str = "litert") -> Any:
    """Call a function of this room on the bytes of a file, in a fresh worker.

    Raises:
        ModelError: If the file cannot be run, or ends the process.
    """
    with Worker("profile") as worker:
        try:
            content = np.frombuffer(lite.content, np.uint8)
            return worker.call(f"tfedge.runtime.latency.{function}", content, *args)
        except WorkerCallError as failure:
            reason = too_old(str(failure), runtime) or failure
            raise ModelError(f"{lite.name!r} cannot be profiled: {reason}") from failure


def _alone(lite: TFLiteModel, runtime: str, threads: int, seconds: float) -> _Times:
    """Return medians of the operators, each run alone."""
    found = _in_worker("alone:time_alone", lite, runtime, threads, seconds, runtime=runtime)
    medians = np.median(found["operators_ns"], axis=0) / 1e6
    return _Times("alone", medians, float(np.median(found["whole_ns"])) / 1e6, [""] * len(medians))


def _profiled(lite: TFLiteModel, threads: int, seconds: float) -> _Times:
    """Return means of the middle half of the runs, as LiteRT's profiler saw them."""
    found = _in_worker("native:time_in_place", lite, threads, seconds)
    steps = _middle_mean(found["steps_us"]) / 1e3
    places = _places(lite, found["kernels"])
    times, names = np.zeros(len(lite.operators)), [""] * len(lite.operators)
    for place, time_ms, (_, name, _) in zip(places, steps, found["kernels"], strict=True):
        times[place] += time_ms
        names[place] = f"{names[place]} + {name}" if names[place] else name
    return _Times("profiler", times, float(np.median(found["whole_ns"])) / 1e6, names)


def _middle_mean(times: np.ndarray) -> np.ndarray:
    """Return the mean of the middle half along the first axis."""
    ordered, quarter = np.sort(times, axis=0), len(times) // 4
    return ordered[quarter : len(times) - quarter].mean(axis=0)


def _places(lite: TFLiteModel, kernels: list[tuple[bool, str, int]]) -> list[int]:
    """Return the operator of each step: by its number, or by aligning those in the delegate."""
    own = {node for inside, _, node in kernels if not inside}
    taken = [one.index for one in lite.operators if one.index not in own]
    inside = [name for within_delegate, name, _ in kernels if within_delegate]
    aligned = iter(align([lite.operators[n].name for n in taken], inside))
    return [taken[next(aligned)] if within else node for within, _, node in kernels]


def _ratio(
    lite: TFLiteModel, other: Any, threads: int, runtime: str, seconds: float
) -> LatencyRatio | None:
    """Return how the latency compares with that of another file."""
    if other is None:
        return None
    return compare_latency(
        lite, other, threads=threads, runtime=runtime, seconds=seconds, verbose=0
    )


def _record(
    lite: TFLiteModel,
    runtime: str,
    threads: int,
    times: _Times,
    taken: set[int],
    ratio: LatencyRatio | None,
) -> ModelProfile:
    """Return the record of what was measured."""
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    total = float(np.nansum(times.operators_ms))
    operators = tuple(
        OperatorProfile(
            index=one.index,
            name=one.name,
            output=one.output,
            numeric_type=one.numeric_type,
            time_ms=None if np.isnan(time_ms) else float(time_ms),
            share=float(np.nan_to_num(time_ms) / total) if total else 0.0,
            macs=operator_macs(one, tensors),
            moved_bytes=operator_bytes(one, tensors),
            delegated=one.index in taken,
            kernel=kernel,
            flags=flags(lite, one, one.index in taken),
        )
        for one, time_ms, kernel in zip(
            lite.operators, times.operators_ms, times.kernels, strict=True
        )
    )
    accounted = total / times.whole_ms
    said = findings(operators, runtime, accounted, ratio)
    settings = (lite.name, runtime, threads, times.method, times.whole_ms, accounted)
    return ModelProfile(*settings, operators, said, ratio)
