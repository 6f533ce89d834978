"""Accuracy after channel removal: tfedge beside Torch-Pruning and tfmot, trained alike.

    python benchmarks/channels.py --torch-python .venv-torch/bin/python

Every tool starts from the same weights and sees the same batches (Adam, ``--rates`` falling on a
cosine); what counts is the test accuracy after the last epoch. Finished runs are kept under
``.cache/channels`` and not repeated, so that the command can be stopped and started again; it
writes channels.md from all of them. Torch-Pruning needs an environment with ``torch`` and
``torch-pruning``. tfmot keeps all channels and gets as many zeros as make its INT8 file, after
gzip, as small as the file without channels. Latencies of all files are measured at the end, in
turns, so leave the machine alone then. Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras
from channel_networks import NETWORKS, Network, write_for_torch
from channel_ways import ONE_SHOT, TFMOT, WAYS, int8, removed
from pages import installed, listed_of, parsed, parser_with_data

import tfedge
from tfedge.models.statistics import model_statistics
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "channels"
SEEDS = (0, 1, 2)
RATES = (4e-3, 8e-3)
TORCH = ("l2, global", "l2, local", "taylor, global", "bn_scale, local")
ROUNDS = 5


def accuracy(model: Any, network: Network, part: str) -> float:
    """Return the fraction of right answers."""
    x, y = network.data[f"x_{part}"], network.data[f"y_{part}"]
    found = model.predict(x.astype("float32"), batch_size=500, verbose=0)
    return float((found.argmax(-1) == y).mean())


def keras_run(way: Callable, network: Network, seed: int, file: Path) -> dict[str, Any]:
    """Prune, train and convert, and return what came of it."""
    tf_keras.utils.set_random_seed(seed)
    model = network.model(WORK)
    whole, macs = accuracy(model, network, "test"), model_statistics(model).macs
    slim = way(model, network, seed)
    lite = int8(slim, network)
    lite.save(file)
    x, y = network.data["x_test"].astype("float32"), network.data["y_test"]
    names = ("tensorflow", "tf-keras", "tensorflow-model-optimization")
    return {
        "float accuracy": whole,
        "accuracy": accuracy(slim, network, "test"),
        "validation": accuracy(slim, network, "val"),
        "fewer MACs": macs / model_statistics(slim).macs,
        "int8 accuracy": tfedge.evaluate(lite, x, y, verbose=0).accuracy,
        "gzip_bytes": lite.gzip_bytes,
        "versions": installed(names),
    }


def untrained(network: Network) -> list[dict[str, Any]]:
    """Return the accuracy right after removal, without and with reconstruction."""
    model = network.model(WORK)
    return [
        {
            "network": network.name,
            "importance": kind,
            "whole": f"{accuracy(model, network, 'test'):.2%}",
            "removed": f"{accuracy(removed(model, network, importance=kind), network, 'test'):.2%}",
            "reconstructed": "{:.2%}".format(
                accuracy(
                    removed(model, network, importance=kind, reconstruct=True), network, "test"
                )
            ),
        }
        for kind in ONE_SHOT
    ]


def torch_run(network: Network, way: str, seed: int, python: str) -> dict[str, Any]:
    """Run the peer in its own environment."""
    write_for_torch(network, WORK)
    script = str(HERE / "channels_torch.py")
    numbers = (seed, network.epochs, network.left, network.rate)
    command = [python, script, str(WORK), network.name, way, *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def place(tool: str, network: Network, way: str, seed: int) -> Path:
    """Return where the result of a run is kept."""
    key = f"{tool} {network.name} {way} {seed} {network.epochs} {network.left} {network.rate}"
    return WORK / "runs" / f"{hashlib.sha1(key.encode()).hexdigest()}.json"


def kept(tool: str, network: Network, way: str, seed: int, run: Callable) -> dict[str, Any]:
    """Return the result of a run, an earlier one if there is one."""
    path = place(tool, network, way, seed)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        found = {"tool": tool, "network": network.name, "way": way, "rate": network.rate}
        found |= {"seed": seed, **run()}
        found["seconds"] = time.perf_counter() - start
        path.write_text(json.dumps(found, indent=1))
        print(path.stem, tool, way, seed, found["accuracy"], found["fewer MACs"], flush=True)
    return {**json.loads(path.read_text()), "file": path.with_suffix(".tflite")}


def measure(network: Network, results: list[dict[str, Any]]) -> None:
    """Add how much faster each file is than the file of the unpruned network, all in turns."""
    mine = [item for item in results if item["file"].exists()]
    files = [int8(network.model(WORK), network)]
    files += [tfedge.TFLiteModel.load(item["file"]) for item in mine]
    times = [
        [tfedge.benchmark(file, runs=50, verbose=0).p50_ms for file in files] for _ in range(ROUNDS)
    ]
    first, *rest = np.min(times, axis=0)
    for item, best in zip(mine, rest, strict=True):
        item["int8 faster"] = first / best


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per network, tool and way: mean and range over the seeds."""
    found: dict[tuple, list[dict]] = {}
    for item in results:
        key = (item["network"], item["rate"], item["tool"], item["way"])
        found.setdefault(key, []).append(item)
    return [
        {
            "network": network,
            "rate": rate,
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
        for (network, rate, tool, way), items in found.items()
    ]


def _percent(items: list[dict], key: str) -> str:
    """Return the mean of a fraction in percent, or a dash."""
    return f"{100 * np.mean([item[key] for item in items]):.2f} %" if key in items[0] else "–"


def _middle(items: list[dict], key: str, form: str) -> str:
    """Return the middle of the runs, or a dash."""
    return form.format(np.median([item[key] for item in items])) if key in items[0] else "–"


def jobs(network: Network, options: argparse.Namespace) -> Iterator[tuple[str, str, int, Callable]]:
    """Yield what is to be run: tool, way, seed, and the function."""
    keras = [("tfedge", name, WAYS[name]) for name in options.ways]
    keras += [("tfmot", name, TFMOT[name]) for name in options.tfmot_ways]
    for seed in options.seeds:
        for tool, name, way in keras:
            file = place(tool, network, name, seed).with_suffix(".tflite")
            yield tool, name, seed, functools.partial(keras_run, way, network, seed, file)
        for name in options.torch_ways:
            run = functools.partial(torch_run, network, name, seed, options.torch_python)
            yield "Torch-Pruning", name, seed, run


def main() -> None:
    """Run what was not run yet and write the table."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    parser.add_argument("--tfmot-ways", nargs="*", default=list(TFMOT))
    parser.add_argument("--torch-ways", nargs="*", default=list(TORCH))
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--no-table", dest="table", action="store_false", help="only run")
    parser.add_argument("--finished", action="store_true", help="the table of finished runs")
    parser.add_argument("--rates", nargs="*", type=float, default=RATES)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options = parsed(parser)
    warnings.simplefilter("ignore")
    results, before = [], []
    for name in options.networks:
        made = NETWORKS[name](options.data, WORK)
        networks = [dataclasses.replace(made, rate=rate) for rate in options.rates]
        found = [
            kept(tool, network, way, seed, run)
            for network in networks
            for tool, way, seed, run in jobs(network, options)
            if not options.finished or place(tool, network, way, seed).exists()
        ]
        if options.table:
            measure(made, found)
            before += untrained(made)
        results += found
    if not options.table:
        return
    text = "\n\n".join(
        [
            "# Channel removal",
            f"Written by `python benchmarks/channels.py`: {listed_of(results)}. "
            "Test accuracy after the last "
            "epoch, mean over the seeds; every tool starts from the same weights and sees the "
            "same batches. `fewer MACs` is how many times fewer multiply-accumulates are left; "
            "`int8 file` is the accuracy of the converted file on LiteRT, `gzip` its size after "
            "gzip, and `int8 faster` its latency against the unpruned file's.",
            markdown_table(rows(results)),
            "Right after removal, before any training; the statistics of BatchNormalization are "
            "estimated again in both columns:",
            markdown_table(before),
        ]
    )
    Path(__file__).with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
