"""The peer of channels.py: Torch-Pruning on the same network, weights, batches and epochs.

Runs in an environment of its own (``pip install torch torch-pruning numpy``), called by
channels.py. The network comes as a list of calls with weights, written from the Keras graph.

    python benchmarks/channels_torch.py WORK NETWORK METHOD SEED EPOCHS MACS RATE
"""

from __future__ import annotations

import copy
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch_pruning as tp
from images import batches, load
from torch.nn import functional

BATCH = 128
METHODS = {
    "l2, global": (tp.importance.GroupMagnitudeImportance, {"p": 2}, True),
    "l2, local": (tp.importance.GroupMagnitudeImportance, {"p": 2}, False),
    "taylor, global": (tp.importance.GroupTaylorImportance, {}, True),
    "bn_scale, local": (tp.importance.BNScaleImportance, {}, False),
}


class Network(torch.nn.Module):
    """A Keras graph, call by call.

    Args:
        calls: One dict per call: ``name``, ``kind``, ``inputs``, ``output`` and settings.
        weights: Arrays by ``"name/weight"``, as Keras holds them.
    """

    def __init__(self, calls: list[dict], weights: dict[str, np.ndarray]):
        super().__init__()
        self.calls = calls
        parts = {call["name"]: _part(call, weights) for call in calls}
        self.parts = torch.nn.ModuleDict({k: v for k, v in parts.items() if v is not None})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        values = {self.calls[0]["inputs"][0]: x}
        for call in self.calls:
            given = [values[index] for index in call["inputs"]]
            values[call["output"]] = self._called(call, given)
        return values[self.calls[-1]["output"]]

    def _called(self, call: dict, given: list[torch.Tensor]) -> torch.Tensor:
        """Return the output of one call."""
        kind, x = call["kind"], given[0]
        if kind == "Add":
            return given[0] + given[1]
        if kind == "Rescaling":
            return x * call["scale"]
        if kind == "ReLU":
            return torch.relu(x)
        if kind == "GlobalAveragePooling2D":
            return x.mean((2, 3))
        if kind == "AveragePooling2D":
            return functional.avg_pool2d(x, call["pool"])
        if kind == "Flatten":
            return x.flatten(1)
        if "pad" in call:
            x = functional.pad(x, call["pad"])
        return self.parts[call["name"]](x)


def _part(call: dict, weights: dict[str, np.ndarray]) -> torch.nn.Module | None:
    """Return the module of a call that has weights."""
    own = {key.split("/")[1]: torch.tensor(v) for key, v in weights.items()
           if key.split("/")[0] == call["name"]}  # fmt: skip
    if call["kind"] == "BatchNormalization":
        part = torch.nn.BatchNorm2d(len(own["gamma"]), eps=call["epsilon"], momentum=call["rate"])
        names = {"weight": "gamma", "bias": "beta"}
        part.running_mean, part.running_var = own["moving_mean"], own["moving_variance"]
    elif call["kind"] in ("Conv2D", "DepthwiseConv2D"):
        kernel = own["kernel"].permute(3, 2, 0, 1) if call["kind"] == "Conv2D" else (
            own["kernel"].permute(2, 3, 0, 1)
        )  # fmt: skip
        groups = 1 if call["kind"] == "Conv2D" else len(kernel)
        part = torch.nn.Conv2d(
            kernel.shape[1] * groups, len(kernel), kernel.shape[2:], call["stride"],
            groups=groups, bias="bias" in own,
        )  # fmt: skip
        own["kernel"], names = kernel.contiguous(), {"weight": "kernel", "bias": "bias"}
    elif call["kind"] == "Dense":
        part = torch.nn.Linear(*own["kernel"].shape)
        own["kernel"], names = own["kernel"].T.contiguous(), {"weight": "kernel", "bias": "bias"}
    else:
        return None
    for name, source in names.items():
        if source in own:
            setattr(part, name, torch.nn.Parameter(own[source]))
    return part


def accuracy(network: Network, x: np.ndarray, y: np.ndarray) -> float:
    """Return the fraction of right answers."""
    network.eval()
    with torch.no_grad():
        parts = [network(_images(x[i : i + 500])).argmax(1) for i in range(0, len(x), 500)]
    return float((torch.cat(parts).numpy() == y).mean())


def _images(x: np.ndarray) -> torch.Tensor:
    """Return images with the channels in front."""
    return torch.tensor(x.astype(np.float32)).permute(0, 3, 1, 2).contiguous()


def macs(network: Network, example: torch.Tensor) -> float:
    """Return the multiply-accumulates for one sample."""
    return tp.utils.count_ops_and_params(network, example)[0]


def pruned(network: Network, method: str, left: float, data: dict, augment: bool, seed: int):
    """Return the network with at most ``left`` of its MACs: the smallest ratio that does it."""
    kind, settings, everywhere = METHODS[method]
    example = _images(data["x"][:1])
    whole = macs(network, example)
    for ratio in np.arange(0.02, 0.9, 0.01):
        slim = copy.deepcopy(network)
        if "taylor" in method:
            _accumulate_gradients(slim, data, augment, seed)
        head = list(slim.parts.values())[-1]
        pruner = tp.pruner.BasePruner(
            slim, example, kind(**settings), global_pruning=everywhere,
            pruning_ratio=float(ratio), ignored_layers=[head],
        )  # fmt: skip
        pruner.step()
        if macs(slim, example) <= left * whole:
            return slim, whole / macs(slim, example)
    raise SystemExit(f"{method} cannot reach {left}")


def _accumulate_gradients(network: Network, data: dict, augment: bool, seed: int) -> None:
    """Add up the gradients of some batches, which Taylor importance reads."""
    network.eval()
    stream = batches(data["x"], data["y"], epochs=1, size=BATCH, seed=seed, augment=augment)
    for _, (x, y) in zip(range(10), stream):  # noqa: B905
        functional.cross_entropy(network(_images(x)), torch.tensor(y)).backward()


def train(
    network: Network, data: dict, *, epochs: int, rate: float, seed: int, augment: bool
) -> None:
    """Train with Adam, its rate falling on a cosine."""
    torch.manual_seed(seed)
    steps = epochs * (len(data["x"]) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), rate, eps=1e-7)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    stream = batches(data["x"], data["y"], epochs=epochs, size=BATCH, seed=seed, augment=augment)
    for x, y in stream:
        optimizer.zero_grad()
        functional.cross_entropy(network(_images(x)), torch.tensor(y)).backward()
        optimizer.step()
        schedule.step()


def main() -> None:
    """Prune, train, and print one line of JSON."""
    work, name, method, seed, epochs, left, rate = sys.argv[1:]
    data = load(Path(work) / f"{name}_data.npz")
    spec = json.loads((Path(work) / f"{name}.json").read_text())
    network = Network(spec["calls"], load(Path(work) / f"{name}_weights.npz"))
    before = accuracy(network, data["x_test"], data["y_test"])
    settings = {"augment": spec["augment"], "seed": int(seed)}
    slim, factor = pruned(network, method, float(left), data, **settings)
    train(slim, data, epochs=int(epochs), rate=float(rate), **settings)
    found = {
        "float accuracy": before,
        "accuracy": accuracy(slim, data["x_test"], data["y_test"]),
        "fewer MACs": factor,
        "versions": {k: importlib.metadata.version(k) for k in ("torch", "torch-pruning")},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
