"""Latency with its intervals."""

from __future__ import annotations

from typing import Any

from tfedge.core.sizes import human_size
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import WARN, Cell, Chart, Note, Section, Table, row
from tfedge.report.writing.charts.spread import Times, intervals
from tfedge.report.writing.numbers import milliseconds, plural, times
from tfedge.runtime.latency.record import LatencyRecord


def latency(report: ModelReport) -> Section | None:
    """Return the times of the file, alone and against the float32 file.

    Args:
        report: The report.
    """
    ratio, alone = report.latency_ratio, report.latency
    rows: list[tuple[str, LatencyRecord, str]] = []
    if ratio is not None:
        rows = [
            ("float32, in turns", ratio.first, "before"),
            ("this file, in turns", ratio.second, "after"),
        ]
    if alone is not None:
        rows.append(("this file, alone", alone, "after"))
    if not rows:
        return None
    blocks: list[Any] = []
    if ratio is not None:
        blocks.append(Note(_said(ratio.ratio, ratio.ratio_low, ratio.ratio_high, ratio.differs)))
    drawn = [_times(*one) for one in rows]
    legend = (
        "Block: the 95 % interval of the median. Lines: the 90th and 99th percentile; an arrow "
        "where it is further out, the table has the figure."
    )
    svg = intervals(drawn, "Time for one run", lambda ms: f"{ms:.3g} ms")
    blocks += [Chart(svg, legend), _table(rows)]
    noise = [f"{label}: {'; '.join(one.noise)}" for label, one, _ in rows if one.noise]
    if noise:
        blocks.append(Note(f"Take these times with care. {'. '.join(noise)}.", WARN))
    return Section("latency", "Latency", tuple(blocks), report.how.get("latency", ""))


def _said(ratio: float, low: float, high: float, differs: bool) -> str:
    """Return the ratio in words."""
    sure = f"95 % sure: {times(low)} to {times(high)}"
    if not differs:
        return f"No sure difference: the float32 file takes {times(ratio)} times as long ({sure})."
    return (
        f"The float32 file takes {times(ratio)} times as long as this file ({sure}). The two ran "
        "in turns, so that a busy moment fell on both."
    )


def _times(label: str, one: LatencyRecord, kind: str) -> Times:
    """Return the row of a chart."""
    return Times(label, one.p50_low_ms, one.p50_ms, one.p50_high_ms, one.p90_ms, one.p99_ms, kind)


def _table(rows: list[tuple[str, LatencyRecord, str]]) -> Table:
    """Return all figures."""
    lines = []
    for label, one, _ in rows:
        sure = f"{milliseconds(one.p50_low_ms)} to {milliseconds(one.p50_high_ms)}"
        lines.append(
            row(
                label,
                Cell(milliseconds(one.p50_ms), one.p50_ms),
                Cell(sure, one.p50_low_ms),
                Cell(milliseconds(one.p90_ms), one.p90_ms),
                Cell(milliseconds(one.p99_ms), one.p99_ms),
                Cell(f"{one.throughput_per_s:,.0f}", one.throughput_per_s),
                Cell(milliseconds(one.load_ms), one.load_ms),
                Cell(human_size(one.peak_memory_bytes), one.peak_memory_bytes),
                Cell(f"{one.runs:,}", one.runs),
            )
        )
    head = ("file", "median", "95 % sure", "p90", "p99", "samples/s", "loading", "peak RSS", "runs")
    one = rows[-1][1]
    caption = f"Times on {one.runtime}, {plural(one.threads, 'thread')}, batch {one.batch}"
    return Table(caption, head, tuple(lines))
