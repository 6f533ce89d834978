"""Accuracy after channel removal: tfedge beside Torch-Pruning and tfmot, trained alike.

    python benchmarks/channels.py --torch-python .venv-torch/bin/python

Every tool starts from the same weights and sees the same batches (Adam, 1e-3 falling on a
cosine); what counts is the test accuracy after the last epoch. Finished runs are kept under
``.cache/channels`` and not repeated, so that the command can be stopped and started again; it
writes channels.md from all of them. Torch-Pruning needs an environment with ``torch`` and
``torch-pruning``. tfmot keeps all channels and gets as many zeros as make its INT8 file, after
gzip, as small as the file without channels. Latencies of all files are measured at the end, in
turns, so leave the machine alone then. Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras
from channel_networks import BATCH, NETWORKS, Network, stream, write_for_torch

import tfedge
from tfedge.models.statistics import model_statistics
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "channels"
SEEDS = (0, 1, 2)
ONE_SHOT = ("l1", "l2", "bn_scale", "fpgm", "lamp", "taylor", "fisher", "activation", "random")
TORCH = ("l2, global", "l2, local", "taylor, global", "bn_scale, local")
ALPHA = 0.1
ROUNDS = 5


def train(model: Any, network: Network, seed: int, callbacks: Sequence = ()) -> None:
    """Train on the batches that every tool sees."""
    steps = network.epochs * (len(network.data["x"]) // BATCH)
    rate = tf_keras.optimizers.schedules.CosineDecay(1e-3, steps)
    model.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    data = stream(network, network.epochs, seed).prefetch(2)
    model.fit(data, callbacks=list(callbacks), verbose=0)


def removed(model: Any, network: Network, **settings: Any) -> Any:
    """Return the model with fewer channels, not trained yet."""
    return tfedge.prune_channels(
        model,
        macs=network.left,
        scope="global",
        data=network.sample(),
        loss="sparse_categorical_crossentropy",
        **settings,
    )


def one_shot(importance: str, **settings: Any) -> Callable:
    """Return the plain way: remove at once, then train on labels."""

    def run(model: Any, network: Network, seed: int) -> Any:
        slim = removed(model, network, importance=importance, **settings)
        train(slim, network, seed)
        return slim

    return run


def taught(model: Any, network: Network, seed: int) -> Any:
    """Remove at once, then train with the unpruned model as a teacher."""
    slim = removed(model, network, importance="fisher")
    distiller = tfedge.Distiller(student=slim, teacher=model, alpha=ALPHA)
    train(distiller, network, seed)
    return distiller.student


def zeros(model: Any, network: Network, seed: int) -> Any:
    """Train as tfmot's tutorial does, with zeros for a file as small as without channels."""
    end = network.epochs * (len(network.data["x"]) // BATCH)
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        0.0, sparsity_of_equal_size(model, network), 0, round(0.8 * end), frequency=50
    )
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(model, schedule)
    train(wrapped, network, seed, callbacks=[tfmot.sparsity.keras.UpdatePruningStep()])
    return tfmot.sparsity.keras.strip_pruning(wrapped)


def sparsity_of_equal_size(model: Any, network: Network) -> float:
    """Return the fraction of zeros with which a file is as small as one without channels."""
    goal = int8(removed(model, network, importance="l2"), network).gzip_bytes
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if int8(with_zeros(model, middle), network).gzip_bytes > goal
            else (low, middle)
        )
    return high


def with_zeros(model: Any, fraction: float) -> Any:
    """Return a copy in which the smallest weights of each kernel are zeros."""
    copy = tf_keras.models.clone_model(model)
    copy.set_weights([_pruned(w, fraction) if w.ndim > 1 else w for w in model.get_weights()])
    return copy


def _pruned(weight: np.ndarray, fraction: float) -> np.ndarray:
    """Return a kernel without its smallest values."""
    return np.where(np.abs(weight) < np.quantile(np.abs(weight), fraction), 0, weight)


WAYS: dict[str, Callable] = {f"{name}, global": one_shot(name) for name in ONE_SHOT}
WAYS["fisher, global, reconstructed"] = one_shot("fisher", reconstruct=True)
WAYS["fisher, global, with teacher"] = taught
TFMOT: dict[str, Callable] = {"zeros, at equal size": zeros}


def accuracy(model: Any, network: Network, part: str) -> float:
    """Return the fraction of right answers."""
    x, y = network.data[f"x_{part}"], network.data[f"y_{part}"]
    found = model.predict(x.astype("float32"), batch_size=500, verbose=0)
    return float((found.argmax(-1) == y).mean())


def int8(model: Any, network: Network) -> tfedge.TFLiteModel:
    """Return the INT8 file of a model."""
    return tfedge.convert(model, "int8", network.sample()[0][:200], parity=False)


def keras_run(way: Callable, network: Network, seed: int, file: Path) -> dict[str, Any]:
    """Prune, train and convert, and return what came of it."""
    tf_keras.utils.set_random_seed(seed)
    model = network.model(WORK)
    slim = way(model, network, seed)
    lite = int8(slim, network)
    lite.save(file, overwrite=True)
    x, y = network.data["x_test"].astype("float32"), network.data["y_test"]
    names = ("tensorflow", "tf-keras", "tensorflow-model-optimization")
    return {
        "float accuracy": accuracy(model, network, "test"),
        "accuracy": accuracy(slim, network, "test"),
        "validation": accuracy(slim, network, "val"),
        "fewer MACs": model_statistics(model).macs / model_statistics(slim).macs,
        "int8 accuracy": tfedge.evaluate(lite, x, y, verbose=0).accuracy,
        "gzip_bytes": lite.gzip_bytes,
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def torch_run(network: Network, way: str, seed: int, python: str) -> dict[str, Any]:
    """Run the peer in its own environment."""
    write_for_torch(network, WORK)
    script = str(HERE / "channels_torch.py")
    arguments = [network.name, way, str(seed), str(network.epochs), str(network.left)]
    command = [python, script, str(WORK), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def place(tool: str, network: Network, way: str, seed: int) -> Path:
    """Return where the result of a run is kept."""
    key = f"{tool} {network.name} {way} {seed} {network.epochs} {network.left}"
    return WORK / "runs" / f"{hashlib.sha1(key.encode()).hexdigest()}.json"


def kept(tool: str, network: Network, way: str, seed: int, run: Callable) -> dict[str, Any]:
    """Return the result of a run, an earlier one if there is one."""
    path = place(tool, network, way, seed)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        found = {"tool": tool, "network": network.name, "way": way, "seed": seed, **run()}
        found["seconds"] = time.perf_counter() - start
        path.write_text(json.dumps(found, indent=1))
        print(path.stem, tool, way, seed, found["accuracy"], found["fewer MACs"], flush=True)
    return {**json.loads(path.read_text()), "file": path.with_suffix(".tflite")}


def measure(network: Network, results: list[dict[str, Any]]) -> None:
    """Add how much faster each file is than the file of the unpruned network, all in turns."""
    mine = [item for item in results if item["network"] == network.name and item["file"].exists()]
    files = [int8(network.model(WORK), network)]
    files += [tfedge.TFLiteModel.load(item["file"]) for item in mine]
    times = [[tfedge.benchmark(file, runs=50).p50_ms for file in files] for _ in range(ROUNDS)]
    first, *rest = np.min(times, axis=0)
    for item, best in zip(mine, rest, strict=True):
        item["int8 faster"] = first / best


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per network, tool and way: mean and range over the seeds."""
    found: dict[tuple, list[dict]] = {}
    for item in results:
        found.setdefault((item["network"], item["tool"], item["way"]), []).append(item)
    return [
        {
            "network": network,
            "tool": tool,
            "way": way,
            "seeds": len(items),
            "float": _percent(items, "float accuracy"),
            "accuracy": _percent(items, "accuracy"),
            "range": " to ".join(
                f"{100 * pick(item['accuracy'] for item in items):.2f}" for pick in (min, max)
            ),
            "fewer MACs": f"{np.mean([item['fewer MACs'] for item in items]):.2f}x",
            "int8 file": _percent(items, "int8 accuracy"),
            "gzip": _middle(items, "gzip_bytes", "{:,.0f} B"),
            "int8 faster": _middle(items, "int8 faster", "{:.2f}x"),
        }
        for (network, tool, way), items in found.items()
    ]


def _percent(items: list[dict], key: str) -> str:
    """Return the mean of a fraction in percent, or a dash."""
    return f"{100 * np.mean([item[key] for item in items]):.2f} %" if key in items[0] else "–"


def _middle(items: list[dict], key: str, form: str) -> str:
    """Return the middle of the runs, or a dash."""
    return form.format(np.median([item[key] for item in items])) if key in items[0] else "–"


def jobs(network: Network, options: argparse.Namespace) -> Iterator[tuple[str, str, int, Callable]]:
    """Yield what is to be run: tool, way, seed, and the function."""
    for seed in options.seeds:
        for tool, ways in (("tfedge", {w: WAYS[w] for w in options.ways}), ("tfmot", TFMOT)):
            for name, way in ways.items():
                file = place(tool, network, name, seed).with_suffix(".tflite")
                yield tool, name, seed, functools.partial(keras_run, way, network, seed, file)
        for name in options.torch_ways:
            run = functools.partial(torch_run, network, name, seed, options.torch_python)
            yield "Torch-Pruning", name, seed, run


def main() -> None:
    """Run what was not run yet and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    parser.add_argument("--torch-ways", nargs="*", default=list(TORCH))
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--no-table", dest="table", action="store_false", help="only run")
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not options.data.exists():
        raise SystemExit(f"No data at {options.data}: pass the folder with --data.")
    results = []
    for name in options.networks:
        network = NETWORKS[name](options.data, WORK)
        found = [kept(t, network, w, s, run) for t, w, s, run in jobs(network, options)]
        if options.table:
            measure(network, found)
        results += found
    if not options.table:
        return
    versions = {k: v for item in results for k, v in item["versions"].items()}
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    text = "\n\n".join(
        [
            "# Channel removal",
            f"Written by `python benchmarks/channels.py`: {listed}. Test accuracy after the last "
            "epoch, mean over the seeds; every tool starts from the same weights and sees the "
            "same batches. `fewer MACs` is how many times fewer multiply-accumulates are left; "
            "`int8 file` is the accuracy of the converted file on LiteRT, `gzip` its size after "
            "gzip, and `int8 faster` its latency against the unpruned file's.",
            markdown_table(rows(results)),
        ]
    )
    Path(__file__).with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
