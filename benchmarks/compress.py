"""`tfedge.compress` against the path of tfmot's tutorials, with as many training samples seen.

    python benchmarks/compress.py --mct-python .venv-mct/bin/python

tfmot's path: zeros (half of each kernel, constant), training that keeps them in integers, the raw
converter. `tfedge.compress` gets what came of it as a budget, and half of it as another; it may
train one file, for as many epochs. Tools that do not train stand beside them. Test samples are of
nobody's choice. What was run is on record in ``records/compress.jsonl`` and not repeated, so that
the command can be stopped and started again; ``--finished`` makes compress.md of what is on record.
Latency is measured in turns with the file of the raw converter. Sony's MCT, which makes no file,
needs an environment of its own (see ptq.py). Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras
from channel_networks import BATCH
from compress_page import written
from compress_peers import simulated, tutorial
from compress_tasks import TASKS, Task
from pages import installed, parsed, parser_with_data
from ptq import edge_quantizer, raw
from records import Records

import tfedge
from tfedge.core.sampling import spread

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "compress"
RECORDS = Records("compress")
SEEDS = (0, 1, 2)
SAMPLES, SECONDS = 256, 10.0
TUTORIAL, MCT = "tfmot's tutorials", "MCT PTQ, simulated"
SHARES = {"tfedge.compress, its budget": 0.98, "tfedge.compress, half of it": 0.5}
UNTRAINED = {"raw converter": raw, "ai-edge-quantizer": edge_quantizer}
PACKAGES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-quantizer",
    "ai-edge-litert",
    "optuna",
    "numpy",
)


def key(task: Task, way: str, seed: int) -> dict[str, Any]:
    """Return what a run is found by."""
    return {"task": task.name, "way": way, "seed": seed, "epochs": task.epochs}


def place(task: Task, way: str, seed: int) -> Path:
    """Return where the file of a run is kept."""
    return WORK / f"{task.name}-{way}-{seed}.tflite"


def calibration(task: Task) -> np.ndarray:
    """Return training samples, spread over all of them."""
    x = task.data["x"]
    return x[spread(len(x), SAMPLES)].astype("float32")


def untrained(way: Callable, task: Task, seed: int) -> dict[str, Any]:
    """Return the file of a tool that does not train."""
    return {"file": way(task.network.model(WORK), calibration(task)), "seen": 0}


def by_tutorial(task: Task, seed: int) -> dict[str, Any]:
    """Return the file of tfmot's path."""
    return {"file": tutorial(task, seed, WORK), "seen": task.epochs * _in_an_epoch(task)}


def by_compress(share: float, task: Task, seed: int) -> dict[str, Any]:
    """Return the best file within a part of what tfmot's path made."""
    theirs = tfedge.load(place(task, TUTORIAL, seed))
    latency = tfedge.benchmark(theirs, seconds=SECONDS / 2, verbose=0).p50_ms
    budget = tfedge.Budget(
        gzip_bytes=int(share * theirs.gzip_bytes), latency_ms=share * latency, trials=2
    )
    model, read = task.network.model(WORK), task.reader(seed)
    found = tfedge.compress(
        model, read, task.part("_val"), budget, epochs=task.epochs, seed=seed, verbose=0
    )
    trained = [step.get("epochs", 0) for one in found.trials for step in one.recipe["steps"]]
    facts = {"recipe": found.recipe["steps"], "verdict": found.verdict, "met": found.met}
    return {"file": found.best, "seen": sum(trained) * _in_an_epoch(task), **facts}


def _in_an_epoch(task: Task) -> int:
    """Return how many samples an epoch sees: whole batches."""
    return len(task.data["x"]) // BATCH * BATCH


def measured(make: Callable, task: Task, way: str, seed: int) -> dict[str, Any]:
    """Make a file and return what it is worth; a tool that fails has its words on record."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    try:
        found = make(task, seed)
    except Exception as error:  # the row shows it, and the others go on
        said = str(error).splitlines() or [""]
        return {"failed": f"{type(error).__name__}: {said[0][:160]}", "versions": versions()}
    lite = found.pop("file")
    found["seconds"] = time.perf_counter() - start
    path = place(task, way, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    lite.save(path)
    return found | worth(lite, task, seed) | {"versions": versions()}


def worth(lite: tfedge.TFLiteModel, task: Task, seed: int) -> dict[str, Any]:
    """Return accuracy, sizes, and how many times faster than the raw converter's file it is."""
    x, y = task.part("_test")
    plain = place(task, "raw converter", seed)
    facts = {
        "test": tfedge.evaluate(lite, x, y, verbose=0).accuracy,
        "size_bytes": lite.size_bytes,
        "gzip_bytes": lite.gzip_bytes,
        "float operators": sorted({item.name for item in lite.float_operators}),
    }
    if not plain.exists():
        return facts
    found = tfedge.compare_latency(plain, lite, seconds=SECONDS, verbose=0)
    return {**facts, "faster": [found.ratio_low, found.ratio, found.ratio_high]}


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    return installed(PACKAGES)


def original(task: Task) -> dict[str, Any]:
    """Return what the float network is worth."""
    x, y = task.part("_test")
    found = task.network.model(WORK).predict(x, batch_size=500, verbose=0)
    return {"test": float(np.mean(found.argmax(-1) == y)), "versions": versions()}


def ways() -> dict[str, Callable]:
    """Return all ways that make files, tfmot's before those that its file is a budget for."""
    found = {name: functools.partial(untrained, way) for name, way in UNTRAINED.items()}
    found[TUTORIAL] = by_tutorial
    return found | {name: functools.partial(by_compress, part) for name, part in SHARES.items()}


def fill(task: Task, seeds: list[int], mct_python: str | None) -> None:
    """Run what is not on record yet."""
    RECORDS.kept(lambda: original(task), **key(task, "float", 0))
    if mct_python:
        run = functools.partial(simulated, task, mct_python)
        RECORDS.kept(run, **key(task, MCT, 0))
    for seed in seeds:
        for name, way in ways().items():
            run = functools.partial(measured, way, task, name, seed)
            RECORDS.kept(run, **key(task, name, seed))


def main() -> None:
    """Run what was not run yet and write the page."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--tasks", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", nargs="*", type=int, default=list(SEEDS))
    parser.add_argument("--mct-python", help="a Python with model-compression-toolkit")
    parser.add_argument("--no-table", dest="table", action="store_false", help="only run")
    parser.add_argument("--finished", action="store_true", help="the page of what is on record")
    options = parsed(parser)
    warnings.simplefilter("ignore")
    for name in [] if options.finished else options.tasks:
        fill(TASKS[name](options.data, WORK), options.seeds, options.mct_python)
    if options.table:
        text = written(RECORDS, list(TASKS), ["float", *ways(), MCT])
        Path(__file__).with_suffix(".md").write_text(text + "\n")
        print(text)


if __name__ == "__main__":
    main()
