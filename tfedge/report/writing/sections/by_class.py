"""Accuracy by class, and confusion: as a matrix for few classes, as a list of changes for many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfedge.report.findings import ClassScores
from tfedge.report.writing.blocks import BAD, GOOD, MUTE, Cell, Chart, Note, Table, dash, row
from tfedge.report.writing.charts.bars import Column, Pair, columns, dumbbells
from tfedge.report.writing.numbers import percent, plural

_LARGEST_MATRIX, _LARGEST_CHART, _LISTED = 20, 30, 10


def by_class(scores: ClassScores, names: Sequence[str]) -> list[Any]:
    """Return the blocks of one output.

    Args:
        scores: How it does on each class.
        names: Names of the classes; numbers where there are fewer names than classes.

    Example:
        >>> matrix = np.array([[3, 1], [0, 2]])
        >>> scores = ClassScores("", (4, 2), (3, 2), (4, 2), matrix, matrix, ())
        >>> [type(block).__name__ for block in by_class(scores, ["cat", "dog"])]
        ['Chart', 'Table', 'Table']
    """
    known = names if len(names) == len(scores.samples) else ()
    labels = [str(known[at]) if known else str(at) for at in range(len(scores.samples))]
    if not any(scores.samples):
        return [Note(f"No sample has a label{_of(scores)}.", MUTE)]
    if len(labels) <= _LARGEST_CHART:
        blocks: list[Any] = [_chart(scores, labels), _table(scores, labels)]
    else:
        blocks = [_overview(scores), *_extremes(scores, labels)]
    if scores.matrix is not None and len(labels) <= _LARGEST_MATRIX:
        return [*blocks, _matrix(scores, labels)]
    return [*blocks, *_largest_changes(scores, labels)]


def _of(scores: ClassScores) -> str:
    """Return which output is meant."""
    return f", output {scores.output}" if scores.output else ""


def _chart(scores: ClassScores, labels: list[str]) -> Chart:
    """Return the accuracy of each class, before and after."""
    before = scores.accuracy_before or [None] * len(labels)
    pairs = []
    for label, old, new, count in zip(labels, before, scores.accuracy, scores.samples, strict=True):
        if new is not None:
            was = "" if old is None else f", original {percent(old)}"
            hint = f"{label}: {percent(new)}{was}, {plural(count, 'sample')}"
            pairs.append(Pair(label, old, new, hint))
    alt = f"Accuracy of each class{_of(scores)}"
    legend = " Grey: the original. Blue: this file." if scores.right_before else ""
    return Chart(dumbbells(pairs, alt, lambda value: percent(value, 0)), f"{alt}.{legend}")


def _table(scores: ClassScores, labels: list[str], places: Sequence[int] | None = None) -> Table:
    """Return the accuracy of each class as a table."""
    rows = []
    before = scores.accuracy_before
    for at in range(len(labels)) if places is None else places:
        cells: list[Any] = [labels[at], Cell(f"{scores.samples[at]:,}", scores.samples[at])]
        new = scores.accuracy[at]
        if before is not None:
            old = before[at]
            cells.append(dash() if old is None else Cell(percent(old), old))
        cells.append(dash() if new is None else Cell(percent(new), new))
        if scores.right_before is not None:
            cells.append(_change(scores.right[at] - scores.right_before[at]))
        rows.append(row(*cells))
    head: tuple[str, ...] = ("class", "samples", "this file")
    if before is not None:
        head = ("class", "samples", "original", "this file", "more right")
    return Table(f"Accuracy of each class{_of(scores)}", head, tuple(rows), sortable=True)


def _change(change: int) -> Cell:
    """Return how many more samples are right."""
    tone = GOOD if change > 0 else BAD if change else MUTE
    return Cell(signed(change), change, tone)


def signed(change: int) -> str:
    """Return a change with its sign, a real minus.

    Example:
        >>> signed(3), signed(-2), signed(0)
        ('+3', '−2', '0')
    """
    return f"{change:+,}".replace("-", "−") if change else "0"


def _overview(scores: ClassScores) -> Chart:
    """Return the accuracy of many classes, sorted."""
    known = sorted(one for one in scores.accuracy if one is not None)
    drawn = [Column(one, "after", percent(one)) for one in known]
    alt = f"Accuracy of {len(known):,} classes{_of(scores)}, from the lowest to the highest"
    svg = columns(drawn, alt, lambda value: percent(value, 0), "classes, sorted by accuracy")
    return Chart(svg, f"{alt}.")


def _extremes(scores: ClassScores, labels: list[str]) -> list[Any]:
    """Return the classes that lost and gained most, or those that are hardest."""
    if scores.right_before is None:
        known = [at for at, one in enumerate(scores.accuracy) if one is not None]
        hardest = sorted(known, key=lambda at: scores.accuracy[at] or 0.0)[:_LISTED]
        return [Note(f"The {len(hardest)} hardest classes:"), _table(scores, labels, hardest)]
    changes = np.subtract(scores.right, scores.right_before)
    order = np.argsort(changes, kind="stable")
    worst = [int(at) for at in order[:_LISTED] if changes[at] < 0]
    best = [int(at) for at in order[::-1][:_LISTED] if changes[at] > 0]
    said = (
        f"Of {len(labels):,} classes, {int(np.sum(changes < 0)):,} got fewer right answers than "
        f"from the original and {int(np.sum(changes > 0)):,} got more. The table has those that "
        "changed most."
    )
    return [Note(said), *([_table(scores, labels, [*worst, *best])] if worst or best else [])]


def _matrix(scores: ClassScores, labels: list[str]) -> Table:
    """Return the confusion matrix, and how each cell changed."""
    matrix = np.asarray(scores.matrix)
    before = None if scores.matrix_before is None else np.asarray(scores.matrix_before)
    share = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    rows = []
    for at, label in enumerate(labels):
        cells = [Cell(label)]
        for other, name in enumerate(labels):
            count = int(matrix[at, other])
            change = 0 if before is None else count - int(before[at, other])
            cells.append(_cell(label, name, count, change, float(share[at, other])))
        rows.append(tuple(cells))
    heads = [
        name if labels.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(labels)
    ]
    signs = "" if before is None else "; small signed numbers: change against the original"
    caption = f"Confusion matrix{_of(scores)}: rows are labels, columns are answers{signs}"
    return Table(caption, ("label", *heads), tuple(rows), dense=True)


def _cell(label: str, name: str, count: int, change: int, share: float) -> Cell:
    """Return one cell of a confusion matrix."""
    text = f"{count:,}" if count else "·"
    right = label == name
    hint = f"{label} taken for {name}: {count:,}"
    if not change:
        return Cell(text, float(count), "" if count else MUTE, share, hint)
    better = (change > 0) == right
    tone, sign = GOOD if better else BAD, signed(change)
    return Cell(f"{count:,}", float(count), tone, share, f"{hint}, {sign}", change=sign)


def _largest_changes(scores: ClassScores, labels: list[str]) -> list[Any]:
    """Return the pairs whose confusion changed most."""
    if scores.right_before is None:
        return []
    if not scores.changes:
        return [Note(f"No pair of classes is confused more or less often{_of(scores)}.")]
    rows = []
    for one in scores.changes[: 2 * _LISTED]:
        change = one.after - one.before
        rows.append(
            row(
                labels[one.label],
                labels[one.taken_for],
                Cell(f"{one.before:,}", one.before),
                Cell(f"{one.after:,}", one.after),
                Cell(signed(change), change, BAD if change > 0 else GOOD),
            )
        )
    head = ("label", "taken for", "original", "this file", "change")
    caption = f"Pairs of classes whose confusion changed most{_of(scores)}"
    return [Table(caption, head, tuple(rows), sortable=True)]
