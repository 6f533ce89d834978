"""What happened to each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tfedge.compress.pruning.channels.report import ChannelReport
from tfedge.core.sizes import human_size
from tfedge.report.findings import LayerRow
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import BAD, MUTE, Cell, Chart, Note, Section, Table, dash, row
from tfedge.report.writing.charts.bars import Column, columns
from tfedge.report.writing.numbers import decibels, percent, plural, short_count

_POOR_DB, _FAIR_DB, _TOP_DB = 10.0, 20.0, 80.0


def layers(report: ModelReport) -> Section | None:
    """Return the table of operators and layers, and the SQNR of each.

    Args:
        report: The report.
    """
    rows = report.layers
    if not rows:
        return None
    blocks: list[Any] = []
    measured = [one for one in rows if one.sqnr_db is not None]
    if measured:
        blocks.append(_chart(measured))
    elif "sqnr" in report.left_out:
        blocks.append(Note(f"SQNR was not measured: {report.left_out['sqnr']}."))
    if report.channels is not None:
        blocks.append(Note(_channels(report)))
    blocks.append(_table(rows, named=any(one.layers for one in rows)))
    if lost := [one for one in rows if one.index is None]:
        blocks.append(Note(_lost(lost)))
    sqnr = f"; SQNR {report.how['sqnr']}" if "sqnr" in report.how and measured else ""
    return Section("layers", "Layers", tuple(blocks), f"operators and shapes from the file{sqnr}")


def _channels(report: ModelReport) -> str:
    """Return what removal of channels did, in words."""
    found = report.channels
    assert found is not None
    changed = [one for one in found.layers if one.channels_before != one.channels_after]
    return (
        f"Channels were removed from {len(changed)} of {plural(len(found.layers), 'layer')} with "
        f"weights: parameters {short_count(found.parameters_before)} → "
        f"{short_count(found.parameters_after)}, multiply-accumulates "
        f"{short_count(found.macs_before)} → {short_count(found.macs_after)}{_activations(found)}."
    )


def _activations(found: ChannelReport) -> str:
    """Return what became of the activations, where both are known."""
    before, after = found.activation_bytes_before, found.activation_bytes_after
    if before is None or after is None:
        return ""
    return f", float32 activations {human_size(before)} → {human_size(after)}"


def _lost(rows: Sequence[LayerRow]) -> str:
    """Return which layers the file does not name."""
    names = ", ".join(one.layers[0] for one in rows[:6])
    more = f" and {len(rows) - 6} more" if len(rows) > 6 else ""
    return (
        f"No tensor of the file is named after {names}{more}: the converter folded or renamed "
        "them. They stand at the end of the table."
    )


def _chart(rows: Sequence[LayerRow]) -> Chart:
    """Return the SQNR of each layer, in the order of execution."""
    drawn = []
    for one in rows:
        ratio = one.sqnr_db or 0.0
        shown = min(max(ratio, 0.0), _TOP_DB)
        kind = "bad" if ratio < _POOR_DB else "warm" if ratio < _FAIR_DB else "after"
        drawn.append(Column(shown, kind, f"{_name(one)}: {decibels(ratio)}", str(one.index)))
    worst = min(rows, key=lambda one: one.sqnr_db or 0.0)
    legend = (
        f"SQNR of {plural(len(rows), 'layer')} in the order of execution. The lowest: "
        f"{_name(worst)}, {decibels(worst.sqnr_db or 0.0)}."
    )
    svg = columns(
        drawn, legend, lambda value: f"{value:.0f} dB", "operators, as in the table below"
    )
    return Chart(svg, legend)


def _name(one: LayerRow) -> str:
    """Return what to call a row."""
    return one.layers[-1] if one.layers else f"{one.index} {one.operator}"


def _table(rows: Sequence[LayerRow], named: bool) -> Table:
    """Return the table: with columns for the original where it is known."""
    head = ["#", "operator", "output", "parameters", "MACs", "in the file"]
    if named:
        head.insert(1, "layers")
    head += ["live", "zeros", "values", "SQNR"]
    caption = (
        "What happened to each layer. → stands between the original and the file; zeros are the "
        "share of the kernel that is 0, values the number of distinct ones, live the activations "
        "in memory."
    )
    if not named:
        caption = caption.replace(" → stands between the original and the file;", " In the file:")
    return Table(caption, tuple(head), tuple(_row(one, named) for one in rows), sortable=True)


def _row(one: LayerRow, named: bool) -> tuple[Cell, ...]:
    """Return the cells of one operator."""
    place = dash(1e9) if one.index is None else Cell(str(one.index), one.index)
    names = [Cell(", ".join(one.layers), tone="" if one.layers else MUTE)] if named else []
    shape = "×".join(map(str, one.output_shape[1:])) or "–"
    return row(
        place,
        *names,
        Cell(one.operator or "not found", tone=MUTE, change=one.numeric_type),
        Cell(_widths(one, shape), math.prod(one.output_shape[1:])),
        _change(one.parameters_before, one.parameters),
        _change(one.macs_before, one.macs),
        Cell(human_size(one.weight_bytes), one.weight_bytes) if one.weight_bytes else dash(),
        dash() if one.live_bytes is None else Cell(human_size(one.live_bytes), one.live_bytes),
        dash() if one.sparsity is None else Cell(percent(one.sparsity, 0), one.sparsity),
        dash() if one.unique is None else Cell(f"{one.unique:,}", one.unique),
        _ratio(one.sqnr_db),
    )


def _widths(one: LayerRow, shape: str) -> str:
    """Return the shape of the output, and the width before if it changed."""
    before, after = one.channels_before, one.channels
    removed = before is not None and after is not None and before > after
    return f"{shape} ({before} → {after})" if removed else shape


def _change(before: int | None, after: int) -> Cell:
    """Return a count, and what it was before if that differs."""
    if before is None or before == after:
        return Cell(short_count(after), after) if after else dash()
    return Cell(f"{short_count(before)} → {short_count(after)}", after)


def _ratio(sqnr_db: float | None) -> Cell:
    """Return a signal-to-noise ratio; poor ones are marked."""
    if sqnr_db is None:
        return dash(1e9)
    tone = BAD if sqnr_db < _POOR_DB else ""
    return Cell(decibels(sqnr_db), min(max(sqnr_db, -1e6), 1e6), tone)
