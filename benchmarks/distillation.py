"""Accuracy of small students: alone, taught by hand, by Keras 3's distiller, by each loss of ours.

    python benchmarks/distillation.py

All ways start from the same weights for a seed and see the same batches for as many epochs.
Students come from the zoo, with at most an eighth of their teacher's multiply-accumulates.
Finished runs are kept under ``.cache/distillation`` and not repeated, so that the command can be
stopped and started again; it writes distillation.md from all of them. How much longer an epoch
takes with a teacher is measured at the end, all ways in turns, so leave the machine alone then.
Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras
from clock import Clock
from distillation_tasks import TASKS, Task
from distillation_ways import LABELS, SOFT, WAYS, accuracy
from pages import installed, listed_of, parsed, parser_with_data

import tfedge
from tfedge.models.statistics import model_statistics
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "distillation"
SEEDS = (0, 1, 2)
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
    return found | {"file": tfedge.evaluate(lite, x, y, verbose=0).accuracy}


def kept_run(task: Task, way: str, seed: int) -> dict[str, Any]:
    """Return the result of a run, an earlier one if there is one."""
    path = place(task, way, seed)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = {"task": task.name, "way": way, "seed": seed}
        found = {**key, **run(task, way, seed), "versions": installed(PACKAGES)}
        path.write_text(json.dumps(found, indent=1))
        print({name: value for name, value in found.items() if name != "versions"}, flush=True)
    return json.loads(path.read_text())


def place(task: Task, way: str, seed: int) -> Path:
    """Return where the result of a run is kept."""
    return WORK / "runs" / f"{task.name}-{way.replace(' ', '_')}-{seed}.json"


def rows(task: Task, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per way: means over the seeds."""
    teacher = accuracy(task.teacher(), task)
    ways = {way: [item for item in results if item["way"] == way] for way in WAYS}
    alone = np.mean([item["test"] for item in ways["alone"]])
    return [
        {
            "task": task.name,
            "way": way,
            "seeds": len(items),
            "teacher": f"{teacher:.2%}",
            "student": f"{np.mean([item['test'] for item in items]):.2%}",
            "range": " to ".join(
                f"{100 * pick(item['test'] for item in items):.2f}" for pick in (min, max)
            ),
            "of the gap": f"{np.mean([item['test'] for item in items]) - alone:+.2%}"
            f" ({(np.mean([item['test'] for item in items]) - alone) / (teacher - alone):.0%})",
            "INT8 file": f"{np.mean([item['file'] for item in items]):.2%}",
        }
        for way, items in ways.items()
        if items
    ]


def sizes(tasks: list[Task]) -> list[dict[str, Any]]:
    """Return one row per task: what teacher and student cost."""
    found = []
    for task in tasks:
        macs = [model_statistics(model).macs for model in (task.teacher(), task.student())]
        found.append(
            {
                "task": task.name,
                "teacher, MACs": f"{macs[0]:,}",
                "student, MACs": f"{macs[1]:,}",
                "fewer": f"{macs[0] / macs[1]:.1f}x",
                "epochs": task.epochs,
            }
        )
    return found


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
    return {
        "task": task.name,
        "student alone, ms per batch": f"{1e3 * best['alone'] / (SAMPLES // 128):.2f}",
        "with a cached teacher": f"{best['cached'] / best['alone']:.2f}x",
        "with a live teacher": f"{best['live'] / best['alone']:.2f}x",
    }


def written(tasks: list[Task], results: list[dict[str, Any]], measure: Callable) -> str:
    """Return the page."""
    by_task = {task.name: [r for r in results if r["task"] == task.name] for task in tasks}
    table = [row for task in tasks for row in rows(task, by_task[task.name])]
    return "\n\n".join(
        [
            "# Distillation",
            f"Written by `python benchmarks/distillation.py`: {listed_of(results)}. All ways start "
            "from the same weights for a seed and see the same batches for as many epochs (Adam, "
            "its rate falling on a cosine). Labels weigh 0.3. The temperature is 4 for soft "
            "targets, by hand and in Keras's distiller too, and beta of DecoupledKD is 1 (8, its "
            "default, is for a hundred classes); everything else is at its defaults. In integers "
            "are the last quarter of the steps.",
            markdown_table(sizes(tasks)),
            "Test accuracy after the last epoch, mean over the seeds. `of the gap` is what is "
            "gained over the student alone, and what part of its distance to the teacher that is.",
            markdown_table(table),
            f"An epoch of {SAMPLES:,} samples against one of the student alone, the best of "
            f"{ROUNDS} rounds in turns:",
            markdown_table([measure(task) for task in tasks]),
        ]
    )


def main() -> None:
    """Run what was not run yet and write the page."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--tasks", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--no-table", dest="table", action="store_false", help="only run")
    parser.add_argument("--finished", action="store_true", help="the table of finished runs")
    options: argparse.Namespace = parsed(parser)
    warnings.simplefilter("ignore")
    tasks = [TASKS[name](options.data, WORK) for name in options.tasks]
    for task in tasks:
        task.teacher()  # trained now, if it is not yet, so that it disturbs no student's seed
    wanted = [(t, w, s) for t in tasks for w in options.ways for s in options.seeds]
    if options.finished:
        wanted = [job for job in wanted if place(*job).exists()]
    results = [kept_run(*job) for job in wanted]
    if options.table:
        text = written(tasks, results, epochs)
        Path(__file__).with_suffix(".md").write_text(text + "\n")
        print(text)


if __name__ == "__main__":
    main()
