"""The proof of surgery: the same outputs as the model in which the channels count for nothing."""

from __future__ import annotations

import numpy as np

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.surgery import masked, remove

TOLERANCE = 1e-5


def randomize(model, seed=0):
    """Give every weight a random value; statistics and scales stay positive."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "float" not in str(weight.dtype):
            continue
        fan = int(np.prod(weight.shape[:-1])) or 1
        value = rng.normal(size=tuple(weight.shape)) / np.sqrt(fan if len(weight.shape) > 1 else 4)
        positive = any(word in str(weight.name) for word in ("variance", "gamma"))
        weight.assign((np.abs(value) + 0.5 if positive else value).astype("float32"))
    return model


def samples(model, count=3, seed=1):
    """Return random inputs in the model's own structure."""
    rng = np.random.default_rng(seed)

    def sample(tensor):
        shape = (count, *(8 if size is None else size for size in tensor.shape[1:]))
        if "int" in str(getattr(tensor.dtype, "name", tensor.dtype)):
            return rng.integers(1, 9, shape).astype("int32")
        return rng.normal(size=shape).astype("float32")

    inputs = model.inputs[0] if type(model).__name__ == "Sequential" else model.input
    if isinstance(inputs, dict):
        return {name: sample(tensor) for name, tensor in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return [sample(tensor) for tensor in inputs]
    return sample(inputs)


def outputs(model, x):
    """Return all outputs as one list of arrays."""
    made = model(x, training=False)
    made = list(made.values()) if isinstance(made, dict) else made
    return [np.asarray(one) for one in (made if isinstance(made, (list, tuple)) else [made])]


def difference(left, right):
    """Return the largest difference relative to the size of the values."""
    pairs = list(zip(left, right, strict=True))
    return max(float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in pairs)


def choose(groups, rng, ratio=0.4):
    """Return random units of groups: at least one, never all."""
    return {
        group.name: rng.choice(
            group.size, min(group.size - 1, max(1, int(ratio * group.size))), replace=False
        )
        for group in groups
    }


def prove(model, drop, x=None):
    """Assert that removing equals masking, and return the two models."""
    x = samples(model) if x is None else x
    small, zeros = remove(model, drop), masked(model, drop)
    worst = difference(outputs(small, x), outputs(zeros, x))
    assert worst <= TOLERANCE, f"{drop}: {worst}"
    assert small.count_params() < model.count_params()
    return small, zeros


def prove_together(model):
    """Prove all removable groups at once."""
    drop = choose(read_channels(model).removable, np.random.default_rng(2))
    return prove(model, drop)


def prove_each_alone(model):
    """Prove every removable group by itself."""
    graph, x, rng = read_channels(model), samples(model), np.random.default_rng(2)
    for group in graph.removable:
        prove(model, choose([group], rng), x)
