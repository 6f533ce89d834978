"""What zeros cost and save: accuracy beside raw tfmot, and bytes and time of the files.

    python benchmarks/sparsity.py --data shared/data     # writes sparsity.md beside this

Accuracy: a small network on Fashion-MNIST (`fashion_mnist.npz` in the folder of the data) is
trained, then pruned by each tool from the same weights, with the same batches in the same order,
schedule, optimizer and epochs. The network is a usual one: its dense layer holds 96 % of the
weights, and its convolutions the sensitive rest. Nothing is chosen by the test images; the last
epoch counts.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from pages import installed, listed, parser_with_data

import tfedge
from tfedge.core.masks import magnitude_mask
from tfedge.models.flavours import keras3, tf_keras, tfmot

HERE = Path(__file__).resolve()
TABLE = HERE.with_suffix(".md")
SHARES = (0.5, 0.8, 0.9)
TRAIN, BATCH, EPOCHS, PRUNE_EPOCHS = 20_000, 64, 4, 2
STEPS = TRAIN // BATCH * PRUNE_EPOCHS
SETTINGS = {"begin_step": 0, "end_step": STEPS // 2 // 20 * 20, "frequency": 20}
PATTERNS = ("element", "2:4", "4x1", "16x1")
LOSS = "sparse_categorical_crossentropy"
Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fashion(folder: Path) -> Data:
    """Return training and test images in [0, 1] with their labels."""
    with np.load(folder / "fashion_mnist.npz") as file:
        arrays = [file[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    x, y, x_test, y_test = arrays
    x, x_test = (one[..., None].astype("float32") / 255 for one in (x[:TRAIN], x_test))
    return x, y[:TRAIN].astype("int64"), x_test, y_test.astype("int64")


def network(seed: int) -> Any:
    """Return an untrained network of 156 thousand kernel weights."""
    keras, k = keras3(), keras3().layers
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((28, 28, 1)),
        k.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="conv1"),
        k.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="conv2"),
        k.Flatten(),
        k.Dense(96, activation="relu", name="dense"),
        k.Dense(10, activation="softmax", name="head"),
    ]
    return keras.Sequential(layers, name="fashion")


def train(model: Any, data: Data, epochs: int, seed: int, callbacks: list | None = None) -> float:
    """Train on batches in an order that the seed fixes; return the accuracy on the test images."""
    keras = tf_keras() if isinstance(model, tf_keras().Model) else keras3()
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * (TRAIN // BATCH))
    model.compile(keras.optimizers.Adam(rate), LOSS)
    rng = np.random.default_rng(seed)
    orders = np.concatenate(
        [rng.permutation(TRAIN)[: TRAIN // BATCH * BATCH] for _ in range(epochs)]
    )
    x, y = data[0][orders], data[1][orders]
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=callbacks)
    return accuracy(model, data)


def accuracy(model: Any, data: Data) -> float:
    """Return the share of test images that a model knows."""
    predicted = np.argmax(model.predict(data[2], batch_size=500, verbose=0), axis=1)
    return float(np.mean(predicted == data[3]))


def raw_tfmot(model: Any, share: float, data: Data, seed: int) -> tuple[float, float]:
    """Prune with tfmot alone, each layer by the share."""
    api = tfmot().sparsity.keras
    schedule = api.PolynomialDecay(0.0, share, **SETTINGS)
    wrapped = api.prune_low_magnitude(tfedge.models.adopt(model), schedule)
    found = train(wrapped, data, PRUNE_EPOCHS, seed, [api.UpdatePruningStep()])
    return found, tfedge.sparsity(api.strip_pruning(wrapped)).sparsity


def by_tfedge(scope: str) -> Callable[..., tuple[float, float]]:
    """Return a function that prunes with tfedge, every kernel, as in tfmot."""

    def prune(model: Any, share: float, data: Data, seed: int) -> tuple[float, float]:
        schedule = tfedge.PolynomialDecay(0.0, share, **SETTINGS)
        wrapped = tfedge.prune(model, schedule, layers=".*", scope=scope)
        found = train(wrapped, data, PRUNE_EPOCHS, seed)
        return found, tfedge.sparsity(wrapped).sparsity

    return prune


def by_callback(model: Any, share: float, data: Data, seed: int) -> tuple[float, float]:
    """Prune the Keras 3 model as it is, by one threshold."""
    copy = keras3().models.clone_model(model)
    copy.set_weights(model.get_weights())
    schedule = tfedge.PolynomialDecay(0.0, share, **SETTINGS)
    pruning = tfedge.callbacks.MagnitudePruning(schedule, layers=".*", scope="global")
    found = train(copy, data, PRUNE_EPOCHS, seed, [pruning])
    return found, tfedge.sparsity(copy).sparsity


TOOLS = {
    "raw tfmot, each layer": raw_tfmot,
    "tfedge, each layer": by_tfedge("layer"),
    "tfedge, one threshold": by_tfedge("global"),
    "tfedge callback, one threshold": by_callback,
}


def accuracies(data: Data, seeds: int) -> tuple[list[float], dict[tuple[str, float], list]]:
    """Return the dense accuracies, and (accuracy, sparsity) per tool, share and seed."""
    dense: list[float] = []
    found: dict[tuple[str, float], list] = {(t, s): [] for t in TOOLS for s in SHARES}
    for seed in range(seeds):
        model = network(seed)
        dense.append(train(model, data, EPOCHS, seed))
        for (tool, share), results in found.items():
            results.append(TOOLS[tool](model, share, data, seed + 100))
            print(seed, tool, share, results[-1], flush=True)
    return dense, found


def points(values: list[float]) -> str:
    """Return the mean of accuracies in per cent, and the range of the seeds."""
    low, high = 100 * min(values), 100 * max(values)
    return f"{100 * np.mean(values):.2f} ({low:.2f} to {high:.2f})"


def accuracy_table(dense: list[float], found: dict[tuple[str, float], list]) -> list[str]:
    """Return the first table."""
    lines = ["| tool | " + " | ".join(f"{share:.0%} zeros" for share in SHARES) + " |"]
    lines += ["|---|" + "---|" * len(SHARES)]
    for tool in TOOLS:
        cells = [points([one for one, _ in found[tool, share]]) for share in SHARES]
        lines.append(f"| {tool} | " + " | ".join(cells) + " |")
    shares = [
        100 * zeros for (_, share), runs in found.items() for _, zeros in runs if share == 0.9
    ]
    gain = np.mean([a for a, _ in found["tfedge, one threshold", 0.9]]) - np.mean(
        [a for a, _ in found["tfedge, each layer", 0.9]]
    )
    lines += ["", f"Before pruning: {points(dense)}. At 90 %, one threshold is {100 * gain:+.2f}"]
    lines += [f"points from a share for each layer. Zeros found there: {min(shares):.2f} %"]
    lines += [f"to {max(shares):.2f} % of all kernel weights."]
    return lines


def wide(pattern: str, share: float) -> Any:
    """Return two dense layers of 1024 by 1024 with random weights and zeros in a pattern."""
    keras = keras3()
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(1024, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((1024,)), *layers], name="wide")
    for layer in layers:
        kernel = layer.kernel.numpy()
        layer.kernel.assign(kernel * magnitude_mask(kernel, share, pattern))
    return model


def file_table() -> list[str]:
    """Return the second table: bytes and milliseconds of dense and sparse files."""
    lines = [
        "| pattern, zeros | mode | dense, kB | gzip | sparse, kB | gzip | dense, ms | sparse, ms |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    x = np.random.default_rng(0).normal(size=(64, 1024)).astype("float32")
    for pattern in PATTERNS:
        share = 0.5 if pattern == "2:4" else 0.9
        for mode in ("float32", "float16", "int8"):
            model = wide(pattern, share)
            dense = tfedge.convert(model, mode, x, parity=False)
            lite = tfedge.convert(model, mode, x, parity=False, sparse="auto")
            record = lite.notes["storage"]
            works = record.sparse_bytes is not None
            sizes = [record.dense_bytes, record.dense_gzip_bytes]
            sizes += [record.sparse_bytes, record.sparse_gzip_bytes] if works else []
            cells = [f"{size / 1e3:,.0f}" for size in sizes] + ["does not work", ""][
                : 4 - len(sizes)
            ]
            times = [tfedge.benchmark(dense, runs=200, verbose=0).p50_ms]
            times += (
                [tfedge.benchmark(lite, runs=200, verbose=0).p50_ms]
                if record.encoding == "sparse"
                else []
            )
            cells += [f"{one:.3f}" for one in times] + [""] * (2 - len(times))
            lines.append(f"| {pattern}, {share:.0%} | {mode} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    return lines


def page(tables: list[list[str]], seeds: int, seconds: float) -> str:
    """Return the whole page."""
    packages = ("tensorflow", "tensorflow-model-optimization", "ai-edge-litert", "numpy")
    head = f"""# Zeros: what they cost and what they save

Written by `python benchmarks/sparsity.py --seeds {seeds}` in {seconds / 60:.0f} minutes.
{listed(installed(packages))}, python {platform.python_version()}, {os.cpu_count()} processors.

## Accuracy

Test accuracy on Fashion-MNIST in per cent: mean of {seeds} seeds (lowest to highest).
{TRAIN:,} training images; {EPOCHS} epochs dense, then {PRUNE_EPOCHS} in which zeros rise by the
polynomial schedule over the first half. First weights, batches, schedule and optimizer are the
same for all, and every kernel is pruned.
"""
    files = """
## Files

Two dense layers of 1024 by 1024, random weights. Latency on LiteRT, one thread, median. The sparse
file is offered if it gives the values of the dense one on every runtime that is installed
(LiteRT and tflite-runtime here); "does not work" means that it does not load or gives others.
Other programs ran on the machine: the times are for comparing lines with each other.
"""
    accuracy_lines = tables[0] or ["Left out: the data are not there."]
    return "\n".join([head, *accuracy_lines, files, *tables[1], ""])


def main() -> None:
    """Measure and write the page."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    start, first = time.perf_counter(), []
    if (options.data / "fashion_mnist.npz").exists():
        first = accuracy_table(*accuracies(fashion(options.data), options.seeds))
    else:
        print(f"No fashion_mnist.npz in {options.data}: accuracies are left out.", file=sys.stderr)
    tables = [first, file_table()]
    TABLE.write_text(page(tables, options.seeds, time.perf_counter() - start))


if __name__ == "__main__":
    main()
