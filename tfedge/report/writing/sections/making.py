"""How the file was made: the recipe, and what each step gave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from tfedge.core.records import _strict
from tfedge.report.record import ModelReport
from tfedge.report.writing.blocks import Cell, Code, Section, Table, dash, row
from tfedge.report.writing.numbers import quantity
from tfedge.report.writing.sections.trials import flat

_COLUMNS, _LONGEST = 10, 20_000


def making(report: ModelReport) -> Section | None:
    """Return the recipe as YAML, and the stages as a table.

    Args:
        report: The report.
    """
    blocks: list[Any] = []
    if report.stages:
        blocks.append(_stages([flat(one) for one in report.stages]))
    if report.recipe:
        blocks.append(Code("Recipe", as_yaml(report.recipe)))
    return Section("recipe", "How it was made", tuple(blocks)) if blocks else None


def as_yaml(plain: Mapping[str, Any]) -> str:
    r"""Return plain data as YAML, cut where it becomes very long.

    Example:
        >>> as_yaml({"steps": [{"kind": "prune", "sparsity": 0.5}]})
        'steps:\n- kind: prune\n  sparsity: 0.5'
    """
    plain = json.loads(json.dumps(_strict(dict(plain)), default=str))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip()
    return (
        text
        if len(text) <= _LONGEST
        else f"{text[:_LONGEST]}\n… and {len(text) - _LONGEST:,} more characters"
    )


def _stages(rows: list[dict[str, Any]]) -> Table:
    """Return what each step gave."""
    names = [
        name
        for name in dict.fromkeys(name for one in rows for name in one)
        if any(isinstance(one.get(name), (int, float, str)) for one in rows)
    ][:_COLUMNS]
    lines = []
    for place, one in enumerate(rows):
        cells = [_cell(name, one.get(name)) for name in names]
        lines.append(row(Cell(str(place + 1), place + 1), *cells))
    heads = tuple(name.replace("_", " ") for name in names)
    return Table("Stages, in order", ("#", *heads), tuple(lines))


def _cell(name: str, value: Any) -> Cell:
    """Return one value of a stage."""
    if value is None:
        return dash()
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Cell(quantity(name, value), float(value) if number else None)
