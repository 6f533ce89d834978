"""The columns of the coverage benchmark that train in integers, and networks made for them."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from coverage_cases import Case, stepped

import tfedge
from tfedge.compress.quantization.exactness import steps_apart
from tfedge.compress.quantization.report import quantization_of
from tfedge.models import adopt
from tfedge.models.flavours import tf_keras, tfmot

ZOO = Path(__file__).parents[1] / "tests" / "compress" / "quantization" / "quantized_zoo.py"
ENOUGH = 0.99


@functools.cache
def kinds() -> dict[str, Callable[[], Any]]:
    """Return makers of small networks by name, each with layers of one kind: those of the tests."""
    spec = importlib.util.spec_from_file_location("quantized_zoo", ZOO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: make for name, (make, _) in module.MODELS.items()}


class Trained:
    """A model after one step of integer training, and its file."""

    def __init__(self, case: Case) -> None:
        self.x = inputs(case)
        self.model = tfedge.quantize(model_of(case), calibration=self.x)
        self.floats = sorted(set(quantization_of(self.model).float_layers.values()))
        if case.name in kinds():
            targets = tf.nest.map_structure(np.zeros_like, self.model.predict(self.x, verbose=0))
            self.model.compile(tf_keras().optimizers.SGD(1e-3, clipnorm=1.0), "mse")
            self.model.fit(self.x, targets, verbose=0)
        else:
            stepped(self.model, self.x)

    @functools.cached_property
    def file(self) -> tfedge.TFLiteModel:
        """The INT8 file; layers that stay in float are calibrated."""
        data = self.x if self.floats else None
        return tfedge.convert(
            self.model, "int8", data, float_fallback=bool(self.floats), parity=False
        )


def trained(case: Case) -> Trained:
    """Return what the columns of a row share."""
    if "trained" not in vars(case):
        vars(case)["trained"] = Trained(case)
    return vars(case)["trained"]


def model_of(case: Case) -> Any:
    """Return the user's model."""
    tf_keras().utils.set_random_seed(0)
    return kinds()[case.name]() if case.name in kinds() else case.model


def inputs(case: Case) -> Any:
    """Return inputs of the model: the images, or random values."""
    if case.name not in kinds():
        return case.images
    rng, found = np.random.default_rng(0), {}
    for tensor in model_of(case).inputs:
        shape = (48, *tensor.shape[1:])
        whole = "int" in str(tensor.dtype)
        values = rng.integers(0, 20, shape) if whole else rng.uniform(-1, 1, shape)
        found[tensor.name] = values.astype("int32" if whole else "float32")
    return found if len(found) > 1 else next(iter(found.values()))


def quantizes(case: Case) -> str:
    """Return whether integer training builds and makes a step, and what stays in float."""
    found = trained(case)
    finite = all(np.isfinite(weight).all() for weight in found.model.get_weights())
    floats = f", in float: {', '.join(found.floats)}" if found.floats else ""
    return f"{'yes' if finite else '**not finite**'}{floats}"


def converts(case: Case) -> str:
    """Return whether the INT8 file is made, and its float operators."""
    names = sorted({item.name for item in trained(case).file.float_operators})
    return f"yes, in float: {', '.join(names)}" if names else "yes"


def agrees(case: Case) -> str:
    """Return how many values of all layers are at most one step from the file's."""
    found = trained(case)
    layers = steps_apart(found.model, found.file, found.x)
    close = float(np.mean([layer.within_one_step for layer in layers]))
    exact = float(np.mean([layer.exact for layer in layers]))
    ratio = tfedge.compare(found.model, found.file, found.x, latency=False, layers=False).sqnr_db
    right = "yes" if close >= ENOUGH else "**no**"
    return f"{right}, {close:.2%} ({exact:.1%} exact), {ratio:.0f} dB"


def raw_tfmot(case: Case) -> str:
    """Return whether raw tfmot builds the same, from the tf_keras model."""
    tfmot().quantization.keras.quantize_model(adopt(model_of(case)))
    return "yes"


QUANTIZE: dict[str, Callable[[Case], str]] = {
    "quantize, a step": quantizes,
    "quantize, INT8": converts,
    "quantize, within one step": agrees,
    "raw tfmot quantize_model": raw_tfmot,
}
