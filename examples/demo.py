"""The main job on real data, stage by stage: train, prune, quantize, distil, convert, prove.

    python examples/demo.py [--output demo_output]

Trains a small float model on each of two tasks, makes six files of it, scores every file on the
interpreter, prints one table per task, and leaves the files and a report with pictures.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tasks
import tensorflow as tf

import tfedge

BATCH = 64
SPARSITY = 0.6
HEAD = f"""# From a Keras model to a proven INT8 file

Every figure is read from the file: accuracy on the interpreter, over test data that nothing was
chosen by; zeros among the stored weights; median latency of one sample on one thread; peak memory
of a process that holds the runtime and the file; SQNR of the outputs against the Keras model.
tfedge {tfedge.__version__}, TensorFlow {tf.__version__}, runtime {tfedge.available_runtimes()[0]}.
"""
HEADINGS = {
    "accuracy": "{:.2%}".format,
    "zeros": "{:.0%}".format,
    "latency ms": "{:.4f}".format,
    "peak MiB": "{:.1f}".format,
    "SQNR dB": "{:.1f}".format,
}


@dataclass(frozen=True)
class Variant:
    """A file, with what it took to make it."""

    name: str
    lite: tfedge.TFLiteModel
    seconds: float


def variants(task: tasks.Task) -> Iterator[Variant]:
    """Yield the six files of a task, each as soon as it is made."""
    x, _ = task.train
    start = time.perf_counter()

    def finished(name: str, model: Any, quantize: str = "int8") -> Variant:
        title = f"{task.name}-{name.replace(' + ', '-').replace(' ', '-').lower()}"
        lite = tfedge.convert(model, quantize, calibration=x, name=title)
        return Variant(name, lite, time.perf_counter() - start)

    model = task.build(width=1.0)
    fit(model, task, task.epochs, rate=2e-3)
    yield finished("float", model, "float32")
    yield finished("plain PTQ", model)

    steps = len(x) // BATCH
    schedule = tfedge.PolynomialDecay(0.0, SPARSITY, 0, 4 * steps, frequency=10)
    sparse = tfedge.prune(model, schedule, layers=".*")
    fit(sparse, task, epochs=8, rate=1e-3)
    yield finished("pruned", sparse)

    quantized = tfedge.quantize(model, calibration=x)
    fit(quantized, task, epochs=2, rate=3e-4)
    yield finished("QAT", quantized)

    both = tfedge.quantize(sparse, preserve=("sparsity",), calibration=x)
    fit(both, task, epochs=2, rate=3e-4)
    yield finished("pruned + QAT", both)

    yield finished("distilled", student_of(model, task))


def student_of(teacher: Any, task: tasks.Task) -> Any:
    """Return a student of half the width, taught in float first and then with fake quantization."""
    student = teach(task.build(width=0.5), teacher, task, 2 * task.epochs, rate=2e-3)
    student = tfedge.quantize(student, calibration=task.train[0])
    return teach(student, teacher, task, epochs=2, rate=3e-4)


def teach(student: Any, teacher: Any, task: tasks.Task, epochs: int, rate: float) -> Any:
    """Train a student on the labels and on what the teacher says."""
    losses = [tfedge.distill.SoftTarget(temperature=4)]
    distiller = tfedge.Distiller(student=student, teacher=teacher, losses=losses, alpha=0.3)
    fit(distiller, task, epochs, rate)
    return distiller.student


def fit(model: Any, task: tasks.Task, epochs: int, rate: float) -> None:
    """Compile with Keras 3 objects, whatever the model is, and train."""
    steps = epochs * (len(task.train[0]) // BATCH)
    decay = tf.keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = tf.keras.losses.SparseCategoricalCrossentropy()
    model.compile(tf.keras.optimizers.Adam(decay), loss, metrics=["accuracy"])
    model.fit(*task.train, batch_size=BATCH, epochs=epochs, verbose=2)


def row(variant: Variant, task: tasks.Task) -> dict[str, Any]:
    """Return what a file is worth: everything is read from the file itself."""
    scored = tfedge.evaluate(variant.lite, *task.test, verbose=0)
    timed = tfedge.benchmark(variant.lite, verbose=0)
    parity = variant.lite.notes["parity"]
    return {
        "file": variant.name,
        "accuracy": scored.accuracy,
        "bytes": variant.lite.size_bytes,
        "gzip bytes": variant.lite.gzip_bytes,
        "zeros": tfedge.sparsity(variant.lite).sparsity,
        "latency ms": timed.p50_ms,
        "peak MiB": timed.peak_memory_bytes / 2**20,
        "SQNR dB": parity.sqnr_db,
        "after s": round(variant.seconds),
    }


def run(task: tasks.Task, folder: Path) -> str:
    """Make all files of a task and return its part of the report."""
    print(f"\n=== {task.name}: {len(task.train[0])} training and {len(task.test[0])} test samples")
    rows = []
    for variant in variants(task):
        file = variant.lite.save(folder / f"{variant.lite.name}.tflite")
        rows.append(row(variant, task))
        print(f"--> {file.name}: {rows[-1]['accuracy']:.2%} on the interpreter")
    picture = f"{task.name}.png"
    draw(rows, task.name, folder / picture)
    table = tfedge.report.markdown_table(rows, HEADINGS)
    print(f"\n{table}\n")
    return f"## {task.name}\n\n{table}\n\n![size and accuracy of each file]({picture})\n"


def put_into(page: Path, parts: list[str], folder: Path) -> None:
    """Replace what stands between the marks of a page by the tables and pictures."""
    before, rest = page.read_text().split("<!-- demo -->")
    after = rest.split("<!-- /demo -->")[1]
    inside = "\n".join(parts).replace("](", f"]({folder}/").replace("## ", "### ")
    page.write_text(f"{before}<!-- demo -->\n{inside}\n<!-- /demo -->{after}")


def draw(rows: list[dict], title: str, path: Path) -> None:
    """Save a picture of size against accuracy."""
    axes = tfedge.report.plot_tradeoff(
        rows,
        x="gzip bytes",
        y="accuracy",
        label="file",
        title=title,
        x_title="file after gzip, bytes",
        y_title="accuracy on the interpreter",
    )
    axes.figure.savefig(path, dpi=120)


def main() -> None:
    """Run both tasks and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--page", type=Path, help="a Markdown page to put the tables into")
    given = parser.parse_args()
    folder = given.output
    folder.mkdir(parents=True, exist_ok=True)
    tf.keras.utils.set_random_seed(0)
    start = time.perf_counter()
    parts = [run(make(), folder) for make in (tasks.watch, tasks.mnist)]
    (folder / "report.md").write_text("\n".join([HEAD, *parts]))
    if given.page:
        put_into(given.page, parts, folder)
    print(f"Files and report in {folder}/ after {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    warnings.simplefilter("default", UserWarning)
    main()
