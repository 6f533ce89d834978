"""The file itself, the environment, and what is not in the report."""

from __future__ import annotations

from typing import Any

from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Section, Table, row
from tfedge.report.writing.numbers import plural, short_count

_PARTS = {
    "run": "Running the file",
    "reference": "The float32 file to compare with",
    "task": "The kind of task",
    "comparison": "Comparison with the original",
    "evaluation": "Metrics of the file",
    "sqnr": "SQNR of each layer",
    "latency": "Latency",
    "latency_ratio": "Latency against the float32 file",
    "memory": "Memory",
    "energy": "Energy",
    "energy_reference": "Energy of the float32 file",
    "statistics": "Parameters and multiply-accumulates of the original",
    "channels": "Channels before and after",
    "activations": "Activation ranges",
    "budget": "Budget",
    "recipe": "Recipe",
    "stages": "Stages",
    "trials": "Other trials",
}


def conditions(report: ModelReport) -> Section:
    """Return what was measured, on what and when.

    Args:
        report: The report.
    """
    facts: list[tuple[str, Any]] = [("task", report.task)] if report.task else []
    facts += [(f"input {at}", text) for at, text in enumerate(report.inputs)]
    facts += [(f"output {at}", text) for at, text in enumerate(report.outputs)]
    facts += [("SHA-256", report.sha256)]
    if found := report.statistics:
        facts.append(
            (
                "original",
                f"{found.name}, {short_count(found.parameters)} parameters, "
                f"{short_count(found.macs)} multiply-accumulates for one sample",
            )
        )
    facts += list(report.environment.items())
    facts += [("measured", f"{report.created}, in {report.seconds:.0f} s")]
    table = Table("File and environment", ("what", "value"), tuple(row(*one) for one in facts))
    return Section("environment", "File and environment", (table,))


def missing(report: ModelReport) -> Section | None:
    """Return what is not in the report, and why.

    Args:
        report: The report.
    """
    if not report.left_out:
        return None
    rows = tuple(
        row(_PARTS.get(part, part[:1].upper() + part[1:]), why)
        for part, why in report.left_out.items()
    )
    caption = f"{plural(len(rows), 'part')} left out"
    return Section(
        "missing", "What is not in this report", (Table(caption, ("part", "why"), rows),)
    )
