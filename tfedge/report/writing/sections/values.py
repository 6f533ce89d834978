"""The values in the file: histograms of weights, ranges of activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfedge.report.findings import ActivationRange, WeightHistogram
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Cell, Chart, Gallery, Note, Section, Table, dash, row
from tfedge.report.writing.charts.spread import histogram, ranges
from tfedge.report.writing.numbers import percent, plural, short_count, tail

_DRAWN = 24
_BOUNDED = ("SOFTMAX", "LOGISTIC", "TANH")


def weights(report: ModelReport) -> Section | None:
    """Return the histograms of kernels: of the largest if there are many.

    Args:
        report: The report.
    """
    found = report.weights
    if not found:
        return None
    largest = sorted(found, key=lambda one: -one.weights)[:_DRAWN]
    drawn = [one for one in found if one in largest]
    few = "" if len(drawn) == len(found) else f", the {len(drawn)} largest of {len(found)} kernels"
    caption = f"Real values of the weights{few}. Zeros are counted in the text and not drawn."
    charts = tuple(Chart(histogram(one), _said(one)) for one in drawn)
    return Section("weights", "Weights", (Gallery(caption, charts),), _HOW)


_HOW = "codes in the file times their scales, 41 bins from the smallest to the largest value"


def _said(one: WeightHistogram) -> str:
    """Return what stands under a histogram."""
    zeros = f", {percent(one.zeros / one.weights, 0)} zeros" if one.zeros else ""
    name = tail(one.name.split(";")[-1], 30)
    return f"{name}: {short_count(one.weights)} {one.dtype}{zeros}"


def activations(report: ModelReport) -> Section | None:
    """Return what activations can be and were.

    Args:
        report: The report.
    """
    found = report.activations
    if not found:
        return None
    hints = [_hint(one) for one in found]
    limited = any(one.low is not None for one in found)
    seen = any(one.seen_low is not None for one in found)
    parts = ["Wide bars: what the codes can express."] if limited else []
    parts += ["Narrow bars: what was seen on the samples."] if seen else []
    alt = f"Ranges of {plural(len(found), 'activation')} in the order of execution"
    blocks: list[Any] = [Chart(ranges(found, hints, alt), f"{alt}. {' '.join(parts)}")]
    if clipped := [one for one in found if _at_the_end(one)]:
        blocks.append(Note(_clipped(clipped)))
    blocks.append(_table(found))
    how = report.how.get("activations", "") if limited else "seen while the samples ran"
    return Section("activations", "Activation ranges", tuple(blocks), how)


def _hint(one: ActivationRange) -> str:
    """Return what an activation says when pointed at."""
    parts = [f"{one.operator} {tail(one.name.split(';')[0])}"]
    if one.low is not None:
        parts.append(f"can be {one.low:.4g} to {one.high:.4g}")
    if one.seen_low is not None:
        parts.append(f"was {one.seen_low:.4g} to {one.seen_high:.4g}")
    return ", ".join(parts)


def used(one: ActivationRange) -> float | None:
    """Return how much of what its codes express was seen, as a fraction; None if not known.

    Example:
        >>> used(ActivationRange("y", "RELU", "int8", 0.0, 6.0, 0.0, 3.0))
        0.5
    """
    known = (one.low, one.high, one.seen_low, one.seen_high)
    if None in known or one.high == one.low:
        return None
    low, high, seen_low, seen_high = (float(value or 0.0) for value in known)
    return (seen_high - seen_low) / (high - low)


def _at_the_end(one: ActivationRange) -> bool:
    """Return whether values reached the largest code, where they may have been cut off."""
    part = one.high is not None and one.seen_high is not None and one.operator not in _BOUNDED
    return part and (one.seen_high or 0.0) >= (one.high or 0.0) and (one.high or 0.0) > 0


def _clipped(rows: Sequence[ActivationRange]) -> str:
    """Return which activations reached their ends."""
    names = ", ".join(tail(one.name.split(";")[0], 30) for one in rows[:6])
    more = f" and {len(rows) - 6} more" if len(rows) > 6 else ""
    return (
        f"{plural(len(rows), 'activation')} reached the largest code, where larger values are cut "
        f"off: {names}{more}."
    )


def _table(rows: Sequence[ActivationRange]) -> Table:
    """Return the ranges as a table."""
    lines = []
    for place, one in enumerate(rows):
        share = used(one)
        lines.append(
            row(
                Cell(str(place), place),
                Cell(tail(one.name.split(";")[0]), hint=one.name),
                one.operator,
                one.dtype,
                _pair(one.low, one.high),
                _pair(one.seen_low, one.seen_high),
                dash() if share is None else Cell(percent(share, 0), share),
            )
        )
    head = ("#", "activation", "operator", "type", "can be", "was", "used")
    caption = "Activations: what the codes can express, and how much of it was used"
    return Table(caption, head, tuple(lines), sortable=True)


def _pair(low: float | None, high: float | None) -> Cell:
    """Return a range."""
    if low is None or high is None:
        return dash()
    return Cell(f"{low:.4g} to {high:.4g}", high)
