"""How near each operator comes to what the machine can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record
from tfedge.core.tables import frame, text_table
from tfedge.runtime.latency.peak import MachinePeak, machine_peak
from tfedge.runtime.latency.profile import profile
from tfedge.runtime.latency.profile_record import ModelProfile
from tfedge.runtime.latency.tables import shown_ms

_HEAD = ("operator", "type", "ms", "op/byte", "Gop/s", "of peak", "bound by")
_LISTED = 12
_INT8 = ("int8", "uint8", "int4", "dynamic-int8", "dynamic-int4")


@dataclass(frozen=True, repr=False)
class RooflinePoint(Record):
    """One operator under the roof.

    Attributes:
        index: Position in the order of execution.
        name: Name of the operator.
        numeric_type: What it computes in.
        time_ms: Time in one run.
        intensity: Operations for each byte of inputs, weights and outputs.
        gops: Billions of operations per second that it reached.
        roof_gops: What the machine could do at that intensity, from its cache.
        bound: ``"compute"`` or ``"bytes"``, whichever sets the roof.

    Example:
        >>> RooflinePoint(0, "CONV_2D", "int8", 0.01, 50.0, 400.0, 800.0, "compute").efficiency
        0.5
    """

    index: int
    name: str
    numeric_type: str
    time_ms: float
    intensity: float
    gops: float
    roof_gops: float
    bound: str

    @property
    def efficiency(self) -> float:
        """Part of the roof that it reached; timings can put it slightly above 1."""
        return self.gops / self.roof_gops


@dataclass(frozen=True, repr=False)
class Roofline(Record):
    """A file against the machine's measured peak.

    Attributes:
        model: Name of the model.
        runtime: Which interpreter ran it.
        peak: What the machine can do at most.
        gops: Billions of operations per second of the whole file.
        points: Operators with multiply-accumulates, in the order of execution.

    Example:
        >>> peak = MachinePeak("litert", 1, 240.0, 800.0, 9.5, 60.0)
        >>> point = RooflinePoint(0, "CONV_2D", "int8", 0.01, 50.0, 400.0, 800.0, "compute")
        >>> Roofline("cnn", "litert", peak, 380.0, (point,))
        'cnn' on litert: 380.0 Gop/s
          operator   type    ms  op/byte  Gop/s  of peak  bound by
          0 CONV_2D  int8  0.01     50.0  400.0      50%   compute
          Peak of this machine, 1 thread: 240 Gop/s float32, 800 Gop/s int8 (litert)
            9.5 GB/s memory, 60.0 GB/s cache
    """

    model: str
    runtime: str
    peak: MachinePeak
    gops: float
    points: tuple[RooflinePoint, ...]

    def __repr__(self) -> str:
        """Return the operators that take most time, and the peak."""
        slowest = sorted(self.points, key=lambda one: -one.time_ms)[:_LISTED]
        rows = [
            (
                f"{one.index} {one.name}",
                one.numeric_type,
                shown_ms(one.time_ms),
                f"{one.intensity:.1f}",
                f"{one.gops:.1f}",
                f"{one.efficiency:.0%}",
                one.bound,
            )
            for one in slowest
        ]
        lines = [f"{self.model!r} on {self.runtime}: {self.gops:.1f} Gop/s"]
        lines += text_table(_HEAD, rows)
        if len(slowest) < len(self.points):
            lines.append(f"  … and {len(self.points) - len(slowest)} faster ones")
        return "\n".join([*lines, *(f"  {line}" for line in repr(self.peak).split("\n"))])

    def to_pandas(self) -> Any:
        """Return the operators as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([{**one.to_dict(), "efficiency": one.efficiency} for one in self.points])

    def plot(self, axes: Any = None) -> Any:
        """Draw operations per second over operations per byte, under the roof of the machine.

        The area of a point grows with the operator's time.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        axes = plain_frame(new_axes() if axes is None else axes)
        axes.set(xscale="log", yscale="log", xlabel="operations per byte", ylabel="Gop/s")
        threads = f"{self.peak.threads} thread" + ("s" if self.peak.threads > 1 else "")
        axes.set_title(f"{self.model} on {self.runtime}, {threads}")
        self._slopes(axes)  # first: they span both axes, which a single level line does not
        longest = max((one.time_ms for one in self.points), default=1.0)
        for integer, colour, label in ((False, "#4C72B0", "float32"), (True, "#DD8452", "int8")):
            peak = self.peak.int8_gops if integer else self.peak.float32_gops
            axes.axhline(peak, color=colour, linewidth=1, label=f"peak {label}")
            mine = [one for one in self.points if (one.numeric_type in _INT8) is integer]
            if mine:
                sizes = [15 + 120 * one.time_ms / longest for one in mine]
                where = [one.intensity for one in mine], [one.gops for one in mine]
                axes.scatter(*where, sizes, color=colour, alpha=0.6, label=f"{label} operators")
        axes.legend(fontsize=8)
        return axes

    def _slopes(self, axes: Any) -> None:
        """Draw what bytes allow: memory and cache, each up to the highest peak."""
        top = max(self.peak.float32_gops, self.peak.int8_gops)
        for rate, label, style in (
            (self.peak.cache_gb_per_s, "cache", "-"),
            (self.peak.memory_gb_per_s, "memory", "--"),
        ):
            low = min([1.0, *(one.intensity for one in self.points)]) / 2
            axes.plot(
                [low, top / rate],
                [low * rate, top],
                style,
                color="#777777",
                linewidth=1,
                label=label,
            )


def roofline(
    model: Any,
    *,
    threads: int = 1,
    runtime: str = "auto",
    seconds: float = 2.0,
    verbose: int = 1,
) -> Roofline:
    """Measure how near the operators of a file come to what this machine can do.

    The file is profiled (`tfedge.profile`) and set against the machine's own peak, measured here
    (`tfedge.runtime.latency.peak.machine_peak`). An operator with few operations for each byte
    that it moves cannot reach the peak of operations: its roof is what the cache delivers.

    Args:
        model: A `TFLiteModel`, the path or bytes of a ``.tflite`` file, or a profile of one that
            was made on this machine.
        threads: Threads for the kernels.
        runtime: ``"auto"``, ``"litert"``, ``"tflite-runtime"`` or ``"tf.lite"``.
        seconds: About how long to profile.
        verbose: 0 for no progress bar.

    Returns:
        A :class:`Roofline`, which prints a table, and has ``.to_pandas()`` and ``.plot()``.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If the file cannot be read or run.

    Example:
        >>> from tfedge.runtime.latency.product import product_file
        >>> found = roofline(product_file("int8", 64, 256, 256), seconds=0.1, verbose=0)
        >>> [(one.name, round(one.intensity)) for one in found.points]
        [('FULLY_CONNECTED', 85)]

    Reference:
        Williams, Waterman and Patterson, "Roofline", Communications of the ACM 52(4), 2009.
    """
    if not isinstance(model, ModelProfile):
        settings: dict[str, Any] = {"threads": threads, "runtime": runtime, "seconds": seconds}
        model = profile(model, **settings, verbose=verbose)
    peak = machine_peak("auto", model.threads)
    macs = sum(one.macs for one in model.operators)
    gops = 2e-6 * macs / model.latency_ms
    return Roofline(model.model, model.runtime, peak, gops, _points(model, peak))


def _points(found: ModelProfile, peak: MachinePeak) -> tuple[RooflinePoint, ...]:
    """Return the operators that have operations and were timed."""
    points = []
    for one in found.operators:
        if not (one.macs and one.time_ms):
            continue
        intensity = 2 * one.macs / one.moved_bytes
        top = peak.int8_gops if one.numeric_type in _INT8 else peak.float32_gops
        slope = intensity * peak.cache_gb_per_s
        bound = "bytes" if slope < top else "compute"
        what = (one.index, one.name, one.numeric_type, one.time_ms)
        points.append(RooflinePoint(*what, intensity, one.gops, min(top, slope), bound))
    return tuple(points)
