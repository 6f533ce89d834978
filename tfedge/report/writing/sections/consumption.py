"""Energy of one run, with how it is known."""

from __future__ import annotations

from typing import Any

from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Cell, Chart, Note, Section, Table, dash, row
from tfedge.report.writing.charts.bars import Bar, bars
from tfedge.report.writing.numbers import microjoules, short_count, times
from tfedge.runtime.energy.record import EnergyRecord

_DRAWN = 10


def energy(report: ModelReport) -> Section | None:
    """Return the energy of the file, beside that of the float32 file.

    Args:
        report: The report.
    """
    found = report.energy
    if found is None:
        return None
    blocks: list[Any] = [_table(found, report.energy_reference)]
    if found.operators:
        blocks.append(_chart(found))
    blocks += [Note(" ".join(texts)) for texts in (found.notes, found.assumptions) if texts]
    how = "estimated from the file, not measured; it serves to compare files with each other"
    if found.method == "measured":
        how = f"measured by {found.meter} over {found.runs:,} runs, power at rest subtracted"
    return Section("energy", "Energy", tuple(blocks), how)


def _table(found: EnergyRecord, before: EnergyRecord | None) -> Table:
    """Return energy with its range, and the ratio."""
    alike = before is not None and before.method == found.method
    known = [("float32 file", before)] if before is not None and alike else []
    rows = []
    for label, one in (*known, ("this file", found)):
        energy_ = Cell(microjoules(one.energy_uj), one.energy_uj)
        rows.append(row(label, energy_, _spread(one), one.method))
    ratio = ""
    if before is not None and alike and found.energy_uj > 0:
        ratio = (
            f"; the float32 file needs {times(before.energy_uj / found.energy_uj)} times as much"
        )
    return Table(
        f"Energy of one run, {found.method}{ratio}",
        ("file", "energy", "range", "method"),
        tuple(rows),
    )


def _spread(one: EnergyRecord) -> Cell:
    """Return the range of an energy, a dash where it has none."""
    if one.energy_low_uj == one.energy_high_uj:
        return dash()
    low, high = (microjoules(each) for each in (one.energy_low_uj, one.energy_high_uj))
    return Cell(f"{low} to {high}", one.energy_low_uj)


def _chart(found: EnergyRecord) -> Chart:
    """Return the operators that cost most."""
    largest = found.largest(_DRAWN)
    drawn = []
    for one in largest:
        parts = microjoules(one.compute_uj), microjoules(one.memory_uj)
        hint = f"{short_count(one.macs)} MACs {parts[0]}, bytes {parts[1]}"
        text = microjoules(one.energy_uj)
        drawn.append(Bar(f"{one.index} {one.name}", one.energy_uj, "after", text, hint))
    which = "each operator" if len(found.operators) <= _DRAWN else f"the {_DRAWN} largest operators"
    legend = f"Energy of {which}, estimated from multiply-accumulates and bytes moved."
    return Chart(bars(drawn, legend), legend)
