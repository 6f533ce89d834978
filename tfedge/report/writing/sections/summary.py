"""Headline figures, and the budget."""

from __future__ import annotations

from tfedge.core.sizes import human_size
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import BAD, GOOD, MUTE, Card, Cell, Section, Table, row
from tfedge.report.writing.numbers import (
    is_fraction,
    lower_is_better,
    metric_text,
    milliseconds,
    percent,
    quantity,
    times,
)
from tfedge.report.writing.verdict import main_metric, points, worst_change


def cards(report: ModelReport) -> tuple[Card, ...]:
    """Return the headline figures: those that were measured.

    Args:
        report: The report.
    """
    found = (_size(report), _quality(report), _latency(report), _memory(report), _macs(report))
    return tuple(card for card in found if card is not None)


def _size(report: ModelReport) -> Card:
    """Return the card of sizes."""
    size, before = report.size, report.reference
    detail = f"gzip {human_size(size.gzip_bytes)}"
    change, tone = "", ""
    if before is not None:
        change, tone = _ratio(before.size_bytes / size.size_bytes, "smaller", "larger")
        detail += f" · float32 {human_size(before.size_bytes)}"
    return Card("Size", human_size(size.size_bytes), change, detail, tone)


def _ratio(ratio: float, better: str, worse: str) -> tuple[str, str]:
    """Return a ratio in words and its tone."""
    if abs(ratio - 1) < 0.005:
        return "unchanged", ""
    if ratio > 1:
        return f"{times(ratio)}× {better}", GOOD
    return f"{times(1 / ratio)}× {worse}", BAD


def _quality(report: ModelReport) -> Card | None:
    """Return the card of the main metric, else of agreement."""
    compared = report.comparison
    if compared is None:
        alone = report.evaluation
        name = main_metric(alone.metrics) if alone else None
        if alone is None or name is None:
            return None
        return Card(_title(name), metric_text(name, alone.metrics[name]), "", "without an original")
    name = worst_change(compared)
    if name is None:
        return Card("Agreement", percent(compared.agreement, 2), "", "with the original")
    change = compared.differences[name]
    gain = -change if lower_is_better(name) else change
    before, after = (metric_text(name, side.metrics[name]) for side in (compared.a, compared.b))
    text = "unchanged"
    if before != after:
        text = f"{change:+.4g}".replace("-", "−", 1)
        if is_fraction(name):
            text = f"{'+' if change > 0 else '−'}{points(change)}"
    tone = "" if before == after else GOOD if gain > 0 else BAD
    return Card(_title(name), after, text, f"original {before}", tone)


def _title(name: str) -> str:
    """Return the name of a metric as a title."""
    text = name.replace("_", " ")
    return text.upper() if name in ("mae", "mse", "auc") else text[:1].upper() + text[1:]


def _latency(report: ModelReport) -> Card | None:
    """Return the card of the time for one run."""
    found = report.latency_ratio
    if found is None:
        alone = report.latency
        if alone is None:
            return None
        text = f"95 % sure: {milliseconds(alone.p50_low_ms)} to {milliseconds(alone.p50_high_ms)}"
        return Card("Latency", milliseconds(alone.p50_ms), "", text)
    change, tone = _ratio(found.ratio, "faster", "slower")
    if not found.differs:
        change, tone = "no sure difference", ""
    detail = f"float32 {milliseconds(found.first.p50_ms)}, in turns on {found.second.runtime}"
    return Card("Latency", milliseconds(found.second.p50_ms), change, detail, tone)


def _memory(report: ModelReport) -> Card | None:
    """Return the card of memory."""
    found = report.memory
    if found is None:
        return None
    what = "tflite-micro's arena" if found.micro is not None else "planned arena and states"
    return Card("RAM", human_size(found.ram_bytes), "", what)


def _macs(report: ModelReport) -> Card | None:
    """Return the card of multiply-accumulates."""
    size, before = report.size, report.reference
    if not size.macs:
        return None
    change, tone = "", ""
    if before is not None and before.macs:
        change, tone = _ratio(before.macs / size.macs, "fewer", "more")
    return Card("MACs", quantity("macs", size.macs), change, "one run of the file", tone)


def budget(report: ModelReport) -> Section | None:
    """Return the limits and whether they are kept.

    Args:
        report: The report.
    """
    if not report.budget:
        return None
    words = {True: ("kept", GOOD), False: ("missed", BAD), None: ("not measured", MUTE)}
    rows = []
    for one in report.budget:
        text, tone = words[one.met]
        value, limit = (quantity(one.name, each) for each in (one.value, one.limit))
        rows.append(
            row(
                one.name,
                Cell(value, _number(one.value)),
                Cell(limit, _number(one.limit)),
                Cell(text, tone=tone),
                Cell(one.how, tone=MUTE),
            )
        )
    head = ("limit", "measured", "allowed", "kept?", "how")
    return Section("budget", "Budget", (Table("Limits of the budget", head, tuple(rows)),))


def _number(value: object) -> float:
    """Return what a cell is sorted by."""
    return float(value) if isinstance(value, (int, float)) else -1.0
