"""Tables as text: ``.csv`` and ``.tsv``, a sample in each row."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from tfedge.cli.data.arrays import check_lengths
from tfedge.cli.data.choosing import chosen_x, taken
from tfedge.cli.data.fitting import fit_inputs
from tfedge.cli.data.request import ModelInput, Request
from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.nearest import did_you_mean


class TableSource:
    """A table of numbers; the first row may name the columns.

    All columns but the label are the inputs, laid out in the shape of the model. Labels that are
    words become numbers in the order of the words.

    Args:
        request: How it is read.
        content: The text, UTF-8.

    Raises:
        DataError: If it holds no rows, or rows of different lengths, or lacks a column.
    """

    def __init__(self, request: Request, content: bytes) -> None:
        if request.part:
            raise ArgumentError(f"{request.spec!r}: a table has no parts. Leave '::' out.")
        self._request = request
        self._rows = _rows(content, request)
        has_names = not all(_is_number(cell) for cell in self._rows[0][1])
        self._names = self._rows.pop(0)[1] if has_names else []
        if not self._rows:
            raise DataError(f"{request.spec!r} has a row of names and no samples.")
        self._width = len(self._rows[0][1])
        self._y = {name or key: self._place(key) for name, key in request.y}
        self._x = {key: self._place(key) for _, key in request.x}
        self.labelled = bool(self._y)

    def load(self, inputs: list[ModelInput]) -> Any:
        """Return ``x``, or ``(x, y)``, as `tfedge.cli.data.request.Source` says."""
        x = fit_inputs(self._inputs(inputs), inputs, self._request, flat=True)
        labels = {name: self._label(place) for name, place in self._y.items()}
        y = next(iter(labels.values())) if len(labels) == 1 else labels or None
        check_lengths(x, y, self._request)
        return x if y is None else (x, y)

    def _inputs(self, inputs: list[ModelInput]) -> Any:
        """Return the numbers of the inputs: rows, or a column for each of several inputs."""
        if len(inputs) > 1:
            columns = {key: self._numbers([place])[:, 0] for key, place in self._x.items()}
            return taken(columns, chosen_x(columns, inputs, self._request))
        others = [place for place in range(self._width) if place not in self._y.values()]
        return self._numbers(list(self._x.values()) or others)

    def _place(self, key: str) -> int:
        """Return the position of a column, by name or index."""
        if key in self._names:
            return self._names.index(key)
        try:
            place = int(key)
        except ValueError:
            shown = f"; its columns are {self._names}." if self._names else "; it names no columns."
            raise DataError(
                f"{self._request.spec!r} has no column {key!r}{shown}"
                f"{did_you_mean(key, self._names)}"
            ) from None
        if not -self._width <= place < self._width:
            raise DataError(
                f"{self._request.spec!r} has {self._width} columns; there is no column {place}."
            )
        return place % self._width

    def _numbers(self, places: list[int]) -> np.ndarray:
        """Return columns as float32, shape (samples, columns)."""
        return np.array(
            [[self._number(line, row, place) for place in places] for line, row in self._rows],
            np.float32,
        )

    def _number(self, line: int, row: list[str], place: int) -> float:
        """Return one cell as a number."""
        try:
            return float(row[place])
        except ValueError:
            name = repr(self._names[place]) if self._names else str(place)
            raise DataError(
                f"Line {line} of {self._request.spec!r}: {row[place]!r} in column {name} is no "
                "number. If it is the label, say --label."
            ) from None

    def _label(self, place: int) -> np.ndarray:
        """Return a column of labels: whole numbers, real values, or words as numbers."""
        cells = [row[place].strip() for _, row in self._rows]
        if all(_is_number(cell) for cell in cells):
            values = np.array([float(cell) for cell in cells], np.float32)
            whole = np.all(values == np.floor(values))
            return values.astype(np.int64) if whole else values
        words = sorted(set(cells))
        shown = ", ".join(f"{number} {word}" for number, word in enumerate(words[:10]))
        self._request.say(f"{self._request.spec}: {len(words)} classes: {shown}")
        numbers = {word: number for number, word in enumerate(words)}
        return np.array([numbers[cell] for cell in cells])


def _rows(content: bytes, request: Request) -> list[tuple[int, list[str]]]:
    """Return rows that are not empty with the numbers of their lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{request.spec!r} is no text in UTF-8: {error}.") from error
    head = text.partition("\n")[0]
    mark = next((mark for mark in (",", "\t", ";") if mark in head), ",")
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"Line {reader.line_num} of {request.spec!r}: {error}.") from error
    if not rows:
        raise DataError(f"{request.spec!r} is empty.")
    for line, row in rows:
        if len(row) != len(rows[0][1]):
            raise DataError(
                f"Line {line} of {request.spec!r} has {len(row)} cells; the first has "
                f"{len(rows[0][1])}."
            )
    return rows


def _is_number(cell: str) -> bool:
    """Return whether a cell is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
