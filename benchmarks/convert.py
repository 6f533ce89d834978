"""Time and memory of ``tfedge.convert`` beside TensorFlow's own converter, in one run.

    python benchmarks/convert.py

MobileNetV2 0.35, 96x96, random weights, of both Kerases, float32 and INT8 with 100 calibration
samples. The two take turns; the worker is warm, as in any session after the first conversion.
Memory is the growth of the calling process's resident size over 20 conversions of a small CNN.
Writes convert.md beside this file.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras
from pages import installed, listed

import tfedge
from tfedge.report import markdown_table

ROUNDS = 3
REPETITIONS = 20
SAMPLES = np.random.default_rng(0).random((100, 96, 96, 3), "float32")
KINDS = {"Keras 3": tf.keras, "tf_keras": tf_keras}
PACKAGES = ("tensorflow", "tf-keras", "keras", "ai-edge-litert", "numpy")


def mobilenet(keras: Any) -> Any:
    return keras.applications.MobileNetV2(
        alpha=0.35, input_shape=(96, 96, 3), weights=None, classes=10
    )


def small(keras: Any) -> Any:
    layers = [keras.layers.Conv2D(32, 3), keras.layers.Flatten(), keras.layers.Dense(64)]
    return keras.Sequential([keras.Input((24, 24, 3)), *layers])


def ours(model: Any, mode: str) -> tfedge.TFLiteModel:
    return tfedge.convert(model, mode, SAMPLES if mode == "int8" else None)


def ours_unproven(model: Any, mode: str) -> tfedge.TFLiteModel:
    return tfedge.convert(model, mode, SAMPLES if mode == "int8" else None, parity=False)


def raw(model: Any, mode: str) -> bytes:
    """Convert as the TensorFlow guide does."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if mode == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample[None]] for sample in SAMPLES)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def seconds(convert: Callable, model: Any, mode: str) -> float:
    start = time.perf_counter()
    convert(model, mode)
    return time.perf_counter() - start


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth_mib(way: str, flavour: str) -> float:
    """Growth of this process per conversion: later half of the runs against the earlier half."""
    warnings.simplefilter("ignore")
    convert, model, sizes = {"raw": raw, "ours": ours}[way], small(KINDS[flavour]), []
    for _ in range(REPETITIONS):
        convert(model, "float32")
        sizes.append(resident_mib())
    half = REPETITIONS // 2
    return (statistics.median(sizes[half:]) - statistics.median(sizes[:half])) / half


def in_a_new_process(function: Callable, *arguments: Any) -> Any:
    """Call a function where nothing was converted before."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def names(content: bytes) -> tuple[set[str], set[str]]:
    lite = tfedge.TFLiteModel(content)
    return {tensor.name for tensor in lite.inputs}, {tensor.name for tensor in lite.outputs}


def measured(flavour: str, keras: Any, mode: str) -> dict[str, Any]:
    """Time both in turns and compare what they made."""
    model = mobilenet(keras)
    file, content = ours(model, mode), raw(model, mode)
    times: dict[Callable, list[float]] = {ours: [], ours_unproven: [], raw: []}
    for _ in range(ROUNDS):
        for convert, found in times.items():
            found.append(seconds(convert, model, mode))
    middle = {convert: statistics.median(found) for convert, found in times.items()}
    return {
        "model": flavour,
        "mode": mode,
        "raw s": middle[raw],
        "tfedge s": middle[ours],
        "without parity check s": middle[ours_unproven],
        "tfedge / raw": middle[ours] / middle[raw],
        "raw bytes": len(content),
        "tfedge bytes": file.size_bytes,
        "same signature": "yes" if names(content) == names(file.content) else "no",
    }


def main() -> None:
    warnings.simplefilter("ignore")
    rows = [
        measured(name, keras, mode) for name, keras in KINDS.items() for mode in ("float32", "int8")
    ]
    memory = [
        {
            "model": name,
            "raw, MiB per conversion": in_a_new_process(growth_mib, "raw", name),
            "tfedge, MiB per conversion": in_a_new_process(growth_mib, "ours", name),
        }
        for name in KINDS
    ]
    text = "\n\n".join(
        [
            "# Conversion",
            f"Written by `python benchmarks/convert.py`: {listed(installed(PACKAGES))}. "
            f"Median of {ROUNDS} turns, "
            "seconds; MobileNetV2 0.35 at 96x96, INT8 with 100 samples, worker warm.",
            markdown_table(rows, {"tfedge / raw": "{:.2f}".format}),
            f"Growth of the calling process per conversion, over {REPETITIONS} float32 conversions "
            "of a small CNN, each in a process of its own:",
            markdown_table(memory, dict.fromkeys(list(memory[0])[1:], "{:.2f}".format)),
        ]
    )
    Path(__file__).with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
