"""How fast is `tfedge.evaluate`, against the loop of every tutorial and against a bare invoke?

Three networks, float and int8, one thread, random images (speed only). In every round the
tutorial's loop, the evaluator, a bare ``invoke`` of the same batch and `Runner.predict` take
turns; the table gives the best time of each, since other work on the machine only adds.

    python benchmarks/evaluator.py            # writes benchmarks/evaluator.md
"""

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import tfedge
from tfedge.runtime.interpreter import interpreter_worker
from tfedge.runtime.runner import Runner

NETWORKS = {
    "CNN 8x8": ((8, 8, 1), 40_000),
    "CNN 28x28": ((28, 28, 1), 20_000),
    "MobileNetV2 0.35 96x96": ((96, 96, 3), 512),
}
COLUMNS = [
    "network, type",
    "batch",
    "tutorial loop, us/sample",
    "evaluate, us/sample",
    "evaluate is faster by",
    "bare invoke, us/sample",
    "predict over bare invoke, wall",
    "interpreter's process over bare invoke, CPU",
]


def make(folder):
    """Write all networks as files; the only part that needs TensorFlow."""
    import tensorflow as tf

    layers = tf.keras.layers
    for name, (shape, _) in NETWORKS.items():
        if "Mobile" in name:
            model = tf.keras.applications.MobileNetV2(shape, alpha=0.35, weights=None, classes=10)
        else:
            parts = [layers.Conv2D(12, 3, activation="relu"), layers.MaxPooling2D()]
            tail = [layers.Flatten(), layers.Dense(10, activation="softmax")]
            model = tf.keras.Sequential([tf.keras.Input(shape), *parts, *tail])
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        (folder / f"{name}, float.tflite").write_bytes(converter.convert())
        images = np.random.default_rng(0).random((20, 1, *shape), "float32")
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda images=images: ([image] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        (folder / f"{name}, int8.tflite").write_bytes(converter.convert())


def tutorial(content, x, y):
    """Return the accuracy, one sample after the other, as tutorials do it."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    right = 0
    for image, label in zip(x, y, strict=True):
        value = image[None]
        if source["dtype"] == np.int8:
            scale, zero_point = source["quantization"]
            value = np.clip(np.round(value / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], value)
        interpreter.invoke()
        output = interpreter.get_tensor(target["index"])
        if target["dtype"] == np.int8:
            scale, zero_point = target["quantization"]
            output = (output.astype(np.float32) - zero_point) * scale
        right += int(np.argmax(output) == label)
    return right / len(x)


def bare(content, batch):
    """Return a function that only invokes, for a number of samples."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    [source] = interpreter.get_input_details()
    interpreter.resize_tensor_input(source["index"], (batch, *source["shape"][1:]))
    interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    shape = (batch, *source["shape"][1:])
    value = rng.random(shape, "float32")
    if source["dtype"] == np.int8:
        value = rng.integers(-128, 128, shape, np.int8)
    interpreter.set_tensor(source["index"], value)

    def run(samples):
        for _ in range(samples // batch):
            interpreter.invoke()
        return samples // batch * batch

    return run


def seconds(function, *arguments, **options):
    """Return how long a call takes, and what it returns."""
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def measure(path, rounds):
    """Return one row of the table."""
    model = tfedge.TFLiteModel.load(path)
    shape, samples = NETWORKS[path.stem.rsplit(", ", 1)[0]]
    rng = np.random.default_rng(1)
    x, y = rng.random((samples, *shape), "float32"), rng.integers(0, 10, samples)
    runner = Runner(model, "litert")
    runner.predict(x)
    worker = interpreter_worker("litert")
    invoke = bare(model.content, runner.batch_size)
    times = {"loop": [], "evaluate": [], "bare": [], "bare_cpu": [], "predict": [], "worker": []}
    for _ in range(rounds):
        spent, expected = seconds(tutorial, model.content, x, y)
        times["loop"].append(spent / samples)
        spent, record = seconds(tfedge.evaluate, model, x, y, runtime="litert", verbose=0)
        times["evaluate"].append(spent / samples)
        assert abs(record.accuracy - expected) < 0.002
        start = time.process_time()
        spent, done = seconds(invoke, samples)
        times["bare"].append(spent / done)
        times["bare_cpu"].append((time.process_time() - start) / done)
        start = worker.call("time:process_time")
        times["predict"].append(seconds(runner.predict, x)[0] / samples)
        times["worker"].append((worker.call("time:process_time") - start) / samples)
    best = {name: 1e6 * min(values) for name, values in times.items()}
    return (
        path.stem,
        str(runner.batch_size),
        f"{best['loop']:.1f}",
        f"{best['evaluate']:.1f}",
        f"{best['loop'] / best['evaluate']:.2f}x",
        f"{best['bare']:.1f}",
        f"{best['predict'] / best['bare'] - 1:+.1%}",
        f"{best['worker'] / best['bare_cpu'] - 1:+.1%}",
    )


def report(rows, rounds):
    """Return the table as Markdown, with what it was measured on."""
    versions = {name: importlib.metadata.version(name) for name in ("ai-edge-litert", "numpy")}
    versions["python"] = platform.python_version()
    load = os.getloadavg()[0]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        "# The evaluator's speed",
        "",
        f"Written by `python benchmarks/evaluator.py --rounds {rounds}`: best of {rounds}",
        "rounds in which all take turns, one thread, random images.",
        f"{listed}, {os.cpu_count()} processors, load {load:.1f} at the end of the run.",
        "With a processor to spare, one process quantizes while the other runs the network. On",
        "a busy machine they share processors, their times add up, and the wall time grows.",
        "The last column is free of that: processor time of the interpreter's process alone.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        "The loop opens the file, and so does `evaluate`, which also checks every value, computes",
        "the metric and keeps the interpreter in a process of its own. The bare invoke sets no",
        "inputs, gets no outputs, quantizes nothing and finds its input in the cache.",
    ]
    return "\n".join(lines) + "\n"


def main():
    """Measure everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([sys.executable, __file__, "--make", folder], check=True, **quiet)
        rows = [measure(path, options.rounds) for path in sorted(Path(folder).glob("*.tflite"))]
    text = report(rows, options.rounds)
    Path(__file__).with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
