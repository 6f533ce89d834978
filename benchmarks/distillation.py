"""Accuracy of small students: alone, taught by hand, by Keras 3's distiller, by each loss of ours.

    python benchmarks/distillation.py

All ways start from the same weights for a seed and see the same batches for as many epochs.
Students come from the zoo, with at most an eighth of their teacher's multiply-accumulates.
What was run is on record in ``records/distillation.jsonl`` and not repeated, so that the command
can be stopped and started again; ``--finished`` makes distillation.md of what is on record. How
much longer an epoch takes with a teacher is measured in turns at the end: leave the machine alone
then. Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras
from clock import Clock
from distillation_tasks import TASKS, Task
from distillation_ways import LABELS, SOFT, WAYS, accuracy
from pages import installed, listed_of, parsed, parser_with_data
from records import Records

import tfedge
from tfedge.models.statistics import model_statistics
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "distillation"
RECORDS = Records("distillation")
SEEDS = range(3)
PACKAGES = ("tensorflow", "tf-keras", "keras", "numpy", "ai-edge-litert")
ROUNDS, SAMPLES = 5, 4_096


def run(task: Task, way: str, seed: int) -> dict[str, Any]:
    """Train a student and convert it, and return what came of it."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    student = WAYS[way](task, seed)
    found: dict[str, Any] = {"seconds": time.perf_counter() - start}
    lite = tfedge.convert(student, "int8", task.data["x"][:200].astype("float32"), parity=False)
    x, y = task.data["x_test"].astype("float32"), task.data["y_test"]
    found |= {part: accuracy(student, task, part) for part in ("val", "test")}
    found |= {"file": tfedge.evaluate(lite, x, y, verbose=0).accuracy}
    return found | {"versions": installed(PACKAGES)}


def key(task: Task, what: str, seed: int | None = None) -> dict[str, Any]:
    """Return what a run is found by."""
    found = {"task": task.name, "way": what, "epochs": task.epochs, "rate": task.rate}
    return found if seed is None else {**found, "seed": seed}


def about(task: Task) -> dict[str, Any]:
    """Return how good the teacher is, and what teacher and student cost."""
    teacher, student = task.teacher(), task.student()
    macs = [model_statistics(model).macs for model in (teacher, student)]
    return {"test": accuracy(teacher, task), "macs": macs, "versions": installed(PACKAGES)}


def rows(task: Task, teacher: float) -> list[dict[str, Any]]:
    """Return one row per way: means over the seeds."""
    runs = {way: list(runs_of(task, way)) for way in WAYS}
    alone = np.mean([item["test"] for item in runs["alone"]])
    return [row(task, way, runs[way], teacher, alone) for way in WAYS if runs[way]]


def runs_of(task: Task, way: str) -> Iterator[dict[str, Any]]:
    """Yield what is on record of a way, one run for each seed."""
    for seed in SEEDS:
        found = RECORDS.find(**key(task, way, seed))
        if found:
            yield found


def row(task: Task, way: str, items: list, teacher: float, alone: float) -> dict[str, Any]:
    """Return the row of a way."""
    tests = [item["test"] for item in items]
    gain = np.mean(tests) - alone
    return {
        "task": task.name,
        "way": way,
        "seeds": len(items),
        "teacher": f"{teacher:.2%}",
        "student": f"{np.mean(tests):.2%}",
        "range": f"{100 * min(tests):.2f} to {100 * max(tests):.2f}",
        "of the gap": f"{gain:+.2%} ({gain / (teacher - alone):.0%})",
        "INT8 file": f"{np.mean([item['file'] for item in items]):.2%}",
    }


def size(task: Task, found: dict[str, Any]) -> dict[str, Any]:
    """Return the row of what teacher and student cost."""
    teacher, student = found["macs"]
    return {
        "task": task.name,
        "teacher, MACs": f"{teacher:,}",
        "student, MACs": f"{student:,}",
        "fewer": f"{teacher / student:.1f}x",
        "training images or words": f"{len(task.data['x']):,}",
        "epochs": task.epochs,
        "rate": task.rate,
    }


def epochs(task: Task) -> dict[str, Any]:
    """Return how long an epoch takes: the student alone, with a cached teacher, with a live one."""
    x, y = task.data["x"][:SAMPLES].astype("float32"), task.data["y"][:SAMPLES]
    with tempfile.TemporaryDirectory() as folder:
        models = {
            "alone": task.student(),
            "cached": tfedge.Distiller(task.student(), task.teacher(), SOFT(), cache=folder),
            "live": tfedge.Distiller(task.student(), task.teacher(), SOFT()),
        }
        times: dict[str, list[float]] = {name: [] for name in models}
        for model in models.values():
            model.compile(tf_keras.optimizers.Adam(), LABELS)
            model.fit(x, y, batch_size=128, verbose=0)
        for _ in range(ROUNDS):
            for name, model in models.items():
                clock = Clock()
                model.fit(x, y, batch_size=128, epochs=1, callbacks=[clock], verbose=0)
                times[name] += clock.seconds
    best = {name: min(each) for name, each in times.items()}
    return {**best, "batches": SAMPLES // 128, "versions": installed(PACKAGES)}


def epoch(task: Task, found: dict[str, Any]) -> dict[str, Any]:
    """Return the row of how long an epoch takes."""
    return {
        "task": task.name,
        "student alone, ms per batch": f"{1e3 * found['alone'] / found['batches']:.2f}",
        "with a cached teacher": f"{found['cached'] / found['alone']:.2f}x",
        "with a live teacher": f"{found['live'] / found['alone']:.2f}x",
    }


def written(tasks: list[Task]) -> str:
    """Return the page of what is on record."""
    teachers = {task.name: RECORDS.find(**key(task, "teacher")) for task in tasks}
    times = {task.name: RECORDS.find(**key(task, "epoch")) for task in tasks}
    tasks = [task for task in tasks if teachers[task.name]]
    table = [row for task in tasks for row in rows(task, teachers[task.name]["test"])]
    return "\n\n".join(
        [
            "# Distillation",
            f"Written by `python benchmarks/distillation.py`: {listed_of(RECORDS)}. All ways start "
            "from the same weights for a seed and see the same batches for as many epochs (Adam, "
            "its rate falling on a cosine). Labels weigh 0.3. The temperature is 4 for soft "
            "targets, by hand and in Keras's distiller too; everything else is at its defaults. "
            "Keras's distiller gets an instance of its loss: the default, a text, compares logits "
            "where probabilities belong. In integers are the last quarter of the steps.",
            markdown_table([size(task, teachers[task.name]) for task in tasks]),
            "Test accuracy after the last epoch, mean over the seeds. `of the gap` is what is "
            "gained over the student alone, and what part of its distance to the teacher that is.",
            markdown_table(table),
            f"An epoch of {SAMPLES:,} samples against one of the student alone, the best of "
            f"{ROUNDS} rounds in turns:",
            markdown_table([epoch(task, times[task.name]) for task in tasks if times[task.name]]),
        ]
    )


def main() -> None:
    """Run what was not run yet and write the page."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--tasks", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seeds", nargs="*", type=int, default=list(SEEDS))
    parser.add_argument("--no-table", dest="table", action="store_false", help="only run")
    parser.add_argument("--finished", action="store_true", help="the page of what is on record")
    options: argparse.Namespace = parsed(parser)
    warnings.simplefilter("ignore")
    tasks = [TASKS[name](options.data, WORK) for name in options.tasks]
    for task in [] if options.finished else tasks:
        fill(task, options)
    if options.table:
        for task in [] if options.finished else tasks:
            RECORDS.kept(lambda task=task: epochs(task), **key(task, "epoch"))
        text = written(tasks)
        Path(__file__).with_suffix(".md").write_text(text + "\n")
        print(text)


def fill(task: Task, options: argparse.Namespace) -> None:
    """Run what is not on record yet; the teacher first, so that it disturbs no student's seed."""
    RECORDS.kept(lambda: about(task), **key(task, "teacher"))
    for seed in options.seeds:
        for way in options.ways:
            RECORDS.kept(lambda way=way, seed=seed: run(task, way, seed), **key(task, way, seed))


if __name__ == "__main__":
    main()
