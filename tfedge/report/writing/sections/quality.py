"""Metrics, agreement, accuracy by class and what is confused."""

from __future__ import annotations

import math
from typing import Any

from tfedge.evaluate.difference import OutputParity
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import BAD, GOOD, MUTE, Cell, Note, Section, Table, row
from tfedge.report.writing.numbers import (
    decibels,
    is_fraction,
    lower_is_better,
    metric_text,
    percent,
    plural,
)
from tfedge.report.writing.sections.by_class import by_class

_WHAT = {
    "highest output": "decisions with the same highest output",
    "side of 0.5": "decisions on the same side of 0.5",
    "variance": "variance of the original that the file follows",
}
_SURE = 1.959964


def quality(report: ModelReport) -> Section | None:
    """Return how good the file is, and how like the original.

    Args:
        report: The report.
    """
    compared, alone = report.comparison, report.evaluation
    blocks: list[Any] = []
    if compared is not None:
        before, after, samples = compared.a.metrics, compared.b.metrics, compared.samples
        blocks += [_metrics(before, after, samples)] if after else []
        blocks += [_parity(compared.outputs)]
    elif alone is not None:
        blocks += [_metrics(None, alone.metrics, alone.samples)] if alone.metrics else []
    else:
        return None
    if compared is not None and not compared.b.metrics:
        blocks.append(Note("The data bring no labels, so that no metric could be computed."))
    for scores in report.classes:
        blocks += by_class(scores, report.class_names)
    title = "Accuracy" if report.classes else "Quality"
    return Section("quality", title, tuple(blocks), report.how.get("comparison", ""))


def _metrics(before: dict[str, Any] | None, after: dict[str, Any], samples: int) -> Table:
    """Return metrics of both as a table."""
    rows = []
    for name, value in after.items():
        cells = [name, _value(name, value, samples)]
        if before is not None:
            cells.insert(1, _value(name, before[name], samples))
            cells.append(_change(name, before[name], value))
        rows.append(row(*cells))
    head = (
        ("metric", "this file") if before is None else ("metric", "original", "this file", "change")
    )
    some = any(is_fraction(name) for name in after)
    sure = "; in brackets the 95 % interval for other samples of the kind" if some else ""
    return Table(f"Metrics on {plural(samples, 'sample')}{sure}", head, tuple(rows))


def _value(name: str, value: Any, samples: int) -> Cell:
    """Return a metric, an accuracy with its interval."""
    text = metric_text(name, value)
    if name.endswith("accuracy") and isinstance(value, float):
        low, high = wilson(value, samples)
        text += f" ({percent(low)[:-2]} to {percent(high)})"
    return Cell(text, value if isinstance(value, (int, float)) else 0.0)


def _change(name: str, before: Any, after: Any) -> Cell:
    """Return the change of a metric."""
    if not isinstance(after, (int, float)):
        return Cell("–", tone=MUTE)
    change = after - before
    text = f"{100 * change:+.2f} points" if is_fraction(name) else f"{change:+.4g}"
    text = text.replace("-", "−", 1)
    gain = -change if lower_is_better(name) else change
    return Cell(text, change, GOOD if gain > 0 else BAD if gain < 0 else "")


def wilson(fraction: float, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a fraction of independent samples.

    Args:
        fraction: How many of the samples, in [0, 1].
        samples: Number of samples, at least one.

    Example:
        >>> low, high = wilson(0.5, 100)
        >>> print(f"{low:.4f} {high:.4f}")
        0.4038 0.5962

    Reference:
        Wilson, Journal of the American Statistical Association 22, 1927.
    """
    square = _SURE**2 / samples
    middle = (fraction + square / 2) / (1 + square)
    half = math.sqrt(fraction * (1 - fraction) * square + square**2 / 4) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def _parity(outputs: tuple[OutputParity, ...]) -> Table:
    """Return how alike original and file are, output by output."""
    rows = []
    for one in outputs:
        steps = one.largest_difference_steps
        rows.append(
            row(
                one.name,
                Cell(f"{percent(one.agreement, 2)} of {_WHAT[one.agreement_of]}"),
                Cell(decibels(one.sqnr_db), one.sqnr_db),
                Cell(f"{one.largest_difference:.4g}", one.largest_difference),
                None if steps is None else Cell(f"{steps:.1f}", steps),
            )
        )
    head = ("output", "agreement", "SQNR", "largest difference", "in steps of the output")
    return Table("This file against the original", head, tuple(rows))
