"""Accuracy after channel removal: tfedge beside Torch-Pruning and tfmot, trained alike.

    python benchmarks/channels.py --torch-python .venv-torch/bin/python

Every tool starts from the same weights and sees the same batches (Adam, 1e-3 falling on a
cosine); what counts is the test accuracy after the last epoch. Finished runs are kept under
``.cache/channels`` and not repeated, so that the command can be stopped and started again; it
writes channels.md from all of them. Torch-Pruning needs an environment with ``torch`` and
``torch-pruning``. Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
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
STEPS = 4
REMOVAL = 0.2


def train(model: Any, network: Network, seed: int, first: float = 0.0, last: float = 1.0) -> None:
    """Train on a part of the batches; the learning rate is where it would be in the whole."""
    steps = network.epochs * (len(network.data["x"]) // BATCH)
    start, stop = round(first * steps), round(last * steps)
    rate = tf_keras.optimizers.schedules.CosineDecay(1e-3, steps)
    optimizer = tf_keras.optimizers.Adam(rate)
    optimizer.iterations.assign(start)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(dataset(network, seed, start, stop), verbose=0)


def dataset(network: Network, seed: int, start: int, stop: int) -> tf.data.Dataset:
    """Return some of the batches that every tool sees."""
    batches = stream(network, network.epochs, seed)
    return batches.skip(start).take(stop - start).prefetch(2)


def one_shot(importance: str) -> Callable:
    """Return the plain way: remove at once, then train on labels."""

    def run(model: Any, network: Network, seed: int) -> Any:
        slim = tfedge.prune_channels(
            model,
            macs=network.left,
            importance=importance,
            scope="global",
            data=network.sample(),
            loss="sparse_categorical_crossentropy",
        )
        train(slim, network, seed)
        return slim

    return run


def gradual(model: Any, network: Network, seed: int) -> Any:
    """Remove in steps while training, with the unpruned model as a teacher."""
    loss = "sparse_categorical_crossentropy"
    students = tfedge.channel_steps(
        model,
        macs=network.left,
        steps=STEPS,
        importance="taylor",
        scope="global",
        data=network.sample(),
        loss=loss,
    )
    marks = [*np.linspace(0, REMOVAL, STEPS), 1.0]
    for first, last, student in zip(marks, marks[1:], students, strict=False):
        distiller = tfedge.Distiller(student=student, teacher=model, alpha=0.1)
        train(distiller, network, seed, first, last)
        tfedge.models.release(distiller.student, into=student)
    return student


WAYS: dict[str, Callable] = {f"{name}, global": one_shot(name) for name in ONE_SHOT}
WAYS["taylor, in steps, with teacher"] = gradual


def accuracy(model: Any, network: Network, part: str) -> float:
    """Return the fraction of right answers."""
    x, y = network.data[f"x_{part}"], network.data[f"y_{part}"]
    found = model.predict(x.astype("float32"), batch_size=500, verbose=0)
    return float((found.argmax(-1) == y).mean())


def tfedge_run(network: Network, way: str, seed: int) -> dict[str, Any]:
    """Prune, train and convert, and return what came of it."""
    tf_keras.utils.set_random_seed(seed)
    model = network.model(WORK)
    slim = WAYS[way](model, network, seed)
    calibration = network.sample()[0][:200]
    files = [tfedge.convert(m, "int8", calibration, parity=False) for m in (model, slim)]
    before, after = (tfedge.benchmark(file).p50_ms for file in files)
    x, y = network.data["x_test"].astype("float32"), network.data["y_test"]
    return {
        "float accuracy": accuracy(model, network, "test"),
        "accuracy": accuracy(slim, network, "test"),
        "validation": accuracy(slim, network, "val"),
        "fewer MACs": model_statistics(model).macs / model_statistics(slim).macs,
        "int8 accuracy": tfedge.evaluate(files[1], x, y, verbose=0).accuracy,
        "int8 faster": before / after,
        "versions": {name: importlib.metadata.version(name) for name in ("tensorflow", "tf-keras")},
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


def kept(tool: str, network: Network, way: str, seed: int, run: Callable) -> dict[str, Any]:
    """Return the result of a run, an earlier one if there is one."""
    key = f"{tool} {network.name} {way} {seed} {network.epochs} {network.left}"
    path = WORK / "runs" / f"{hashlib.sha1(key.encode()).hexdigest()}.json"
    if not path.exists():
        start = time.perf_counter()
        found = {"tool": tool, "network": network.name, "way": way, "seed": seed, **run()}
        found["seconds"] = time.perf_counter() - start
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1))
        print(key, f"{found['accuracy']:.4f}", f"{found['fewer MACs']:.2f}x", flush=True)
    return json.loads(path.read_text())


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
            "int8 faster": _ratio(items),
        }
        for (network, tool, way), items in found.items()
    ]


def _percent(items: list[dict], key: str) -> str:
    """Return the mean of a fraction in percent, or a dash."""
    return f"{100 * np.mean([item[key] for item in items]):.2f} %" if key in items[0] else "–"


def _ratio(items: list[dict]) -> str:
    """Return how much faster the INT8 file is, the middle of the runs, or a dash."""
    if "int8 faster" not in items[0]:
        return "–"
    return f"{np.median([item['int8 faster'] for item in items]):.2f}x"


def main() -> None:
    """Run what was not run yet and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    parser.add_argument("--torch-ways", nargs="*", default=list(TORCH))
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not options.data.exists():
        raise SystemExit(f"No data at {options.data}: pass the folder with --data.")
    results = []
    for name in options.networks:
        network = NETWORKS[name](options.data, WORK)
        for seed in options.seeds:
            for way in options.ways:
                run = lambda n=network, w=way, s=seed: tfedge_run(n, w, s)  # noqa: E731
                results.append(kept("tfedge", network, way, seed, run))
            for way in options.torch_ways:
                run = lambda n=network, w=way, s=seed: torch_run(  # noqa: E731
                    n, w, s, options.torch_python
                )
                results.append(kept("Torch-Pruning", network, way, seed, run))
    versions = {k: v for item in results for k, v in item["versions"].items()}
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    text = "\n\n".join(
        [
            "# Channel removal",
            f"Written by `python benchmarks/channels.py`: {listed}. Test accuracy after the last "
            "epoch, mean over the seeds; every tool starts from the same weights and sees the "
            "same batches. `fewer MACs` is how many times fewer multiply-accumulates are left; "
            "`int8 file` is the accuracy of the converted file on LiteRT, `int8 faster` its "
            "median latency against the unpruned file's.",
            markdown_table(rows(results)),
        ]
    )
    Path(__file__).with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
