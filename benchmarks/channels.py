"""Accuracy after channel removal: tfedge beside Torch-Pruning and tfmot, trained alike.

    python benchmarks/channels.py --torch-python .venv-torch/bin/python

Every tool starts from the same weights and sees the same batches (Adam, ``--rates`` falling on a
cosine); what counts is the test accuracy after the last epoch. What was run is on record in
``records/channels.jsonl`` and not repeated, so that the command can be stopped and started again;
``--finished`` makes channels.md of what is on record. Torch-Pruning needs an environment with
``torch`` and ``torch-pruning``. tfmot keeps all channels and gets as many zeros as make its INT8
file, after gzip, as small as the file without channels. Each file is timed in turns with the file
of the unpruned network. Data: ``--data``, a folder with ``load.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
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
from records import Records

import tfedge
from tfedge.models.statistics import model_statistics
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "channels"
RECORDS = Records("channels")
SEEDS = (0, 1, 2)
RATES = (4e-3, 8e-3)
TORCH = ("l2, global", "l2, local", "taylor, global", "bn_scale, local")
SECONDS = 10.0
KEY = ("tool", "network", "way", "importance", "seed", "epochs", "left", "rate")


def accuracy(model: Any, network: Network, part: str) -> float:
    """Return the fraction of right answers."""
    x, y = network.data[f"x_{part}"], network.data[f"y_{part}"]
    found = model.predict(x.astype("float32"), batch_size=500, verbose=0)
    return float((found.argmax(-1) == y).mean())


def keras_run(way: Callable, network: Network, seed: int) -> dict[str, Any]:
    """Prune, train and convert, and return what came of it."""
    tf_keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    model = network.model(WORK)
    slim = way(model, network, seed)
    took = time.perf_counter() - start
    files = [int8(one, network) for one in (model, slim)]
    faster = tfedge.compare_latency(*files, seconds=SECONDS, verbose=0)
    x, y = network.data["x_test"].astype("float32"), network.data["y_test"]
    names = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert")
    return {
        "float accuracy": accuracy(model, network, "test"),
        "accuracy": accuracy(slim, network, "test"),
        "validation": accuracy(slim, network, "val"),
        "fewer MACs": model_statistics(model).macs / model_statistics(slim).macs,
        "int8 accuracy": tfedge.evaluate(files[1], x, y, verbose=0).accuracy,
        "gzip_bytes": files[1].gzip_bytes,
        "int8 faster": [faster.ratio_low, faster.ratio, faster.ratio_high],
        "seconds": took,
        "versions": installed(names),
    }


def before_training(network: Network, kind: str) -> dict[str, Any]:
    """Return the accuracy right after removal, without and with reconstruction."""
    model = network.model(WORK)
    slim = {
        title: removed(model, network, importance=kind, **settings)
        for title, settings in (("removed", {}), ("reconstructed", {"reconstruct": True}))
    }
    models = {"whole": model, **slim}
    found = {title: accuracy(one, network, "test") for title, one in models.items()}
    return {**found, "versions": installed(("tensorflow", "tf-keras"))}


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


def key(tool: str, network: Network, way: str, seed: int) -> dict[str, Any]:
    """Return what a run is found by."""
    settings = {"epochs": network.epochs, "left": network.left, "rate": network.rate}
    return {"tool": tool, "network": network.name, "way": way, "seed": seed, **settings}


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
            "int8 faster": _faster(items),
        }
        for (network, rate, tool, way), items in found.items()
    ]


def _percent(items: list[dict], key: str) -> str:
    """Return the mean of a fraction in percent, or a dash."""
    return f"{100 * np.mean([item[key] for item in items]):.2f} %" if key in items[0] else "–"


def _middle(items: list[dict], key: str, form: str) -> str:
    """Return the middle of the runs, or a dash."""
    return form.format(np.median([item[key] for item in items])) if key in items[0] else "–"


def _faster(items: list[dict]) -> str:
    """Return the middle of the ratios of latency, or a dash."""
    found = [item["int8 faster"][1] for item in items if "int8 faster" in item]
    return f"{np.median(found):.2f}x" if found else "–"


def jobs(network: Network, options: argparse.Namespace) -> Iterator[tuple[str, str, int, Callable]]:
    """Yield what is to be run: tool, way, seed, and the function."""
    keras = [("tfedge", name, WAYS[name]) for name in options.ways]
    keras += [("tfmot", name, TFMOT[name]) for name in options.tfmot_ways]
    for seed in options.seeds:
        for tool, name, way in keras:
            yield tool, name, seed, functools.partial(keras_run, way, network, seed)
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
    for name in [] if options.finished else options.networks:
        fill(NETWORKS[name](options.data, WORK), options)
    if options.table:
        text = written()
        Path(__file__).with_suffix(".md").write_text(text + "\n")
        print(text)


def fill(made: Network, options: argparse.Namespace) -> None:
    """Run what is not on record yet."""
    for kind in ONE_SHOT:
        RECORDS.kept(
            functools.partial(before_training, made, kind),
            tool="before training",
            network=made.name,
            importance=kind,
        )
    for rate in options.rates:
        network = dataclasses.replace(made, rate=rate)
        for tool, way, seed, run in jobs(network, options):
            RECORDS.kept(run, **key(tool, network, way, seed))


def written() -> str:
    """Return the page of what is on record."""
    latest = {tuple(run.get(name) for name in KEY): run for run in RECORDS}
    results = sorted(latest.values(), key=_place)
    before = [run for run in results if run["tool"] == "before training"]
    trained = [run for run in results if run["tool"] != "before training"]
    return "\n\n".join(
        [
            "# Channel removal",
            f"Written by `python benchmarks/channels.py`: {listed_of(results)}. "
            "Test accuracy after the last "
            "epoch, mean over the seeds; every tool starts from the same weights and sees the "
            "same batches. `fewer MACs` is how many times fewer multiply-accumulates are left; "
            "`int8 file` is the accuracy of the converted file on LiteRT, `gzip` its size after "
            "gzip, and `int8 faster` how many times faster it runs than the unpruned file, both in "
            "turns.",
            markdown_table(rows(trained)),
            "Right after removal, before any training; the statistics of BatchNormalization are "
            "estimated again in both columns:",
            markdown_table([_row_before(run) for run in before]),
        ]
    )


def _place(run: dict[str, Any]) -> tuple:
    """Return where a run stands on the page."""
    tools = ("before training", "tfedge", "tfmot", "Torch-Pruning")
    ways = [*ONE_SHOT, *WAYS, *TFMOT, *TORCH]
    way = run.get("way") or run["importance"]
    return (
        list(NETWORKS).index(run["network"]),
        tools.index(run["tool"]),
        run.get("rate", 0),
        ways.index(way),
        run.get("seed", 0),
    )


def _row_before(run: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a network right after removal."""
    parts = {part: f"{run[part]:.2%}" for part in ("whole", "removed", "reconstructed")}
    return {"network": run["network"], "importance": run["importance"], **parts}


if __name__ == "__main__":
    main()
