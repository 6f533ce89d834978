"""tfedge's run-time half against LiteRT's own benchmark, a bare interpreter and bare NumPy.

    python benchmarks/runtime.py                   # all, writes runtime.md
    python benchmarks/runtime.py --only MobileNetV2 --rounds 3

INT8 files of `tfedge.zoo` with seeded random weights at 224 x 224 x 3: LiteRT's program rounds its
median to 0.01 ms, so that smaller networks cannot be told apart. One thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pages import installed, listed
from runtime_costs import MIB, import_ms, memory, overhead

import tfedge
from tfedge.models.flavours import tf_keras
from tfedge.report import markdown_table

PAGE = Path(__file__).with_suffix(".md")
NETWORKS = ("MobileNetV1", "MobileNetV2", "MobileNetV3Small", "EfficientNetLite0", "SqueezeNet")
SHAPE = (224, 224, 3)
PACKAGES = ("ai-edge-litert", "numpy")
RUNS = 100
TURNS = 40
TEXT = """# The run-time half

`litert-benchmark` is the program that comes with LiteRT. It and `tfedge.benchmark` take turns, each
in a fresh process with one thread, {rounds} rounds of {runs} runs; each time is the median of the
quietest round, the ratio that of these two; beside it the quartiles of the rounds' ratios, which
show how noisy the machine was. The program runs LiteRT's `CompiledModel`, `tfedge.benchmark` its
`Interpreter`, which is what files are shipped for.

"predict" is `Runner.predict` on fresh float32 images, against a bare `invoke` of the same batch
that sets no input, gets no output and quantizes nothing; "raw" is the same with codes that were
quantized beforehand. Both in one process, in turns; best of {turns}.

{latency}

Memory that is its own (Pss, MiB) after 64 images of 224 x 224 x 3, best of 3 processes. The bare
script holds NumPy and LiteRT; `Runner` keeps the interpreter in a worker, so that its crash is not
the user's.

{memory}

Import, median of {imports} processes each, in turns: NumPy {numpy_ms:.0f} ms;
`import tfedge.runtime` {ours_ms:+.0f} ms beyond it.

Written by `python benchmarks/runtime.py` with {versions},
{cores} processors, load {load:.1f} at the end.
"""


def written(name: str, folder: Path) -> Path:
    """Write the INT8 file of a network; return where."""
    tf_keras().utils.set_random_seed(0)
    model = tfedge.zoo.build(name, input_shape=SHAPE)
    x = np.random.default_rng(0).normal(size=(8, *SHAPE)).astype("float32")
    lite = tfedge.convert(model, "int8", calibration=x, parity=False, verbose=0)
    return Path(lite.save(folder / f"{name}.tflite"))


def litert_ms(path: Path) -> float:
    """Return the median of LiteRT's own program, in ms."""
    program = Path(sys.executable).with_name("litert-benchmark")
    out = path.with_suffix(".json")
    options = {"model": path, "num_runs": RUNS, "warmup_runs": 20, "num_threads": 1}
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [str(program), *flags, f"--result_json={out}"]
    subprocess.run(command, check=True, capture_output=True)
    return float(json.loads(out.read_text())["latency"]["median_ms"])


def row(path: Path, rounds: int) -> dict[str, Any]:
    """Return the row of one file."""
    pairs = np.array([(litert_ms(path), ours_ms(path)) for _ in range(rounds)])
    low, high = np.percentile(pairs[:, 1] / pairs[:, 0], (25, 75))
    theirs, ours = pairs.min(axis=0)
    costs = overhead(path, TURNS)
    return {
        "network": path.stem,
        "litert-benchmark, ms": f"{theirs:.2f}",
        "tfedge.benchmark, ms": f"{ours:.2f}",
        "ratio": f"{ours / theirs:.3f}",
        "quartiles of rounds": f"{low:.3f} to {high:.3f}",
        "predict over invoke": f"{costs['predict'] / costs['invoke'] - 1:+.1%}",
        "raw over invoke": f"{costs['raw'] / costs['invoke'] - 1:+.1%}",
        "batch": costs["batch"],
    }


def ours_ms(path: Path) -> float:
    """Return the median of `tfedge.benchmark` with as many runs, in ms."""
    return tfedge.benchmark(path, runs=RUNS, runtime="litert", verbose=0).p50_ms


def memory_rows(path: Path) -> list[dict[str, str]]:
    """Return the table of memory for one file."""
    found = {way: memory(path, way) for way in ("bare", "runner")}
    bare = found["bare"]["parent"]
    named = {"bare script": bare, **{f"Runner, {k}": v for k, v in found["runner"].items()}}
    named["Runner, both"] = sum(found["runner"].values())
    return [
        {"process": name, "MiB": f"{value / MIB:.1f}", "beyond": f"{(value - bare) / MIB:+.1f}"}
        for name, value in named.items()
    ]


def page(rows: list[dict[str, Any]], memories: list[dict[str, str]], rounds: int) -> str:
    """Return the page."""
    imports = 4 * rounds
    numpy_ms, ours = import_ms(imports)
    return TEXT.format(
        rounds=rounds,
        runs=RUNS,
        turns=TURNS,
        latency=markdown_table(rows),
        memory=markdown_table(memories),
        imports=imports,
        numpy_ms=numpy_ms,
        ours_ms=ours - numpy_ms,
        versions=listed(installed(PACKAGES) | {"python": platform.python_version()}),
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
    )


def main() -> None:
    """Measure, print, and write the page if all were measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [written(name, Path(folder)) for name in options.only]
        rows = [row(path, options.rounds) for path in paths]
        text = page(rows, memory_rows(paths[0]), options.rounds)
    print(text)
    if options.only == list(NETWORKS):
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
