"""Where the file would run: operators that accelerators take and leave."""

from __future__ import annotations

from collections import Counter

from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import BAD, GOOD, Cell, Section, Table, row
from tfedge.report.writing.numbers import plural
from tfedge.runtime.accelerators.check import AcceleratorCheck

_NAMES = {"edgetpu": "Edge TPU", "gpu": "GPU delegate", "micro": "tflite-micro"}
_HOW = "rules of each device's documentation, operator by operator; nothing was run there"


def devices(report: ModelReport) -> Section | None:
    """Return which operators each accelerator would run.

    Args:
        report: The report.
    """
    if not report.checks:
        return None
    rows = tuple(_row(one) for one in report.checks)
    table = Table("Accelerators", ("device", "whole file?", "operators", "what stays out"), rows)
    return Section("devices", "Devices", (table,), _HOW)


def _row(one: AcceleratorCheck) -> tuple[Cell, ...]:
    """Return the row of one accelerator."""
    reasons = Counter(f"{item.name}: {item.why}" for item in one.misfits)
    said = [f"{plural(count, 'time')} {why}" for why, count in reasons.most_common(4)]
    more = [f"and {len(reasons) - 4} more reasons"] if len(reasons) > 4 else []
    fits = Cell("yes", tone=GOOD) if one.fits else Cell("no", tone=BAD)
    pieces = f" in {plural(one.partitions, 'piece')}" if one.partitions > 1 else ""
    mapped = Cell(f"{one.mapped} of {len(one.operators)}{pieces}", one.mapped)
    name = _NAMES.get(one.accelerator, one.accelerator)
    return row(name, fits, mapped, "; ".join([*said, *more]) or "–")
