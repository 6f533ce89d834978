"""What an inference costs in energy: a record, a table, a plot."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record
from tfedge.core.tables import frame, text_table
from tfedge.runtime.energy.battery_life import BatteryLife, battery_hours, shown_w
from tfedge.runtime.latency.tables import shown_ms

_HEAD = ("operator", "type", "MACs", "bytes", "compute µJ", "memory µJ", "share")
_LISTED, _DRAWN, _NAME = 10, 30, 44
_WRAPPED: dict[str, Any] = {"width": 98, "initial_indent": "  - ", "subsequent_indent": "    "}


@dataclass(frozen=True, repr=False)
class OperatorEnergy(Record):
    """What one operator costs in one run, always estimated.

    Attributes:
        index: Position in the order of execution.
        name: Name of the operator, such as ``"CONV_2D"``.
        output: Name of the tensor that it writes.
        numeric_type: What it computes in, as in `tfedge.runtime.OperatorInfo`.
        macs: Multiply-accumulates.
        activation_bytes: Inputs and outputs, each once.
        weight_bytes: Constants that it reads.
        compute_uj: Energy of the multiply-accumulates.
        memory_uj: Energy of the bytes.

    Example:
        >>> OperatorEnergy(0, "CONV_2D", "y", "int8", 10**6, 3000, 500, 0.3, 0.01).energy_uj
        0.31
    """

    index: int
    name: str
    output: str
    numeric_type: str
    macs: int
    activation_bytes: int
    weight_bytes: int
    compute_uj: float
    memory_uj: float

    @property
    def energy_uj(self) -> float:
        """Both together."""
        return self.compute_uj + self.memory_uj


@dataclass(frozen=True, repr=False)
class EnergyRecord(Record):
    """What one inference (one run of the file) costs in energy.

    Attributes:
        model: Name of the model.
        method: ``"measured"`` by a meter, or ``"estimated"`` from the file.
        energy_uj: Energy of one run above idle, in µJ.
        energy_low_uj: Measured: lower end of the 95 % interval. Estimated: with the least that
            DRAM needs.
        energy_high_uj: Upper end, the same way.
        meter: Name of the meter; None for an estimate.
        idle_w: Power at rest, which was subtracted; None for an estimate.
        busy_w: Power while inferences follow each other; None for an estimate.
        latency_ms: Mean time of a run meanwhile; None for an estimate.
        runs: Number of measured runs; 0 for an estimate.
        runtime: Which interpreter ran; None for an estimate.
        threads: Threads for its kernels; None for an estimate.
        estimated_uj: What the estimate says, beside a measurement too; None if there is none.
        operators: What each costs by the estimate, in the order of execution.
        assumptions: What the figures suppose, one sentence each.
        notes: Why nothing was measured, or what makes the measurement hard to trust.
        on: Address of the device, None for this machine.

    Example:
        >>> conv = OperatorEnergy(0, "CONV_2D", "y", "int8", 10**6, 3000, 500, 0.3, 0.01)
        >>> EnergyRecord("cnn", "estimated", 0.31, 0.31, 0.31, operators=(conv,), estimated_uj=0.31)
        'cnn': 0.31 µJ for one inference (estimated)
          operator   type       MACs  bytes  compute µJ  memory µJ  share
          0 CONV_2D  int8  1,000,000  3,500         0.3       0.01   100%
    """

    model: str
    method: str
    energy_uj: float
    energy_low_uj: float
    energy_high_uj: float
    meter: str | None = None
    idle_w: float | None = None
    busy_w: float | None = None
    latency_ms: float | None = None
    runs: int = 0
    runtime: str | None = None
    threads: int | None = None
    estimated_uj: float | None = None
    operators: tuple[OperatorEnergy, ...] = ()
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    on: str | None = None

    def battery_life(
        self,
        capacity_wh: float,
        *,
        inferences_per_s: float | None = None,
        duty: float | None = None,
        idle_w: float | None = None,
        latency_ms: float | None = None,
    ) -> BatteryLife:
        """Return how long a battery lasts with this file at work.

        ``hours = capacity_wh / (idle_w + inferences_per_s * energy_uj / 1e6)``.

        Args:
            capacity_wh: What the battery holds, in watt-hours: mAh times volts over 1000.
            inferences_per_s: How many inferences there are on average; 0.1 for one in ten seconds.
            duty: Instead of them, the part of the time in which the device infers, in (0, 1].
            idle_w: Power between inferences, in watts; None for what was measured. An estimate
                knows none.
            latency_ms: Time of an inference on the device; None for what was measured.

        Returns:
            A `BatteryLife` with hours, the terms and the formula.

        Raises:
            ArgumentError: If a figure cannot be or is missing.

        Example:
            >>> record = EnergyRecord("cnn", "estimated", 50.0, 50.0, 50.0)
            >>> print(f"{record.battery_life(1.0, inferences_per_s=100, idle_w=0.005).hours:.0f}")
            100
        """
        idle = self.idle_w if idle_w is None else idle_w
        if idle is None:
            raise ArgumentError(
                "idle_w=None: an estimate knows nothing of the device at rest, which empties most "
                "batteries. Pass the power that the device draws between inferences, in watts."
            )
        return battery_hours(
            capacity_wh,
            energy_uj=self.energy_uj,
            idle_w=idle,
            inferences_per_s=inferences_per_s,
            duty=duty,
            latency_ms=self.latency_ms if latency_ms is None else latency_ms,
            method=self.method,
        )

    def largest(self, count: int = _LISTED) -> tuple[OperatorEnergy, ...]:
        """Return the operators that cost most by the estimate, the largest first.

        Args:
            count: How many.
        """
        return tuple(sorted(self.operators, key=lambda one: -one.energy_uj)[:count])

    def to_pandas(self) -> Any:
        """Return the operators as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([{**one.to_dict(), "energy_uj": one.energy_uj} for one in self.operators])

    def __repr__(self) -> str:
        """Return energy and how it is known, the operators, and what it supposes."""
        lines = [self._title(), *self._measured_lines()]
        shown = self.largest()
        if shown:
            lines += text_table(_HEAD, [_cells(one, self.estimated_uj) for one in shown])
        if len(shown) < len(self.operators):
            lines.append(f"  … and {len(self.operators) - len(shown)} more with less")
        lines += [textwrap.fill(text, **_WRAPPED) for text in (*self.notes, *self.assumptions)]
        return "\n".join(lines)

    def _title(self) -> str:
        """Return the first line."""
        where = f" at {self.on}" if self.on else ""
        how = self.method if self.meter is None else f"{self.method} by {self.meter}"
        spread = f" ({self.energy_low_uj:.4g} to {self.energy_high_uj:.4g})"
        spread = spread if self.energy_low_uj < self.energy_high_uj else ""
        return f"{self.model!r}{where}: {self.energy_uj:.4g} µJ{spread} for one inference ({how})"

    def _measured_lines(self) -> list[str]:
        """Return what was measured beside the energy."""
        if self.latency_ms is None or self.idle_w is None or self.busy_w is None:
            return []
        threads = f"{self.threads} thread" + ("s" if self.threads != 1 else "")
        lines = [
            f"  {self.runs:,} runs of {shown_ms(self.latency_ms)} ms on {self.runtime}, {threads}",
            f"  {shown_w(self.busy_w)} at work, {shown_w(self.idle_w)} idle subtracted",
        ]
        if self.estimated_uj is not None:
            lines.append(f"  estimated from the file: {self.estimated_uj:.4g} µJ, by operator:")
        return lines

    def plot(self, axes: Any = None) -> Any:
        """Draw a bar for each operator, what it computes beside what it moves, as estimated.

        Of a large file the thirty that cost most are drawn, in the order of execution.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        shown = sorted(self.largest(_DRAWN), key=lambda one: one.index)
        axes = plain_frame(new_axes(7, 1.5 + 0.25 * len(shown)) if axes is None else axes)
        places = range(len(shown))
        compute = [one.compute_uj for one in shown]
        memory = [one.memory_uj for one in shown]
        axes.barh(places, compute, color="#4C72B0", label="multiply-accumulates")
        axes.barh(places, memory, left=compute, color="#DD8452", label="bytes moved")
        axes.set_yticks(places, [f"{one.index} {one.name} {one.numeric_type}" for one in shown])
        axes.invert_yaxis()
        axes.set(xlabel="µJ in one run, estimated", title=self._title())
        axes.legend()
        return axes


def _cells(one: OperatorEnergy, total: float | None) -> tuple[str, ...]:
    """Return a row of the table."""
    return (
        f"{one.index} {one.name}"[:_NAME],
        one.numeric_type,
        f"{one.macs:,}",
        f"{one.activation_bytes + one.weight_bytes:,}",
        f"{one.compute_uj:.3g}",
        f"{one.memory_uj:.3g}",
        f"{one.energy_uj / total:.0%}" if total else "–",
    )
