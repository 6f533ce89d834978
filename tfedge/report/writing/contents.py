"""All sections of a report, in the order in which they are read."""

from __future__ import annotations

from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Section
from tfedge.report.writing.sections.conditions import conditions, missing
from tfedge.report.writing.sections.consumption import energy
from tfedge.report.writing.sections.devices import devices
from tfedge.report.writing.sections.layers import layers
from tfedge.report.writing.sections.making import making
from tfedge.report.writing.sections.memory import memory
from tfedge.report.writing.sections.quality import quality
from tfedge.report.writing.sections.sizes import sizes
from tfedge.report.writing.sections.speed import latency
from tfedge.report.writing.sections.summary import budget
from tfedge.report.writing.sections.trials import trials
from tfedge.report.writing.sections.values import activations, weights

_WRITERS = (
    budget,
    sizes,
    quality,
    latency,
    memory,
    energy,
    layers,
    weights,
    activations,
    devices,
    trials,
    making,
    conditions,
    missing,
)


def sections(report: ModelReport) -> tuple[Section, ...]:
    """Return the sections for which there are figures.

    Args:
        report: The report.
    """
    found = (write(report) for write in _WRITERS)
    return tuple(one for one in found if one is not None)
