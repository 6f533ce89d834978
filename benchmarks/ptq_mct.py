"""Sony's Model Compression Toolkit, for ptq.py: run with a Python that has it and its TensorFlow.

    python benchmarks/ptq_mct.py WAY MODEL.json DATA.npz OUT.npz

MODEL.json is the config of the model, DATA.npz holds its weights, calibration and test samples.
The result is what the quantized Keras model of the toolkit predicts (it simulates integers), and
the seconds that it took. WAY is ``ptq`` or ``gptq``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import model_compression_toolkit as mct
import numpy as np
import tensorflow as tf

BATCH = 32
EPOCHS = 50
"""Passes over the calibration samples while GPTQ trains, as the toolkit's examples have."""


def main(way: str, model_path: str, data_path: str, out_path: str) -> None:
    """Quantize a model and write its predictions."""
    tf.keras.utils.set_random_seed(0)
    with np.load(data_path) as data:
        calibration, test = data["calibration"], data["test"]
        weights = [data[f"weight_{number}"] for number in range(len(data.files) - 2)]
    model = tf.keras.models.model_from_json(Path(model_path).read_text())
    model.set_weights(weights)
    target = mct.get_target_platform_capabilities()
    start = time.perf_counter()
    quantized = WAYS[way](model, lambda: batches(calibration), target)
    seconds = time.perf_counter() - start
    found = quantized.predict(test, batch_size=250, verbose=0)
    np.savez(out_path, outputs=found, seconds=seconds, version=mct.__version__)


def batches(x: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yield calibration samples as the toolkit takes them."""
    for first in range(0, len(x), BATCH):
        yield [x[first : first + BATCH]]


def ptq(model: Any, data: Callable, target: Any) -> Any:
    """Return the model after post-training quantization."""
    quantized, _ = mct.ptq.keras_post_training_quantization(
        model, data, target_platform_capabilities=target
    )
    return quantized


def gptq(model: Any, data: Callable, target: Any) -> Any:
    """Return the model after gradient-based post-training quantization."""
    quantized, _ = mct.gptq.keras_gradient_post_training_quantization(
        model,
        data,
        gptq_config=mct.gptq.get_keras_gptq_config(n_epochs=EPOCHS),
        target_platform_capabilities=target,
    )
    return quantized


WAYS = {"ptq": ptq, "gptq": gptq}

if __name__ == "__main__":
    main(*sys.argv[1:])
