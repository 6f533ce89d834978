"""Which of tf.keras.applications and tfedge.zoo can be used: every constructor, in both Kerases.

    python benchmarks/coverage.py                      # what is missing, writes coverage.md
    python benchmarks/coverage.py --only MobileNetV2   # some models only
    python benchmarks/coverage.py --columns cluster    # some columns only
    python benchmarks/coverage.py --again              # measured before or not

Each model is built with seeded random weights (no downloads) in a process of its own, one after
the other. The page is written after each, and what it holds is not measured again, so that an
interrupted run goes on where it stopped. A column is a function of the :class:`Case`; add one to
COLUMNS and it is in the table. The columns that train make one step of gradient descent on the two
images.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from coverage_cases import CLUSTERS, FLAVOURS, SIDE, SPARSITY, ZOO, Case, names
from coverage_channels import CHEAP, CONVERTED, REMOVE
from coverage_quantize import QUANTIZE, kinds
from pages import installed, listed

import tfedge

TOLERANCE = 1e-5
LEAST_RESPONSE = 0.01
EQUAL = 1e-6
LIMIT_S = 900
TABLE = Path(__file__).with_suffix(".md")
PACKAGES = ("tensorflow", "keras", "tf-keras", "tensorflow-model-optimization", "numpy")


def parameters(case: Case) -> str:
    """Return how many parameters the model has."""
    return f"{case.model.count_params() / 1e6:.1f} M"


def adopts(case: Case) -> str:
    """Return whether adoption works and gives the same answers.

    Where float32 rounding adds up to more than the tolerance, float64 tells it from a fault.
    """
    if relative_difference(case) <= TOLERANCE:
        return "yes"
    double = Case(case.name, case.flavour, "float64")
    return "yes, but for rounding" if relative_difference(double) <= 1e-12 else "**differs**"


def difference(case: Case) -> str:
    """Return the largest difference of the outputs, as a fraction of the largest output."""
    return f"{relative_difference(case):.0e}"


def images_apart(case: Case) -> str:
    """Return how much the outputs depend on the image; near zero the test would prove nothing."""
    return f"{response(case):.2f}"


def seconds(case: Case) -> str:
    """Return how long adoption took."""
    return f"{case.adopted_in[1]:.1f}"


def relative_difference(case: Case) -> float:
    """Return max |a - b| / max |a| over the logits of two images."""
    found = np.asarray(case.adopted_in[0](case.images, training=False))
    if not response(case) > LEAST_RESPONSE:
        raise ValueError(f"the outputs hardly depend on the image ({response(case):.1e})")
    return float(np.abs(found - case.expected).max() / np.abs(case.expected).max())


def response(case: Case) -> float:
    """Return how far the two images' outputs are apart, as a fraction of the largest output."""
    return float(np.ptp(case.expected, axis=0).max() / np.abs(case.expected).max())


def prunes(case: Case) -> str:
    """Return whether pruning works and how many of all kernel weights are 0 after a step."""
    report = tfedge.sparsity(case.pruned)
    right = all(abs(one.sparsity - SPARSITY) < 0.02 for one in report.layers if one.pruned)
    return f"{'yes' if right else '**no**'}, {report.sparsity:.0%} zeros"


def prune_strips(case: Case) -> str:
    """Return whether the pruned model without wrappers answers as with them."""
    return equal_when_stripped(case.__dict__.pop("pruned"), case.images)


def clusters(case: Case) -> str:
    """Return whether clustering works, and how many kernels share values."""
    layers = [one for one in case.clustered.layers if hasattr(one, "shared_kernels")]
    most = [len(np.unique(kernel)) for one in layers for kernel in one.shared_kernels()]
    return f"{'yes' if max(most) <= CLUSTERS else '**no**'}, {len(most)} kernels"


def cluster_strips(case: Case) -> str:
    """Return whether the clustered model without wrappers answers as with them."""
    return equal_when_stripped(case.__dict__.pop("clustered"), case.images)


def equal_when_stripped(model: Any, images: np.ndarray) -> str:
    """Return whether strip keeps the outputs, as a fraction of the largest."""
    with_wrappers, without = (
        np.asarray(one(images, training=False)) for one in (model, tfedge.strip(model))
    )
    apart = np.abs(with_wrappers - without).max() / np.abs(with_wrappers).max()
    return "yes" if apart <= EQUAL else f"**differs by {apart:.0e}**"


COLUMNS: dict[str, Callable[[Case], str]] = {
    "parameters": parameters,
    "adopts": adopts,
    "largest relative difference": difference,
    "outputs of two images apart": images_apart,
    "seconds to adopt": seconds,
    f"prune {SPARSITY:.0%}": prunes,
    "prune, strip": prune_strips,
    **REMOVE,
    f"cluster {CLUSTERS}": clusters,
    "cluster, strip": cluster_strips,
    **QUANTIZE,
}
SCORED = ("adopts", *list(COLUMNS)[5:])


def cases(only: list[str], wanted: str | None = None) -> list[tuple[str, str]]:
    """Return ``(name, flavour)`` of every constructor."""
    found = {
        (name, flavour)
        for flavour in FLAVOURS
        if wanted in (None, flavour)
        for name in names(flavour)
        if not only or name in only
    }
    return sorted(found)


def small_cases(only: list[str], wanted: str | None = None) -> list[tuple[str, str]]:
    """Return ``(name, flavour)`` of the small networks with layers of one kind."""
    named = [name for name in kinds() if not only or name in only]
    return [(name, "keras3") for name in named if wanted in (None, "keras3")]


def columns_of(name: str, flavour: str) -> list[str]:
    """Return the columns that a row has."""
    if name in kinds():
        return list(QUANTIZE)
    cheap = name in CHEAP or flavour == ZOO
    return [title for title in COLUMNS if title != CONVERTED or cheap]


def probe(name: str, flavour: str, columns: list[str]) -> None:
    """Print one cell per line, as JSON: the title of a column and a text."""
    case = Case(name, flavour)
    for title in columns:
        try:
            text = COLUMNS[title](case)
        except Exception as error:  # the cell shows it, and the other columns go on
            text = f"**{type(error).__name__}**: {in_short(error)}"
        print(json.dumps({title: text}), flush=True)


def in_short(error: Exception) -> str:
    """Return the beginning of a message, files in it without the folders of this machine."""
    words = " ".join(str(error).split())
    return re.sub(r'"/[^"]*/([^"/]+)"', r'"\1"', words)[:160]


def probe_apart(name: str, flavour: str, columns: list[str]) -> dict[str, str]:
    """Run :func:`probe` in a process of its own, so that memory comes back."""
    command = [sys.executable, __file__, "--row", name, flavour, "--columns", *columns]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryFile("w+") as output:
        try:
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.DEVNULL, timeout=LIMIT_S, env=quiet
            )
            ended = str(done.returncode)
        except subprocess.TimeoutExpired:
            ended = f"over {LIMIT_S} s"
        output.seek(0)
        lines = [json.loads(line) for line in output if line.startswith('{"')]
    found = dict.fromkeys(columns, f"**process ended: {ended}**")
    for line in lines:
        found.update(line)
    return found


def table(rows: dict[tuple[str, str], dict[str, str]]) -> str:
    """Return the rows as Markdown, under what they were made with and how many are good."""
    families = {key: row for key, row in rows.items() if key[0] not in kinds()}
    small = {key: row for key, row in rows.items() if key[0] in kinds()}
    return "\n".join(
        [
            "# Coverage of tf.keras.applications and tfedge.zoo",
            "",
            f"Made by `python benchmarks/coverage.py` on Python {platform.python_version()} with "
            f"{listed(installed(PACKAGES))}.",
            f"Input {SIDE}x{SIDE}x3, 10 classes, seeded random weights, batch normalization "
            "statistics too; outputs are logits of two images.",
            "",
            f"Adopted is a model with equal outputs: difference at most {TOLERANCE:g}, or, where "
            "float32 rounding adds up to more, 1e-12 in float64. Pruned and clustered models make "
            f"a training step before they are stripped; equal then means {EQUAL:g}. Quantized "
            "models make a training step; then the outputs of every layer are compared with the "
            "INT8 file's, on the inputs that the layer has in the file, and the whole outputs in "
            "dB. Models with fewer channels are converted where that is cheap. The model for raw "
            "tfmot is the adopted one, as it knows tf_keras only.",
            "",
            *(f"- {title}: {score(rows, title)}" for title in SCORED),
            "",
            *markdown(families, list(COLUMNS)),
            "",
            "Small networks with layers of one kind, those of "
            "`tests/compress/quantization/quantized_zoo.py`:",
            "",
            *markdown(small, list(QUANTIZE)),
            "",
        ]
    )


def markdown(rows: dict[tuple[str, str], dict[str, str]], columns: list[str]) -> list[str]:
    """Return the lines of a table."""
    cells = [[*key, *(row.get(title, "–") for title in columns)] for key, row in rows.items()]
    head = ["model", "Keras", *columns]
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells)]


def score(rows: dict[tuple[str, str], dict[str, str]], title: str) -> str:
    """Return how many of the cells of a column are good."""
    cells = [row[title] for row in rows.values() if title in row]
    return f"{sum(cell.startswith('yes') for cell in cells)} of {len(cells)}"


def on_page() -> dict[tuple[str, str], dict[str, str]]:
    """Return the cells that were measured before, read from the page."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    head: list[str] = []
    for line in TABLE.read_text().splitlines() if TABLE.exists() else []:
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| model |"):
            head = cells
        elif line.startswith("| ") and "---" not in cells:
            known = dict(zip(head[2:], cells[2:], strict=True))
            rows[cells[0], cells[1]] = {k: v for k, v in known.items() if v != "–"}
    return rows


def write_table(rows: dict[tuple[str, str], dict[str, str]]) -> None:
    """Write every row of which something is known."""
    order = [case for case in cases([]) + small_cases([]) if case in rows]
    TABLE.write_text(table({case: rows[case] for case in order}))


def main() -> None:
    """Fill the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models")
    parser.add_argument("--keras", choices=[*FLAVOURS], help="this Keras")
    parser.add_argument("--columns", nargs="+", default=[*COLUMNS], choices=[*COLUMNS])
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    parser.add_argument("--row", nargs=2, metavar=("NAME", "KERAS"), help="one row as JSON")
    options = parser.parse_args()
    if options.row:
        probe(*options.row, options.columns)
        return
    chosen, rows = (options.only, options.keras), on_page()
    for case in cases(*chosen) + small_cases(*chosen):
        before = rows.get(case, {})
        wanted = [title for title in options.columns if title in columns_of(*case)]
        missing = [title for title in wanted if options.again or title not in before]
        if missing:
            rows[case] = {**before, **probe_apart(*case, missing)}
            print(*case, *(rows[case][title] for title in missing), sep=" | ", flush=True)
            write_table(rows)


if __name__ == "__main__":
    main()
