"""Latency over numbers of threads, samples per run, or models: a record, a table, a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.core.tables import frame, text_table
from tfedge.runtime.latency.record import LatencyRecord
from tfedge.runtime.latency.tables import shown_ms

_HEAD = ("model", "threads", "batch", "p50 ms", "interval", "p99 ms", "samples/s", "memory")
_SHOWN = 32


@dataclass(frozen=True, repr=False)
class LatencySweep(Record):
    """Several measurements that took turns, so that their ratios hold on a busy machine.

    Attributes:
        records: One for each model, number of threads and samples per run, in that order.

    Example:
        >>> times = (0.2, 0.2, 0.199, 0.202, 0.3, 0.4, 5000.0, 1.0, 0.5)
        >>> LatencySweep(
        ...     (LatencyRecord("cnn", "litert", 1, 1, 99, *times, 60_000_000, 2_000_000, 0.0, 0.0),)
        ... )
        LatencySweep on litert
          model  threads  batch  p50 ms        interval  p99 ms  samples/s  memory
          cnn          1      1   0.200  0.199 to 0.202   0.400      5,000  2.0 MB
    """

    records: tuple[LatencyRecord, ...]

    def __repr__(self) -> str:
        """Return a table with a row for each measurement, and what is wrong with them."""
        rows = [
            (
                row.model[-_SHOWN:],
                str(row.threads),
                str(row.batch),
                shown_ms(row.p50_ms),
                f"{shown_ms(row.p50_low_ms)} to {shown_ms(row.p50_high_ms)}",
                shown_ms(row.p99_ms),
                f"{row.throughput_per_s:,.0f}",
                human_size(row.model_memory_bytes),
            )
            for row in self.records
        ]
        first = self.records[0]
        where = f"{first.runtime} at {first.on}" if first.on else first.runtime
        return "\n".join([f"LatencySweep on {where}", *text_table(_HEAD, rows)])

    def to_pandas(self) -> Any:
        """Return the measurements as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([record.to_dict() for record in self.records])

    def plot(self, axes: Any = None) -> Any:
        """Draw the latency over what was varied, with its intervals.

        A line for each model and number of threads if several batches were measured, over threads
        if not; bars if neither varied.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        axes = plain_frame(new_axes() if axes is None else axes)
        over = self._varied()
        axes.set(ylabel="median of a run in ms", title=f"Latency on {self.records[0].runtime}")
        if over is None:
            self._bars(axes)
            return axes
        for label, rows in self._lines(over).items():
            places = [getattr(row, over) for row in rows]
            below = [row.p50_ms - row.p50_low_ms for row in rows]
            above = [row.p50_high_ms - row.p50_ms for row in rows]
            medians = [row.p50_ms for row in rows]
            axes.errorbar(places, medians, (below, above), marker="o", capsize=3, label=label)
        axes.set(xlabel="samples per run" if over == "batch" else "threads", ylim=(0, None))
        axes.set_xticks(sorted({getattr(row, over) for row in self.records}))
        axes.legend()
        return axes

    def _varied(self) -> str | None:
        """Return which setting to draw along the axis: batch, else threads, else none."""
        for name in ("batch", "threads"):
            if len({getattr(row, name) for row in self.records}) > 1:
                return name
        return None

    def _lines(self, over: str) -> dict[str, list[LatencyRecord]]:
        """Return the measurements of each line of a plot, by its label."""
        lines: dict[str, list[LatencyRecord]] = {}
        for row in self.records:
            threads = f", {row.threads} thread{'s' if row.threads > 1 else ''}"
            label = f"{row.model}{threads if over == 'batch' else ''}"
            lines.setdefault(label, []).append(row)
        return lines

    def _bars(self, axes: Any) -> None:
        """Draw a bar for each model."""
        medians = [row.p50_ms for row in self.records]
        below = [row.p50_ms - row.p50_low_ms for row in self.records]
        above = [row.p50_high_ms - row.p50_ms for row in self.records]
        places = range(len(medians))
        bars = axes.bar(places, medians, 0.6, yerr=(below, above), capsize=3, color="#4C72B0")
        axes.bar_label(bars, [shown_ms(value) for value in medians], padding=3, fontsize=8)
        axes.set_xticks(places, [row.model for row in self.records])
