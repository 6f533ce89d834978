"""What was gained and lost, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfedge.core.sizes import human_size
from tfedge.report.writing.numbers import (
    is_fraction,
    lower_is_better,
    metric_text,
    milliseconds,
    percent,
    plural,
    quantity,
    times,
)

if TYPE_CHECKING:
    from tfedge.evaluate.parity import ComparisonRecord
    from tfedge.report.record import ModelReport

_SAME, _ALIKE = 0.005, 0.01


def verdict(report: ModelReport) -> str:
    """Return the verdict: sizes and times with their ratios, what became of the metric, the budget.

    Nothing is said that was not measured. A difference in time whose interval holds 1 is none.

    Args:
        report: The report.
    """
    name = report.name
    if "run" in report.left_out:
        return f"{name} does not run here: {report.left_out['run'].rstrip('.')}."
    said = [_size(report), _time(report), _worth(report)]
    *first, last = [part for part in said if part]
    text = f"{', '.join(first)} and {last}" if first else last
    return f"{name} {text}{_budget(report)}."


def _size(report: ModelReport) -> str:
    """Return what became of the size."""
    size, before = report.size, report.reference
    if before is None:
        return f"is a file of {human_size(size.size_bytes)} (gzip {human_size(size.gzip_bytes)})"
    ratio = before.size_bytes / size.size_bytes
    both = f"{human_size(size.size_bytes)} instead of {human_size(before.size_bytes)}"
    if abs(ratio - 1) < _SAME:
        return f"is as large as the float32 file ({human_size(size.size_bytes)})"
    if ratio > 1:
        return f"is {times(ratio)} times smaller than the float32 file ({both})"
    return f"is {times(1 / ratio)} times larger than the float32 file ({both})"


def _time(report: ModelReport) -> str:
    """Return what became of the time for one run."""
    found = report.latency_ratio
    if found is None:
        alone = report.latency
        return "" if alone is None else f"takes {milliseconds(alone.p50_ms)} for one run"
    ratio, low, high = found.ratio, found.ratio_low, found.ratio_high
    if not found.differs:
        return f"takes the same time, as far as {plural(found.second.runs, 'run')} can tell"
    if abs(ratio - 1) < _ALIKE:
        return "is as fast, within 1 %"
    if ratio > 1:
        return f"runs {times(ratio)} times as fast (95 % sure: {times(low)} to {times(high)})"
    sure = f"95 % sure: {times(1 / high)} to {times(1 / low)}"
    return f"takes {times(1 / ratio)} times as long ({sure})"


def _worth(report: ModelReport) -> str:
    """Return what became of the metric, or how far predictions agree."""
    found = report.comparison
    if found is None:
        alone = report.evaluation
        name = main_metric(alone.metrics) if alone else None
        if alone is None or name is None:
            return ""
        value = metric_text(name, alone.metrics[name])
        return f"reaches {spoken(name, 'a')} of {value} on {plural(alone.samples, 'sample')}"
    name = worst_change(found)
    if name is None:
        worst = min(found.outputs, key=lambda output: output.agreement)
        return (
            f"agrees with the original in {percent(worst.agreement, 2)} of "
            f"{'the variance' if worst.agreement_of == 'variance' else 'its decisions'} on "
            f"{plural(found.samples, 'sample')}"
        )
    before, after = (metric_text(name, side.metrics[name]) for side in (found.a, found.b))
    on = f"on {plural(found.samples, 'sample')}"
    if before == after:
        return f"keeps {spoken(name, 'its')} of {after} {on}"
    both = f"{after} instead of {before} {on}"
    if not is_fraction(name):
        return f"has {spoken(name, 'a')} of {both}"
    change = found.differences[name]
    return f"{'gains' if change > 0 else 'loses'} {points(change)} of {spoken(name)} ({both})"


def worst_change(found: ComparisonRecord) -> str | None:
    """Return the metric that suffered most, the main one of its kind; None without metrics."""
    best = main_metric(found.differences)
    if best is None:
        return None
    kind = best.split("_")[-1]
    alike = [name for name in found.differences if name.split("_")[-1] == kind]
    sign = -1 if lower_is_better(best) else 1
    return min(alike, key=lambda name: sign * found.differences[name])


def main_metric(metrics: Mapping[str, Any]) -> str | None:
    """Return the metric to name first: an accuracy, else the first number; None without any.

    Example:
        >>> main_metric({"auc": 0.9, "accuracy": 0.8})
        'accuracy'
    """
    numbers = [name for name, value in metrics.items() if isinstance(value, (int, float))]
    accuracies = [name for name in numbers if is_fraction(name)]
    return next(iter([*accuracies, *numbers]), None)


def spoken(name: str, article: str = "") -> str:
    """Return the name of a metric as it is said in a sentence.

    Args:
        name: Name of the metric.
        article: What stands before it; ``"a"`` becomes ``"an"`` where it has to.

    Example:
        >>> spoken("mae", "a"), spoken("accuracy", "a"), spoken("digit_accuracy")
        ('a mean absolute error', 'an accuracy', 'digit accuracy')
    """
    known = {"mae": "mean absolute error", "mse": "mean squared error"}
    text = known.get(name, name.replace("_", " "))
    if article == "a" and text[:1] in "aeio":
        article = "an"
    return f"{article} {text}".strip()


def points(change: float) -> str:
    """Return a difference of fractions in percentage points, without its sign.

    Example:
        >>> points(-0.0123)
        '1.23 points'
    """
    return f"{abs(100 * change):.2f} points"


def _budget(report: ModelReport) -> str:
    """Return whether the budget is met."""
    if not report.budget:
        return ""
    missed = [one for one in report.budget if one.met is False]
    unknown = [one.name for one in report.budget if one.met is None]
    open_ = f"; not measured: {', '.join(unknown)}" if unknown else ""
    if missed:
        what = ", ".join(
            f"{one.name} {quantity(one.name, one.value)} for {quantity(one.name, one.limit)}"
            for one in missed
        )
        return f"; it misses {len(missed)} of {plural(len(report.budget), 'limit')} ({what}){open_}"
    if unknown:
        return (
            f"; it keeps {len(report.budget) - len(unknown)} of {len(report.budget)} limits{open_}"
        )
    return f"; it keeps the budget, {plural(len(report.budget), 'limit')}"
