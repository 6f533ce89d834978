"""Two faults of tfmot 0.8.1 that keep its quantized models from loading, worked around.

A ``QuantizeLayer`` does not note that it is built: built from its config and again by its call,
it has twice its weights. A ``QuantizeWrapperV2`` counts the weights of the layer inside as its
own too if that layer was built first, which depends on how the wrapper came about.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfedge.models.flavours import tfmot

_WRAPPER = "tensorflow_model_optimization.python.core.quantization.keras.quantize_wrapper"


def without_build_config(path: Path, folder: Path) -> Path:
    """Write a copy of a ``.keras`` file that leaves QuantizeLayers to be built by their call."""
    copy = folder / path.name
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                content = json.dumps(_unbuilt(json.loads(content))).encode()
            target.writestr(name, content)
    return copy


@contextlib.contextmanager
def wrappers_load_from_the_end() -> Iterator[None]:
    """Let quantize wrappers load the weights that are theirs alone: the last ones in the file.

    Those of the layer inside come first, and are stored with that layer as well.
    """
    tfmot()
    wrapper: Any = importlib.import_module(_WRAPPER).QuantizeWrapper
    wrapper.load_own_variables = _load_from_the_end
    try:
        yield
    finally:
        del wrapper.load_own_variables


def _load_from_the_end(layer: Any, store: Any) -> None:
    """Assign the stored values to a layer's own weights, the last to the last."""
    own = layer._trainable_weights + layer._non_trainable_weights
    values = [store[str(number)] for number in range(len(store.keys()))]
    for weight, value in zip(reversed(own), reversed(values), strict=False):
        weight.assign(value)


def _unbuilt(config: Any) -> Any:
    """Return a config in which no QuantizeLayer has a shape to build from."""
    if isinstance(config, dict):
        dropped = {"build_config"} if config.get("class_name") == "QuantizeLayer" else set()
        return {key: _unbuilt(value) for key, value in config.items() if key not in dropped}
    return [_unbuilt(value) for value in config] if isinstance(config, list) else config
