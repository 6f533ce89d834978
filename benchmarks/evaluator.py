"""How fast is `tfedge.evaluate`, against the loop of every tutorial and against a bare invoke?

Three networks, float and int8, one thread, random images (speed only). In every round the
tutorial's loop, the evaluator, a bare ``invoke`` of the same batch and `Runner.predict` take
turns; the table gives the best time of each, since other work on the machine only adds.

    python benchmarks/evaluator.py            # writes benchmarks/evaluator.md
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from pages import installed, listed

import tfedge
from tfedge.runtime.runner import Runner

NETWORKS = {
    "CNN 8x8": ((8, 8, 1), 40_960),
    "CNN 28x28": ((28, 28, 1), 10_240),
    "MobileNetV2 0.35 96x96": ((96, 96, 3), 512),
}
COLUMNS = [
    "network, type",
    "batch",
    "tutorial loop, us/sample",
    "evaluate, us/sample",
    "evaluate is faster by",
    "bare invoke, us/sample",
    "set, invoke, get over bare invoke",
    "predict over bare invoke",
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


def fed(content, batch, x):
    """Return a function that sets inputs, invokes and gets outputs, in one process."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], (batch, *source["shape"][1:]))
    interpreter.allocate_tensors()
    if source["dtype"] == np.int8:
        x = (x * 255 - 128).astype(np.int8)

    def run(samples):
        for start in range(0, samples - batch + 1, batch):
            interpreter.set_tensor(source["index"], x[start : start + batch])
            interpreter.invoke()
            interpreter.get_tensor(target["index"])
        return samples // batch * batch

    return run


def seconds(function, *arguments, **options):
    """Return how long a call takes, and what it returns."""
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def measure(path, rounds):
    """Return the batch size and the best time of each way, microseconds per sample."""
    model = tfedge.TFLiteModel.load(path)
    shape, samples = NETWORKS[path.stem.rsplit(", ", 1)[0]]
    rng = np.random.default_rng(1)
    x, y = rng.random((samples, *shape), "float32"), rng.integers(0, 10, samples)
    runner = Runner(model, "litert")
    runner.predict(x)
    ways = {
        "loop": lambda: tutorial(model.content, x, y),
        "evaluate": lambda: tfedge.evaluate(model, x, y, runtime="litert", verbose=0).accuracy,
        "bare": partial(bare(model.content, runner.batch_size), samples),
        "fed": partial(fed(model.content, runner.batch_size, x), samples),
        "predict": lambda: runner.predict(x),
    }
    best = dict.fromkeys(ways, np.inf)
    for _ in range(rounds):
        found = {}
        for name, way in ways.items():
            spent, found[name] = seconds(way)
            best[name] = min(best[name], 1e6 * spent / samples)
        assert abs(found["evaluate"] - found["loop"]) < 0.002
    return {"batch": runner.batch_size, **best}


def row(path, processes, rounds):
    """Return one row of the table, the best of several processes."""
    command = [sys.executable, __file__, "--rounds", str(rounds), "--measure", str(path)]
    found = [
        json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        for _ in range(processes)
    ]
    best = {way: min(item[way] for item in found) for way in found[0]}
    return (
        path.stem,
        " or ".join(sorted({str(item["batch"]) for item in found})),
        f"{best['loop']:.2f}",
        f"{best['evaluate']:.2f}",
        f"{best['loop'] / best['evaluate']:.2f}x",
        f"{best['bare']:.2f}",
        f"{best['fed'] / best['bare'] - 1:+.1%}",
        f"{best['predict'] / best['bare'] - 1:+.1%}",
    )


def report(rows, processes, rounds):
    """Return the table as Markdown, with what it was measured on."""
    versions = installed(("ai-edge-litert", "numpy")) | {"python": platform.python_version()}
    load = os.getloadavg()[0]
    lines = [
        "# The evaluator's speed",
        "",
        "Written by `python benchmarks/evaluator.py`: one thread, random images, best of",
        f"{processes} processes with {rounds} rounds each in which all take turns.",
        f"{listed(versions)}, {os.cpu_count()} processors, load {load:.1f} at the end of the run.",
        "With a processor to spare, one process quantizes while the other runs the network. On",
        "a busy machine they share processors, their times add up, and the time grows.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        "The loop opens the file. `evaluate` finds it open from the second time on; it checks",
        "every value, quantizes, computes the metric and keeps the interpreter in a process of its",
        "own. The bare invoke runs one batch again and again: it sets no inputs, gets no outputs,",
        "quantizes nothing and finds its input in the cache. What merely feeding it fresh samples",
        "costs in one process, quantized beforehand, is the last column but one.",
    ]
    return "\n".join(lines) + "\n"


def main():
    """Measure everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    if options.measure:
        print(json.dumps(measure(options.measure, options.rounds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([sys.executable, __file__, "--make", folder], check=True, **quiet)
        files = sorted(Path(folder).glob("*.tflite"))
        rows = [row(path, options.processes, options.rounds) for path in files]
    text = report(rows, options.processes, options.rounds)
    Path(__file__).with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
