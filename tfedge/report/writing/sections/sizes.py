"""The four sizes, and what the weights are like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.core.sizes import human_size
from tfedge.report.findings import FileSizes
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Cell, Chart, Note, Section, Table, row
from tfedge.report.writing.charts.bars import Bar, bars
from tfedge.report.writing.numbers import percent, short_count, times

_SIZES = {
    "as it lies in flash": "size_bytes",
    "gzip, as it travels": "gzip_bytes",
    "without zero weights": "nonzero_bytes",
    "as a table of values": "theoretical_bytes",
}


def sizes(report: ModelReport) -> Section:
    """Return the sizes of the file, beside those of the float32 file.

    Args:
        report: The report.
    """
    size, before = report.size, report.reference
    drawn = []
    for label, field in _SIZES.items():
        if before is not None:
            drawn.append(_bar(label, getattr(before, field), "before", "float32"))
        drawn.append(_bar(label, getattr(size, field), "after", "this file"))
    alt = "Four sizes of the file" + (" and of the float32 file" if before else "")
    legend = "Grey: the float32 file of the original. Blue: this file." if before else "This file."
    blocks = (Chart(bars(drawn, alt), legend), _table(size, before), Note(_WORDS))
    return Section("sizes", "Sizes", blocks, report.how.get("sizes", _HOW))


_WORDS = (
    "Only the first two sizes are bytes that somebody stores or sends. The third leaves the zero "
    "weights out, the fourth keeps each kernel as indices into a table of its distinct values: "
    "what a better storage format could reach, without its own overhead."
)
_HOW = "read from the bytes of the file; gzip at level 9"


def _bar(label: str, value: int, kind: str, who: str) -> Bar:
    """Return the bar of one size."""
    return Bar(label, value, kind, human_size(value), f"{who}: {value:,} bytes {label}")


def _table(size: FileSizes, before: FileSizes | None) -> Table:
    """Return sizes and counts as a table."""
    lines: list[tuple[str, str, Callable[[Any], str]]]
    lines = [(label, field, human_size) for label, field in _SIZES.items()]
    lines += [("weights in kernels", "weights", short_count)]
    lines += [("zeros among them", "sparsity", percent)]
    lines += [("multiply-accumulates", "macs", short_count)]
    rows = []
    for label, field, show in lines:
        after = getattr(size, field)
        cells = [Cell(show(after), after)]
        if before is not None:
            old = getattr(before, field)
            ratio = f"{times(old / after)}×" if after and old and field != "sparsity" else "–"
            cells = [Cell(show(old), old), *cells, Cell(ratio, old / after if after else 0.0)]
        rows.append(row(label, *cells))
    head = (
        ("size", "this file") if before is None else ("size", "float32 file", "this file", "ratio")
    )
    return Table("Sizes and counts", head, tuple(rows))
