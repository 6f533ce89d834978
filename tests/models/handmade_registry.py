"""Where the handmade models are kept, and the weights and inputs they are tested with."""

from __future__ import annotations

import numpy as np

MODELS = {}
ONLY_KERAS3 = {}


def model(function):
    """Register a builder ``(keras) -> model`` for both Kerases."""
    MODELS[function.__name__] = function
    return function


def keras3_model(function):
    """Register a builder ``(keras) -> model`` for what only Keras 3 can express."""
    ONLY_KERAS3[function.__name__] = function
    return function


def randomize(model, seed=0):
    """Give every weight a random value: a wrong order or a forgotten one then shows."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        dtype = np.dtype(
            str(getattr(weight.dtype, "name", weight.dtype)).replace("bfloat16", "float32")
        )
        if dtype.kind != "f":
            continue
        positive = "variance" in weight.name or "gamma" in weight.name
        value = (
            rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(0, 0.4, weight.shape)
        )
        weight.assign(value.astype(dtype))
    for layer in model.layers:
        if type(layer).__name__ == "Normalization" and layer.weights:
            layer.finalize_state()
    return model


def inputs_for(model, batch=3, seed=1):
    """Return random arrays for a model's inputs in its structure: list, dict or one array."""
    rng = np.random.default_rng(seed)
    arrays = []
    for tensor in model.inputs:
        dtype = str(getattr(tensor.dtype, "name", tensor.dtype))
        shape = (batch, *(7 if dim is None else dim for dim in tensor.shape[1:]))
        if tensor.shape[0]:
            shape = (tensor.shape[0], *shape[1:])
        real = "float" in dtype
        arrays.append((rng.normal(size=shape) if real else rng.integers(0, 6, shape)).astype(dtype))
    struct = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))
    if isinstance(struct, dict):
        return dict(zip(sorted(struct), arrays, strict=True))
    return arrays if len(arrays) > 1 else arrays[0]
