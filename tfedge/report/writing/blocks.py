"""What a report is written in: sections of notes, tables and charts, for HTML and Markdown alike.

All texts are plain; whoever writes them out escapes them. The SVG of a chart is markup already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GOOD, BAD, WARN, MUTE = "good", "bad", "warn", "mute"


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it says.
        sort: What the column is sorted by, None for the text. Numbers are aligned to the right.
        tone: ``"good"``, ``"bad"``, ``"warn"``, ``"mute"`` or nothing.
        heat: How strongly its background is coloured, in [0, 1].
        hint: What more there is to say, shown when pointed at.
        change: How the value changed, shown small beside it; the tone is that of the change then.

    Example:
        >>> Cell("12 kB", 12_000).sort
        12000
    """

    text: str
    sort: float | str | None = None
    tone: str = ""
    heat: float | None = None
    hint: str = ""
    change: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it stands to the right."""
        return isinstance(self.sort, (int, float))


@dataclass(frozen=True)
class Table:
    """Rows under headings; the first cell of a row is its heading.

    Attributes:
        caption: What the table shows.
        head: Headings, all different.
        rows: Cells.
        sortable: Whether readers may sort it.
        dense: Whether cells stand close, as in a matrix.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sortable: bool = False
    dense: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture with what it shows in words.

    Attributes:
        svg: The markup.
        caption: What it shows.
    """

    svg: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Small charts side by side.

    Attributes:
        caption: What they show.
        charts: The charts.
    """

    caption: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Note:
    """A sentence or more.

    Attributes:
        text: What it says.
        tone: As in `Cell`.
    """

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Code:
    """Text in which every space counts.

    Attributes:
        caption: What it is.
        text: The text.
    """

    caption: str
    text: str


@dataclass(frozen=True)
class Card:
    """One headline figure.

    Attributes:
        label: What is measured.
        value: The figure.
        change: Against what it was before, in few words.
        detail: What else belongs to it.
        tone: Whether the change is ``"good"`` or ``"bad"``.
    """

    label: str
    value: str
    change: str = ""
    detail: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Section:
    """One topic.

    Attributes:
        key: Its name in links.
        title: Its heading.
        blocks: What it says.
        how: How the figures were obtained.
    """

    key: str
    title: str
    blocks: tuple[Any, ...]
    how: str = ""

    @property
    def kinds(self) -> tuple[tuple[str, Any], ...]:
        """Blocks with the names of their kinds, for templates."""
        return tuple((type(block).__name__.lower(), block) for block in self.blocks)


def row(*cells: Any) -> tuple[Cell, ...]:
    """Return cells; texts become cells, None a dash.

    Example:
        >>> [cell.text for cell in row("conv", None, Cell("7", 7))]
        ['conv', '–', '7']
    """
    return tuple(
        cell
        if isinstance(cell, Cell)
        else Cell("–", tone=MUTE)
        if cell is None
        else Cell(str(cell))
        for cell in cells
    )


def dash(sort: float = -1.0) -> Cell:
    """Return a cell of a column of numbers that has none; it sorts below all others.

    Example:
        >>> dash().text
        '–'
    """
    return Cell("–", sort, tone=MUTE)
