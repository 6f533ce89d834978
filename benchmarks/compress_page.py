"""The page of compress.py: one row for each way, and what was aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pages import listed_of
from records import Records

from tfedge.report import markdown_table

TEXT = """# One call against tfmot's tutorials

Written by `python benchmarks/compress.py`: {versions}. Means over the seeds; accuracy is that of
the file on LiteRT, on test samples that nobody chose by. `times faster` is against the file of the
raw converter, in turns. `seen` are training samples with labels, all trials together.

tfmot's path: half of each kernel zeros, then training in integers that keeps them, then the raw
converter. `its budget` asks `tfedge.compress` for a file of 98 % of that one's size after gzip and
latency, `half of it` for 50 %; it may train one file."""
FAILED = "What tools could not do, in their own words:"


def written(records: Records, tasks: Sequence[str], ways: Sequence[str]) -> str:
    """Return the page of what is on record."""
    latest = {(run["task"], run["way"], run["seed"]): run for run in records}
    groups = {
        (task, way): [run for (a, b, _), run in latest.items() if (a, b) == (task, way)]
        for task in tasks
        for way in ways
    }
    table = [_row(*name, found) for name, found in groups.items() if found]
    failed = [_failure(*name, found) for name, found in groups.items() if _broken(found)]
    parts = [TEXT.format(versions=listed_of(latest.values())), markdown_table(table)]
    return "\n\n".join(parts + ([FAILED, markdown_table(failed)] if failed else []))


def _row(task: str, way: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of a way."""
    good = [run for run in runs if "test" in run]
    return {
        "task": task,
        "way": way,
        "seeds": len(runs),
        "accuracy": _mean(good, "test", "{:.2%}"),
        "range": _range(good),
        "gzip": _mean(good, "gzip_bytes", "{:,.0f} B"),
        "times faster": _faster(good),
        "seen": _mean(good, "seen", "{:,.0f}"),
    }


def _mean(runs: list[dict[str, Any]], name: str, form: str) -> str:
    """Return the mean of a figure, or a dash where there is none."""
    found = [run[name] for run in runs if name in run]
    return form.format(np.mean(found)) if found else "–"


def _range(runs: list[dict[str, Any]]) -> str:
    """Return the least and the best accuracy."""
    found = [100 * run["test"] for run in runs]
    return f"{min(found):.2f} to {max(found):.2f}" if len(found) > 1 else "–"


def _faster(runs: list[dict[str, Any]]) -> str:
    """Return the middle of the ratios of latency, or a dash."""
    found = [run["faster"][1] for run in runs if "faster" in run]
    return f"{np.median(found):.2f}x" if found else "–"


def _broken(runs: list[dict[str, Any]]) -> bool:
    """Return whether a tool failed."""
    return any("failed" in run for run in runs)


def _failure(task: str, way: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of a tool that failed."""
    said = [run["failed"] for run in runs if "failed" in run]
    return {"task": task, "way": way, "failed": f"{len(said)} of {len(runs)}", "said": said[0]}
