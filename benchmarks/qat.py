"""Training in integers: tfedge beside raw tfmot, on the same weights, batches and epochs.

    python benchmarks/qat.py

Every technique starts from weights that are made once (trained; pruned; clustered; both) and
trains for two epochs with Adam, 3e-4 falling on a cosine. tfedge sets ranges from 512 of the
training samples first; tfmot has nothing of that kind. Its models are converted with the raw
converter. Finished runs are kept under ``.cache/qat`` and not repeated, so that the command can
be stopped and started again; it writes qat.md from all of them. Data: ``--data``, a folder with
``load.py``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras
from channel_networks import BATCH, Network, stream
from clock import Clock
from pages import installed, listed_of, parsed, parser_with_data
from qat_networks import CLUSTERS, LOSS, NETWORKS, start

import tfedge
from tfedge.models.flavours import tfmot
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "qat"
SEEDS, FEW, MORE_SEEDS = range(3), 5_000, range(10)
PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "numpy")


@dataclasses.dataclass(frozen=True)
class Technique:
    """What of the weights is kept while they are trained in integers.

    Args:
        name: What it is called.
        sparse: Whether zeros are.
        clustered: Whether shared values are.
    """

    name: str
    sparse: bool
    clustered: bool

    @property
    def preserve(self) -> tuple[str, ...]:
        """The same in tfedge's words."""
        return ("sparsity",) * self.sparse + ("clusters",) * self.clustered


TECHNIQUES = [
    Technique("QAT", False, False),
    Technique("PQAT", True, False),
    Technique("CQAT", False, True),
    Technique("PCQAT", True, True),
]


def by_tfedge(model: Any, technique: Technique, network: Network) -> Any:
    """Return the model in tfedge's integer training."""
    x = network.data["x"][:512].astype("float32")
    return tfedge.quantize(model, preserve=technique.preserve, calibration=x)


def by_tfmot(model: Any, technique: Technique, network: Network) -> Any:
    """Return the model in raw tfmot's integer training."""
    api, combine = tfmot().quantization.keras, tfmot().experimental.combine
    if technique.clustered:
        scheme = combine.Default8BitClusterPreserveQuantizeScheme(technique.sparse)
    elif technique.sparse:
        scheme = combine.Default8BitPrunePreserveQuantizeScheme()
    else:
        return api.quantize_model(model)
    return api.quantize_apply(api.quantize_annotate_model(model), scheme)


def file_of_tfmot(model: Any, technique: Technique) -> tfedge.TFLiteModel:
    """Return what the raw converter makes of a model trained by tfmot."""
    if technique.clustered:
        model = tfmot().experimental.combine.strip_clustering_cqat(model)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return tfedge.TFLiteModel(converter.convert())


TOOLS: dict[str, tuple[Callable, Callable]] = {
    "tfedge": (by_tfedge, lambda model, technique: tfedge.convert(model, "int8", parity=False)),
    "tfmot": (by_tfmot, file_of_tfmot),
}


def train(model: Any, network: Network, seed: int) -> float:
    """Train on the batches that every tool sees; return seconds per epoch."""
    steps = len(network.data["x"]) // BATCH
    rate = tf_keras.optimizers.schedules.CosineDecay(network.rate, network.epochs * steps)
    model.compile(tf_keras.optimizers.Adam(rate), LOSS)
    clock = Clock()
    data = stream(network, network.epochs, seed).prefetch(2)
    model.fit(data, steps_per_epoch=steps, epochs=network.epochs, callbacks=[clock], verbose=0)
    return float(np.mean(clock.seconds[1:]))


def run(tool: str, technique: Technique, network: Network, seed: int) -> dict[str, Any]:
    """Quantize, train and convert, and return what came of it."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    make, convert = TOOLS[tool]
    model = start(network, technique.sparse, technique.clustered, WORK)
    x, y = network.data["x_test"].astype("float32"), network.data["y_test"]
    found: dict[str, Any] = {"start": _accuracy(model, x, y)}
    before = tfedge.sparsity(model)
    found["zeros before"] = before.sparsity
    try:
        qat = make(model, technique, network)
        found["seconds"] = train(qat, network, seed)
        found["accuracy"] = _accuracy(qat, x, y)
        lite = convert(qat, technique)
    except Exception as error:  # the row shows it, and the others go on
        return {**found, "failed": f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"}
    kernels = [one for one in tfedge.unique_weights(lite).kernels if "DEPTHWISE" not in one.kind]
    return found | {
        "file": tfedge.evaluate(lite, x, y, verbose=0).accuracy,
        "gzip_bytes": lite.gzip_bytes,
        "zeros kept": tfedge.sparsity(lite).zeros / max(before.zeros, 1),
        "values": max(kernel.unique for kernel in kernels),
        "values in a channel": max(kernel.unique_per_channel for kernel in kernels),
        "float operators": sorted({item.name for item in lite.float_operators}),
    }


def _accuracy(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the fraction of right answers."""
    return float((model.predict(x, batch_size=500, verbose=0).argmax(-1) == y).mean())


def place(tool: str, technique: Technique, network: Network, seed: int) -> Path:
    """Return where the result of a run is kept."""
    return WORK / "runs" / f"{network.name}-{technique.name}-{tool}-{seed}.json"


def kept_run(tool: str, technique: Technique, network: Network, seed: int) -> dict[str, Any]:
    """Return the result of a run, an earlier one if there is one."""
    path = place(tool, technique, network, seed)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = {"network": network.name, "technique": technique.name, "tool": tool, "seed": seed}
        versions = installed(PACKAGES)
        found = {**key, **run(tool, technique, network, seed), "versions": versions}
        path.write_text(json.dumps(found, indent=1))
        print(path.stem, {k: v for k, v in found.items() if k not in key}, flush=True)
    return json.loads(path.read_text())


def seeds(network: Network) -> range:
    """Return the seeds of a network: more where the test samples are few and chance is large."""
    return MORE_SEEDS if len(network.data["x_test"]) < FEW else SEEDS


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per network, technique and tool: means over the seeds."""
    found: dict[tuple[str, str, str], list[dict]] = {}
    for item in results:
        found.setdefault((item["network"], item["technique"], item["tool"]), []).append(item)
    return [
        dict(zip(("network", "technique", "tool"), key, strict=True)) | _row(items)
        for key, items in found.items()
    ]


def _row(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the cells of one technique by one tool."""
    cell = functools.partial(_cell, [item for item in items if "failed" not in item])
    files = [100 * item["file"] for item in items if "file" in item]
    span = f"{min(files):.2f} to {max(files):.2f}" if files else "–"
    failed = next((item["failed"] for item in items if "failed" in item), "")
    return {
        "seeds": len(items),
        "start": f"{items[0]['start']:.2%}",
        "Keras": cell("accuracy", "{:.2%}"),
        "INT8 file": cell("file", "{:.2%}"),
        "range": span,
        "zeros before": cell("zeros before", "{:.1%}"),
        "zeros kept": cell("zeros kept", "{:.1%}", min) if items[0]["zeros before"] else "–",
        "values": cell("values", "{}", max),
        "in a channel": cell("values in a channel", "{}", max),
        "gzip": cell("gzip_bytes", "{:,.0f} B"),
        "s/epoch": cell("seconds", "{:.2f}", np.median),
        "": f"`{failed}`" if failed else "",
    }


def _cell(items: list[dict], key: str, form: str, pick: Callable = np.mean) -> str:
    """Return one figure of several runs, or a dash."""
    return form.format(pick([item[key] for item in items])) if items else "–"


def written(results: list[dict[str, Any]]) -> str:
    """Return the page."""
    return "\n\n".join(
        [
            "# Training in integers",
            f"Written by `python benchmarks/qat.py`: {listed_of(results)}. "
            "Both tools start from the same "
            "weights and see the same batches for two epochs (10,000 images; 1,200 of the "
            f"digits). PQAT starts from 60 % zeros, CQAT from {CLUSTERS} "
            "values in each kernel, PCQAT from both.",
            "`start` is the accuracy in float before, `Keras` that of the trained model with its "
            "rounding, `INT8 file` that of the file on LiteRT and `range` the same of the seeds. "
            "`zeros before` are those in all kernels at the start, `zeros kept` how many the file "
            "has against that, the least of the seeds; rounding adds some. `values` is the largest "
            "number of distinct integers in a kernel of the file, and in one output channel of it. "
            "Depthwise kernels are neither pruned nor clustered nor counted, as tfmot leaves them "
            "out. `s/epoch` is the second epoch, on a shared machine.",
            "Where weights share values, tfedge gives all channels of a kernel one range, so that "
            "the file holds no more integers than the kernel has values; tfmot gives each channel "
            "a range of its own, which is finer and makes other integers of the same value. One of "
            "the test samples of the digits is 0.25 %.",
            markdown_table(rows(results)),
        ]
    )


def main() -> None:
    """Run what was not run yet and write the table."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--seeds", nargs="*", type=int, help="three; ten for few samples")
    parser.add_argument("--no-run", dest="run", action="store_false", help="only the table")
    options = parsed(parser)
    warnings.simplefilter("ignore")
    networks = [NETWORKS[name](options.data, WORK) for name in options.networks]
    wanted = [
        (tool, technique, network, seed)
        for network in networks
        for technique in TECHNIQUES
        for tool in TOOLS
        for seed in options.seeds or seeds(network)
    ]
    if not options.run:
        wanted = [job for job in wanted if place(*job).exists()]
    results = [kept_run(*job) for job in wanted]
    Path(__file__).with_suffix(".md").write_text(written(results) + "\n")
    print(markdown_table(rows(results)))


if __name__ == "__main__":
    main()
