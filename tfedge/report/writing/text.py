"""A report in a few lines, for a terminal."""

from __future__ import annotations

import textwrap

from tfedge.report.record import ModelReport
from tfedge.report.writing.contents import sections
from tfedge.report.writing.sections.summary import cards

_WIDTH = 88


def as_text(report: ModelReport) -> str:
    """Return the verdict, headline figures and what else there is.

    Args:
        report: The report.
    """
    lines = textwrap.wrap(report.verdict, _WIDTH)
    for card in cards(report):
        rest = ", ".join(part for part in (card.change, card.detail) if part)
        lines.append(f"  {card.label:<14} {card.value:<10} {rest}"[:_WIDTH].rstrip())
    titles = ", ".join(section.title for section in sections(report))
    lines += textwrap.wrap(
        f"Sections: {titles}.", _WIDTH, initial_indent="  ", subsequent_indent="  "
    )
    return "\n".join([*lines, "  to_html(path) and to_markdown(path) write it."])
