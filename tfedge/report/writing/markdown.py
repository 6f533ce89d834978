"""A report as Markdown: the same words and tables, no charts."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from tfedge.report.record import ModelReport
from tfedge.report.tables import markdown_table
from tfedge.report.writing.blocks import Chart, Code, Gallery, Note, Section, Table
from tfedge.report.writing.contents import sections
from tfedge.report.writing.sections.summary import cards

_SPECIAL = re.compile(r"([\\`*_\[\]#~])")


def markdown(report: ModelReport) -> str:
    """Return the report.

    Args:
        report: The report.
    """
    rows = [
        {
            "": plain(card.label),
            "this file": plain(card.value),
            "change": plain(card.change),
            "more": plain(card.detail),
        }
        for card in cards(report)
    ]
    parts = [f"# {plain(report.name)}", plain(report.verdict), markdown_table(rows)]
    for section in sections(report):
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    r"""Return a text that Markdown shows as it is: no markup of its own, no HTML.

    Example:
        >>> plain("conv_1 <b>*bold*</b>")
        'conv\\_1 &lt;b&gt;\\*bold\\*&lt;/b&gt;'
    """
    return escape(_SPECIAL.sub(r"\\\1", " ".join(text.split())), quote=False)


def _section(section: Section) -> list[str]:
    """Return heading, blocks and how the figures were obtained."""
    found = [f"## {plain(section.title)}"]
    found += [text for block in section.blocks for text in _WRITERS[type(block)](block)]
    return [*found, f"*How: {plain(section.how)}.*"] if section.how else found


def _table(table: Table) -> list[str]:
    """Return a table under its caption."""
    rows = [
        {
            plain(name): plain(f"{cell.text} {cell.change}")
            for name, cell in zip(table.head, cells, strict=True)
        }
        for cells in table.rows
    ]
    return [plain(table.caption) + ":", markdown_table(rows)] if rows else []


def _note(note: Note) -> list[str]:
    """Return a note."""
    return [plain(note.text)]


def _code(code: Code) -> list[str]:
    """Return text as it is, in a fence that is longer than any in it."""
    longest = max([2, *map(len, re.findall(r"`+", code.text))])
    fence = "`" * (longest + 1)
    return [f"{plain(code.caption)}:", f"{fence}yaml\n{code.text}\n{fence}"]


def _nothing(block: Chart) -> list[str]:
    """Return nothing: a table beside the chart has its figures."""
    return []


def _gallery(gallery: Gallery) -> list[str]:
    """Return what stands under the charts."""
    items = "\n".join(f"- {plain(chart.caption)}" for chart in gallery.charts)
    return [plain(gallery.caption), items]


_WRITERS: dict[type, Callable[[Any], list[str]]] = {
    Table: _table,
    Note: _note,
    Code: _code,
    Chart: _nothing,
    Gallery: _gallery,
}
