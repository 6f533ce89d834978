"""What the architectures of `tfedge.zoo` cost at their default settings.

    python benchmarks/zoo.py                       # all, writes figures.json and docs/zoo.md
    python benchmarks/zoo.py --only ResNet8 TCN    # these, the others stay as they are

Each is built with seeded random weights and converted to an INT8 file, calibrated on random inputs.
Nothing is trained: parameters, operations, bytes and memory do not depend on the values.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from pages import installed, listed

import tfedge
from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.names import ARCHITECTURES
from tfedge.report import markdown_table

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "tfedge" / "models" / "zoo" / "figures.json"
PAGE = ROOT / "docs" / "zoo.md"
MARKS = ("<!-- zoo -->", "<!-- /zoo -->")
PACKAGES = ("tensorflow", "tf-keras", "ai-edge-litert", "numpy")
SAMPLES = 8


def built(name: str) -> tuple[Any, tfedge.TFLiteModel]:
    """Return an architecture with seeded random weights, and its INT8 file."""
    tf_keras().utils.set_random_seed(0)
    model = tfedge.zoo.build(name)
    x = np.random.default_rng(0).normal(size=(SAMPLES, *model.input_shape[1:])).astype("float32")
    return model, tfedge.convert(model, "int8", calibration=x, parity=False)


def measured(name: str) -> dict[str, Any]:
    """Return the row of one architecture."""
    _, task, kind = ARCHITECTURES[name]
    model, lite = built(name)
    costs = tfedge.models.model_statistics(model)
    return {
        "name": name,
        "task": task,
        "kind": kind,
        "input_shape": list(model.input_shape[1:]),
        "outputs": model.output_shape[-1],
        "parameters": costs.parameters,
        "macs": costs.macs,
        "size_bytes": lite.size_bytes,
        "arena_bytes": tfedge.runtime.plan_arena(lite).arena_bytes,
    }


def main() -> None:
    """Measure, and write the data and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(ARCHITECTURES), choices=ARCHITECTURES)
    wanted = parser.parse_args().only
    rows = {row["name"]: row for row in json.loads(FIGURES.read_text())["rows"]}
    for name in wanted:
        rows[name] = measured(name)
        print(rows[name], flush=True)
    found = sorted((rows[name] for name in ARCHITECTURES if name in rows), key=by_size)
    text = json.dumps({"versions": installed(PACKAGES), "rows": found}, indent=1)
    FIGURES.write_text(f"{text}\n")
    write_page(found)


def by_size(row: dict[str, Any]) -> int:
    """Return what rows are ordered by."""
    return row["size_bytes"]


def write_page(rows: list[dict[str, Any]]) -> None:
    """Write the table into the page, between its marks."""
    cells = [
        {
            "name": f"`{row['name']}`",
            "for": row["task"],
            "input": "×".join(map(str, row["input_shape"])),
            "outputs": row["outputs"],
            "parameters": row["parameters"],
            "MACs": row["macs"],
            "INT8 bytes": row["size_bytes"],
            "arena bytes": row["arena_bytes"],
        }
        for row in rows
    ]
    before, rest = PAGE.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    inside = f"{markdown_table(cells)}\n\nMeasured with {listed(installed(PACKAGES))}."
    PAGE.write_text(f"{before}{MARKS[0]}\n{inside}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
