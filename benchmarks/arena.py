"""The planned arena of `tfedge.memory` against the one that tflite-micro really allocates.

    python benchmarks/arena.py                     # all of tfedge.zoo, writes arena.md
    python benchmarks/arena.py --only ResNet8 TCN  # prints these

Each is built with seeded random weights and converted to an INT8 file, calibrated on random inputs.
Memory does not depend on the values. Needs the extra ``micro``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pages import installed, listed
from zoo import built

import tfedge
from tfedge.models.zoo.names import ARCHITECTURES
from tfedge.report import markdown_table

PAGE = Path(__file__).with_suffix(".md")
PACKAGES = ("tflite-micro", "tensorflow", "tf-keras", "numpy")
TEXT = """# The arena, planned and real

`tfedge.memory` plans the arena from the file alone. tflite-micro's interpreter, opened with the
same file, tells what it allocates. Its head holds activations and what kernels work in: that is
what the plan is about. Its tail holds structures of tensors and operators; it was measured on a
64-bit computer, and is smaller on a 32-bit microcontroller, where pointers take half the room.
"To start" is the smallest arena in which the file starts and runs on that computer.

INT8 files of every architecture in `tfedge.zoo` at its default settings, bytes:

{table}

Largest difference of plan and head: {worst:.1%}. Written by `python benchmarks/arena.py` with
{versions}.
"""


def measured(name: str) -> dict[str, Any]:
    """Return the row of one architecture."""
    found = tfedge.memory(built(name)[1], micro=True)
    real = found.micro
    assert real is not None
    return {
        "name": name,
        "planned": found.arena_bytes,
        "head": real.head_bytes,
        "difference": found.arena_bytes / real.head_bytes - 1,
        "in use at most": found.peak_bytes,
        "tail": real.tail_bytes,
        "to start": real.required_bytes,
        "file": found.flash_bytes,
    }


def main() -> None:
    """Measure, print, and write the page if all were measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(ARCHITECTURES), choices=ARCHITECTURES)
    names = parser.parse_args().only
    rows = [measured(name) for name in names]
    worst = max(abs(row["difference"]) for row in rows)
    shown = [{**row, "difference": f"{row['difference']:+.1%}"} for row in rows]
    versions = listed(installed(PACKAGES))
    text = TEXT.format(table=markdown_table(shown), worst=worst, versions=versions)
    print(text)
    if names == list(ARCHITECTURES):
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
