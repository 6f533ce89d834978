"""What the architectures of the zoo cost, as measured, and which of them fit a budget."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError
from tfedge.core.records import Record
from tfedge.models.zoo.names import KINDS, TASKS

_COLUMNS = ("parameters", "macs", "size_bytes", "arena_bytes")


@dataclass(frozen=True, repr=False)
class Architecture(Record):
    """One architecture at its default settings.

    Attributes:
        name: What `tfedge.zoo.build` knows it by.
        task: What it is made for.
        kind: What it takes: ``"image"``, ``"spectrogram"``, ``"series"`` or ``"features"``.
        input_shape: Of one sample.
        outputs: Number of outputs.
        parameters: Number of weights' values.
        macs: Multiply-accumulates for one sample.
        size_bytes: Size of the INT8 file.
        arena_bytes: Memory for the activations of that file, as `tfedge.runtime.plan_arena` plans
            it.
    """

    name: str
    task: str
    kind: str
    input_shape: tuple[int, ...]
    outputs: int
    parameters: int
    macs: int
    size_bytes: int
    arena_bytes: int


@dataclass(frozen=True, repr=False)
class Architectures(Record):
    """A table of architectures, the smallest file first.

    Attributes:
        rows: One record for each.
        versions: With which versions of what the figures were measured.
    """

    rows: tuple[Architecture, ...]
    versions: dict[str, str]

    def __iter__(self) -> Iterator[Architecture]:
        """Go through the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def table(self) -> list[dict[str, Any]]:
        """Return the rows for `tfedge.report.markdown_table` or ``pandas.DataFrame``."""
        return [row.to_dict() for row in self.rows]

    def __repr__(self) -> str:
        """Return one line for each architecture."""
        if not self.rows:
            return "No architecture of the zoo fits at its default settings; try a smaller width."
        lines: list[tuple[str, ...]] = [("name", "input", "outputs", *_COLUMNS)]
        for row in self.rows:
            numbers = (f"{getattr(row, column):,}" for column in _COLUMNS)
            shape = "×".join(map(str, row.input_shape))
            lines.append((row.name, shape, str(row.outputs), *numbers))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                text.ljust(width) if place < 2 else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )


def list_architectures(
    *,
    task: str | None = None,
    kind: str | None = None,
    parameters: int | None = None,
    macs: int | None = None,
    size_bytes: int | None = None,
    arena_bytes: int | None = None,
) -> Architectures:
    """Return what the architectures of the zoo cost, of all or of those that fit a budget.

    Figures are for the default settings of each, and were measured on files made with random
    weights and inputs; ``width`` and ``input_shape`` change them.

    Args:
        task: Only those made for it: ``"image classification"``, ``"person detection"``,
            ``"keyword spotting"``, ``"anomaly detection"``, ``"series classification"``.
        kind: Only those that take it: ``"image"``, ``"spectrogram"``, ``"series"``,
            ``"features"``.
        parameters: At most so many.
        macs: At most so many multiply-accumulates for one sample.
        size_bytes: At most so large an INT8 file.
        arena_bytes: At most so much memory for activations.

    Returns:
        A table, the smallest file first. It may be empty.

    Raises:
        ArgumentError: If a task or kind is not known, or a budget is no positive number.

    Example:
        >>> [row.name for row in list_architectures(task="keyword spotting", arena_bytes=64_000)]
        ['DSCNN']
    """
    budget = {
        "parameters": parameters,
        "macs": macs,
        "size_bytes": size_bytes,
        "arena_bytes": arena_bytes,
    }
    limits = {name: _positive(name, value) for name, value in budget.items() if value is not None}
    wanted = {"task": (task, TASKS), "kind": (kind, KINDS)}
    for name, (value, known) in wanted.items():
        if value is not None:
            one_of(name, value, known)
    every = measured()
    rows = tuple(
        row
        for row in every.rows
        if task in (None, row.task)
        and kind in (None, row.kind)
        and all(getattr(row, name) <= limit for name, limit in limits.items())
    )
    return Architectures(rows, every.versions)


@functools.cache
def measured() -> Architectures:
    """Return all figures, as ``benchmarks/zoo.py`` measured them.

    Example:
        >>> measured().rows[0].parameters > 1000
        True
    """
    text = resources.files("tfedge.models.zoo").joinpath("figures.json").read_text("utf-8")
    found = json.loads(text)
    rows = (
        Architecture(**{**row, "input_shape": tuple(row["input_shape"])}) for row in found["rows"]
    )
    return Architectures(tuple(sorted(rows, key=lambda row: row.size_bytes)), found["versions"])


def _positive(name: str, value: Any) -> float:
    """Return a budget, if it is one."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0:
        raise ArgumentError(f"{name}={value!r} must be a number above 0: the most that may be.")
    return value
