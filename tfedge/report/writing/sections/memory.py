"""The arena: what is in memory while each operator runs."""

from __future__ import annotations

from typing import Any

from tfedge.core.sizes import human_size
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Cell, Chart, Note, Section, Table, row
from tfedge.report.writing.charts.bars import Column, columns
from tfedge.report.writing.numbers import plural
from tfedge.runtime.memory.record import MemoryRecord

_HOW = "planned by the life-times of tensors, as tflite-micro plans its arena; nothing was run"


def memory(report: ModelReport) -> Section | None:
    """Return what memory a device needs for the file.

    Args:
        report: The report.
    """
    found = report.memory
    if found is None:
        return None
    blocks: list[Any] = [_table(found)]
    if found.operators:
        blocks.append(_chart(found))
    if found.micro is None:
        blocks.append(Note(f"tflite-micro's own arena is not known: {found.micro_note}."))
    return Section("memory", "Memory", tuple(blocks), _HOW)


def _table(found: MemoryRecord) -> Table:
    """Return the sizes."""
    lines = [
        ("file in flash", found.flash_bytes),
        ("constants in it", found.weight_bytes),
        ("arena for activations, planned", found.arena_bytes),
        ("most in use at one time", found.peak_bytes),
        ("states that live on between runs", found.state_bytes),
    ]
    if found.micro is not None:
        lines.append(
            ("arena that tflite-micro needs, its own structures included", found.ram_bytes)
        )
    rows = tuple(row(name, Cell(human_size(size), size)) for name, size in lines)
    return Table("Memory of the file", ("memory", "size"), rows)


def _chart(found: MemoryRecord) -> Chart:
    """Return the bytes in use at each operator."""
    peak = found.peak
    drawn = [
        Column(
            one.live_bytes,
            "warm" if one.index == peak.index else "after",
            f"{one.index} {one.name}: {human_size(one.live_bytes)}",
            str(one.index),
        )
        for one in found.operators
    ]
    legend = (
        f"Activations in memory while each of {plural(len(drawn), 'operator')} runs. The most, "
        f"{human_size(peak.live_bytes)}, at operator {peak.index} {peak.name}."
    )
    svg = columns(
        drawn,
        legend,
        lambda size: human_size(int(size)),
        "operators, by their number in the table of layers",
    )
    return Chart(svg, legend)
