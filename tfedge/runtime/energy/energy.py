"""Energy of an inference, by whatever this machine can tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tfedge.core.checks import as_path, one_of, whole_number, within
from tfedge.core.errors import ArgumentError, MeterError, ModelError
from tfedge.core.progress import progress
from tfedge.runtime.energy.choose import choose_meter
from tfedge.runtime.energy.estimate import estimate_energy
from tfedge.runtime.energy.meters import AnyMeter
from tfedge.runtime.energy.record import EnergyRecord
from tfedge.runtime.energy.stretches import ROUNDS, Net, stretch_seconds, watch
from tfedge.runtime.interpreter import RUNTIMES, choose_runtime
from tfedge.runtime.latency.measure import Point, opened
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file
from tfedge.runtime.processors import warn_of_threads

METHODS = ("auto", "measured", "estimated")
_PURPOSE = "have its energy measured or estimated"
_WARM_UP_SECONDS = 0.1
_LONGEST_SECONDS = 3600.0


def energy(
    model: Any,
    *,
    method: str = "auto",
    meter: Any = None,
    threads: int = 1,
    runtime: str = "auto",
    seconds: float | None = None,
    sram_bytes: int = 1 << 20,
    root: str | Path = "/",
    verbose: int = 1,
    on: Any = None,
) -> EnergyRecord:
    """Return what one inference costs in energy, measured if the machine has a meter.

    **Measured**: nine stretches in which inferences follow each other, in a fresh process, between
    ten stretches of rest. The power at rest before and after is subtracted, so what is left is
    what the inference adds; the interval is that of the median of the stretches.

    **Estimated**, where there is no meter: multiply-accumulates by numeric type and bytes that
    operators move, with the figures of one paper for a process of 45 nm. Activations and weights
    lie in SRAM if they fit into ``sram_bytes``, else in DRAM. It serves to compare files with
    each other; a real device needs many times as much. The record's ``method`` says which it is.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        method: ``"measured"`` to refuse anything else, ``"estimated"`` not to look for meters,
            ``"auto"`` to measure if that is possible; else ``notes`` says why not.
        meter: ``"rapl"``, ``"battery"``, ``"hwmon"`` (the board's power sensor), the name of one
            channel of it such as ``"hwmon:ina3221 VDD_CPU"``, or a `tfedge.Meter` of your own;
            None for the first of hwmon, rapl and battery that is there.
        threads: Threads for the kernels.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or ``"micro"``
            (tflite-micro, one thread).
        seconds: How long to measure; None for as long as the meter needs: 5 seconds with rapl,
            4 minutes with most batteries.
        sram_bytes: Memory on the chip of the device that the estimate is for.
        root: Where ``sys`` is; another one where a container sees the host's.
        verbose: 0 for no progress bar.
        on: A device to measure on, over the user's own ssh: ``"ssh://user@host"`` or a
            `tfedge.RemoteDevice`. Meters are looked for there.

    Returns:
        An `EnergyRecord`, which prints a table, and has ``.battery_life()``, ``.to_pandas()`` and
        ``.plot()``.

    Raises:
        ArgumentError: If a setting is out of range, or the time too short for the meter.
        ModelError: If the file cannot be read or run.
        MeterError: If ``method="measured"`` or a meter was asked for and it is not there, may
            not be read, or reads what cannot be.
        MissingPackageError: If the runtime is not installed.
        DeviceError: If the device ``on`` cannot be reached, or went away.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> record = energy(sample_model(), method="estimated")
        >>> record.method, [one.name for one in record.operators]
        ('estimated', ['MUL'])

    Reference:
        Horowitz, "Computing's Energy Problem (and what we can do about it)", ISSCC 2014, figure
        1.1.9.
    """
    root = as_path("root", root)
    settings: dict[str, Any] = {"method": method, "threads": threads, "runtime": runtime}
    settings |= {"seconds": seconds, "sram_bytes": sram_bytes}
    _check(method, meter, threads, seconds, sram_bytes)
    one_of("runtime", runtime, ("auto", *RUNTIMES, "micro"))
    lite = opened_file(model, _PURPOSE)
    if on is not None:
        return _elsewhere(on, lite, meter, {**settings, "root": str(root)})
    chosen, note = _meter(method, meter, root)
    if chosen is None:
        return _estimated(lite, sram_bytes, note)
    warn_of_threads(threads)
    stretch = stretch_seconds(chosen, seconds)
    point = Point(lite, choose_runtime(runtime, micro=True), threads, None)
    return _measured(point, chosen, _watched(point, chosen, stretch, verbose), sram_bytes)


def _check(method: str, meter: Any, threads: int, seconds: float | None, sram_bytes: int) -> None:
    """Raise for a setting that is out of range."""
    one_of("method", method, METHODS)
    if method == "estimated" and meter is not None:
        raise ArgumentError(
            f"method='estimated' reads no meter, and meter={meter!r} was given. Leave one out."
        )
    whole_number("threads", threads)
    within("seconds", 1.0 if seconds is None else seconds, 0.0, _LONGEST_SECONDS)
    whole_number("sram_bytes", sram_bytes, least=0)


def _elsewhere(on: Any, lite: TFLiteModel, meter: Any, settings: dict[str, Any]) -> EnergyRecord:
    """Measure on a device over ssh."""
    from tfedge.runtime.remote.measuring import energy_on

    if not (meter is None or isinstance(meter, str)):
        raise ArgumentError(
            f"meter={meter!r} is an object of this machine and cannot travel to the device. Name a "
            "meter of the device, such as 'rapl' or 'hwmon', or call tfedge.energy there."
        )
    return energy_on(on, lite, meter=meter, **settings)


def _meter(method: str, meter: Any, root: str | Path) -> tuple[AnyMeter | None, str]:
    """Return the meter, or none and why."""
    if method == "estimated":
        return None, ""
    try:
        return choose_meter(meter, root), ""
    except MeterError as error:
        if method == "measured" or meter is not None:
            raise
        return None, f"Not measured: {error}"


def _estimated(lite: TFLiteModel, sram_bytes: int, note: str) -> EnergyRecord:
    """Return the record of an estimate."""
    found = estimate_energy(lite, sram_bytes)
    return EnergyRecord(
        model=lite.name,
        method="estimated",
        energy_uj=found.middle_uj,
        energy_low_uj=found.low_uj,
        energy_high_uj=found.high_uj,
        estimated_uj=found.middle_uj,
        operators=found.operators,
        assumptions=found.assumptions,
        notes=(note,) if note else (),
    )


def _watched(point: Point, meter: AnyMeter, stretch_s: float, verbose: int) -> Net:
    """Return what the meter sees while a fresh process runs the file."""
    with (
        opened([point], [0]) as group,
        progress(point.model.name, ROUNDS, verbose, unit="stretch") as advance,
    ):
        group.call("warm_up", _WARM_UP_SECONDS)
        return watch(meter, lambda seconds: group.call("run_for", seconds), stretch_s, advance)


def _measured(point: Point, meter: AnyMeter, net: Net, sram_bytes: int) -> EnergyRecord:
    """Return the record of a measurement, with the estimate beside it where there is one."""
    try:
        beside, notes = _estimated(point.model, sram_bytes, ""), []
    except ModelError as error:
        beside, notes = EnergyRecord("", "", 0, 0, 0), [f"No estimate by operator: {error}"]
    if net.low <= 0:
        notes.append(
            "The interval reaches down to 0: what the inference needs cannot be told from how "
            "much the power at rest varies. Quiet the machine, give more seconds=, or take a finer "
            "meter."
        )
    return replace(
        beside,
        model=point.model.name,
        method="measured",
        energy_uj=1e6 * net.joules,
        energy_low_uj=1e6 * net.low,
        energy_high_uj=1e6 * net.high,
        meter=meter.name,
        idle_w=net.idle_w,
        busy_w=net.busy_w,
        latency_ms=1e3 * net.seconds,
        runs=net.runs,
        runtime=point.runtime,
        threads=point.threads,
        assumptions=(*_suppositions(meter, net), *(f"Estimate. {t}" for t in beside.assumptions)),
        notes=tuple(notes),
    )


def _suppositions(meter: AnyMeter, net: Net) -> tuple[str, ...]:
    """Return what a measurement supposes, one sentence each."""
    covers = getattr(meter, "covers", "")
    return (
        f"Measured by {meter.name}: {covers or 'what it is connected to'}, and all that ran there.",
        f"Idle power, {net.idle_w:.4g} W on average between the stretches of work, was subtracted.",
        "Duty: inferences follow each other, so caches are warm and the clock of the processor is "
        "that of constant work. A lone inference can need more.",
    )
