"""What others do, for compress.py: the path of tfmot's tutorials, and Sony's toolkit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras
from channel_networks import BATCH, dataset
from compress_tasks import Task
from ptq import MCT, run_mct

import tfedge
from tfedge.models.flavours import tfmot

SPARSITY, EVERY = 0.5, 100
ZEROS_RATE, INTEGERS_RATE = 1e-3, 3e-4
LOSS = "sparse_categorical_crossentropy"


def tutorial(task: Task, seed: int, work: Path) -> tfedge.TFLiteModel:
    """Return the file of zeros, then training in integers that keeps them, then the converter.

    As in tfmot's "Sparsity preserving quantization aware training (PQAT) Keras example".
    """
    read = task.reader(seed)
    model = _with_zeros(task.network.model(work), task, read)
    api = tfmot().quantization.keras
    scheme = tfmot().experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    qat = api.quantize_apply(api.quantize_annotate_model(model), scheme)
    _fit(qat, task, read, task.rounding, INTEGERS_RATE)
    converter = tf.lite.TFLiteConverter.from_keras_model(qat)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return tfedge.TFLiteModel(converter.convert())


def _with_zeros(model: Any, task: Task, read: Any) -> Any:
    """Return the model with zeros in half of each kernel."""
    api = tfmot().sparsity.keras
    schedule = api.ConstantSparsity(SPARSITY, begin_step=0, frequency=EVERY)
    sparse = api.prune_low_magnitude(model, pruning_schedule=schedule)
    _fit(sparse, task, read, task.pruning, ZEROS_RATE, [api.UpdatePruningStep()])
    return api.strip_pruning(sparse)


def _fit(model: Any, task: Task, read: Any, epochs: int, rate: float, callbacks: Any = ()) -> None:
    """Train: Adam, its rate falling on a cosine."""
    steps = len(task.data["x"]) // BATCH
    falling = tf_keras.optimizers.schedules.CosineDecay(rate, epochs * steps)
    model.compile(tf_keras.optimizers.Adam(falling), LOSS)
    data = dataset(task.network, read).prefetch(2)
    model.fit(data, epochs=epochs, callbacks=list(callbacks), verbose=0)


def simulated(task: Task, python: str) -> dict[str, Any]:
    """Return what MCT's quantized model is worth; it makes no file."""
    found = run_mct(task.network, MCT["MCT PTQ"], python)
    return (
        found if "failed" in found else {"test": found["accuracy"], "versions": found["versions"]}
    )
