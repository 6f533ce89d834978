"""The networks and data of channels.py, and how they are handed to PyTorch."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from images import batches, load

import tfedge
from tfedge.models.edges import tensors_in
from tfedge.models.graph import read_graph

BATCH = 128
VALIDATION = 5_000
layers = tf_keras.layers


@dataclasses.dataclass(frozen=True)
class Network:
    """A trained network, its data, and how it is pruned and trained again.

    Args:
        name: What to call it.
        data: ``x``, ``y`` to train on; ``x_val``, ``y_val``, ``x_test``, ``y_test``.
        make: Returns the trained model, given the folder in which it may be kept.
        augment: Whether images are shifted and mirrored.
        epochs: Length of the training after pruning.
        left: What is left of the multiply-accumulates, at most.
        rate: Learning rate at the beginning of that training.
        multiple: What widths are multiples of where they are rounded.
    """

    name: str
    data: dict[str, np.ndarray]
    make: Callable[[Any, Path], Any]
    augment: bool
    epochs: int = 5
    left: float = 1 / 2.1
    rate: float = 1e-3
    multiple: int = 8

    def model(self, work: Path) -> Any:
        """Return the trained network, new from its file."""
        return self.make(self, work)

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Return some training samples for rankings and statistics."""
        return self.data["x"][:1024].astype("float32"), self.data["y"][:1024]


@dataclasses.dataclass(frozen=True)
class Named:
    """A network with something to be done to it.

    Args:
        network: The network and its data.
    """

    network: Network

    @property
    def name(self) -> str:
        """What it is called."""
        return self.network.name

    @property
    def data(self) -> dict[str, np.ndarray]:
        """Training, validation and test samples."""
        return self.network.data


def reader(folder: Path) -> Any:
    """Return the module that reads the data files."""
    spec = importlib.util.spec_from_file_location("benchmark_data", folder / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def split(train: tuple, test: tuple) -> dict[str, np.ndarray]:
    """Return the parts of a data set; the last training images are for validation."""
    (x, y), (x_test, y_test) = train, test
    y, y_test = y.astype(np.int64).ravel(), y_test.astype(np.int64).ravel()
    return {
        "x": x[:-VALIDATION],
        "y": y[:-VALIDATION],
        "x_val": x[-VALIDATION:],
        "y_val": y[-VALIDATION:],
        "x_test": x_test,
        "y_test": y_test,
    }


def cifar(folder: Path, work: Path) -> dict[str, np.ndarray]:
    """Return CIFAR-10; decoded once and kept."""
    path = work / "cifar.npz"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        np.savez(path, **split(*reader(folder).cifar10()))
    return load(path)


def fashion(folder: Path) -> dict[str, np.ndarray]:
    """Return Fashion-MNIST with an axis of channels."""
    found = split(*reader(folder).fashion_mnist())
    return {name: a[..., None] if name.startswith("x") else a for name, a in found.items()}


def trained(model: Any, network: Network, epochs: int, rate: float = 2e-3) -> Any:
    """Train from scratch: Adam, its rate falling on a cosine."""
    x = network.data["x"]
    steps = epochs * (len(x) // BATCH)
    falling = tf_keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(tf_keras.optimizers.Adam(falling), "sparse_categorical_crossentropy")
    data = stream(network, epochs, seed=99).prefetch(2)
    model.fit(data, steps_per_epoch=len(x) // BATCH, epochs=epochs, verbose=2)
    return model


def kept(
    name: str, build: Callable[[], Any], epochs: int, train: Callable = trained
) -> Callable[[Network, Path], Any]:
    """Return a maker that trains once and keeps the model."""

    def make(network: Network, work: Path) -> Any:
        path = work / f"{name}.h5"
        if not path.exists():
            tf_keras.utils.set_random_seed(99)
            model = train(build(), network, epochs)
            work.mkdir(parents=True, exist_ok=True)
            model.save(path)
        return tfedge.load(path)

    return make


def stream(network: Network, epochs: int, seed: int) -> tf.data.Dataset:
    """Return the training batches of some epochs."""
    x, y, augment = network.data["x"], network.data["y"], network.augment
    return dataset(
        network, lambda: batches(x, y, epochs=epochs, size=BATCH, seed=seed, augment=augment)
    )


def dataset(network: Network, read: Callable[[], Any]) -> tf.data.Dataset:
    """Return what a function yields, batches of a network's data, as a data set."""
    signature = (
        tf.TensorSpec((BATCH, *network.data["x"].shape[1:]), tf.float32),
        tf.TensorSpec((BATCH,), tf.int64),
    )
    return tf.data.Dataset.from_generator(read, output_signature=signature)


def _block(x: Any, filters: int, stride: int) -> Any:
    """A residual block of two convolutions."""
    y = layers.Conv2D(filters, 3, stride, padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    if stride > 1:
        x = layers.Conv2D(filters, 1, stride, padding="same")(x)
    return layers.ReLU()(layers.Add()([x, y]))


def residual(shape: tuple, widths: tuple, name: str) -> Any:
    """A residual network with one block per width."""
    inputs = layers.Input(shape)
    x = layers.Rescaling(1 / 255)(inputs) if shape[-1] == 1 else inputs
    x = layers.Conv2D(widths[0], 3, padding="same")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for place, width in enumerate(widths):
        x = _block(x, width, 1 if place == 0 else 2)
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name=name)


def separable(shape: tuple, widths: tuple, name: str) -> Any:
    """Depthwise and pointwise convolutions, as in MobileNetV1."""
    inputs = layers.Input(shape)
    x = layers.Conv2D(widths[0], 3, 2, padding="same")(layers.Rescaling(1 / 255)(inputs))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for place, width in enumerate(widths[1:]):
        x = layers.DepthwiseConv2D(3, 1 + place % 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(width, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name=name)


def resnet8(folder: Path, work: Path) -> Network:
    """MLPerf Tiny's ResNet8 on CIFAR-10, which has no channels to spare."""

    def make(network: Network, work: Path) -> Any:
        return tfedge.load(folder / "resnet8_cifar10_jpeg.h5")

    return Network("resnet8", cifar(folder, work), make, augment=True)


def wide_resnet8(folder: Path, work: Path) -> Network:
    """ResNet8 with twice the channels, grown out of the small one and trained on."""

    def build() -> Any:
        small = tfedge.load(folder / "resnet8_cifar10_jpeg.h5")
        return grown(small, residual((32, 32, 3), (32, 64, 128), "wide_resnet8"))

    make = kept("wide_resnet8", build, epochs=10)
    return Network("wide_resnet8", cifar(folder, work), make, augment=True, multiple=16)


def grown(small: Any, wide: Any, noise: float = 0.2) -> Any:
    """Give a network of twice the widths the function of a small one, but for some noise.

    Net2WiderNet (Chen et al., ICLR 2016, section 3.1): channels are there twice, and what reads
    them halves its weights. Noise, a part of each kernel's deviation, lets the copies drift apart.
    """
    rng = np.random.default_rng(0)
    weights = []
    for old, new in zip(small.get_weights(), wide.get_weights(), strict=True):
        times = np.array(new.shape) // np.array(old.shape)
        weight = np.tile(old, times)
        if old.ndim > 1:
            weight = weight / times[-2] + rng.normal(0, noise * old.std() / times[-2], new.shape)
        weights.append(weight)
    wide.set_weights(weights)
    return wide


def fashion_residual(folder: Path, work: Path) -> Network:
    """A small residual network with channels to spare."""
    build = lambda: residual((28, 28, 1), (16, 32, 64), "fashion_residual")  # noqa: E731
    make = kept("fashion_residual", build, epochs=8)
    return Network("fashion_residual", fashion(folder), make, augment=False)


def fashion_depthwise(folder: Path, work: Path) -> Network:
    """A small depthwise-separable network with channels to spare."""
    widths = (24, 48, 48, 96, 96)
    build = lambda: separable((28, 28, 1), widths, "fashion_depthwise")  # noqa: E731
    make = kept("fashion_depthwise", build, epochs=8)
    return Network("fashion_depthwise", fashion(folder), make, augment=False)


NETWORKS: dict[str, Callable[[Path, Path], Network]] = {
    made.__name__: made for made in (resnet8, fashion_residual, fashion_depthwise, wide_resnet8)
}


def write_for_torch(network: Network, work: Path) -> None:
    """Write data, calls and weights of a network for channels_torch.py."""
    path = work / f"{network.name}.json"
    if path.exists():
        return
    model = network.model(work)
    np.savez(work / f"{network.name}_data.npz", **network.data)
    graph = read_graph(model)
    calls = [_call(step) for step in graph.steps]
    weights = {
        f"{step.name}/{variable.name.split('/')[-1].split(':')[0]}": variable.numpy()
        for step in graph.steps
        for variable in step.layer.weights
    }
    weights = {key.replace("depthwise_kernel", "kernel"): w for key, w in weights.items()}
    np.savez(work / f"{network.name}_weights.npz", **weights)
    path.write_text(json.dumps({"calls": calls, "augment": network.augment}))


def _call(step: Any) -> dict[str, Any]:
    """Return one call of the graph as plain data."""
    layer, kind = step.layer, type(step.layer).__name__
    inputs = tensors_in((step.args, step.kwargs))
    found = {
        "name": step.name,
        "kind": "ReLU" if kind == "Activation" else kind,
        "inputs": [tensor.index for tensor in inputs],
        "output": step.outputs[0].index,
    }
    if kind in ("Conv2D", "DepthwiseConv2D"):
        found["stride"] = list(layer.strides)
        found["pad"] = _padding(inputs[0].shape, step.outputs[0].shape, layer)
    if kind == "BatchNormalization":
        found |= {"epsilon": layer.epsilon, "rate": 1 - layer.momentum}
    if kind == "AveragePooling2D":
        found["pool"] = list(layer.pool_size)
    if kind == "Rescaling":
        found["scale"] = layer.scale
    return found


def _padding(before: tuple, after: tuple, layer: Any) -> list[int]:
    """Return what TensorFlow's ``same`` adds left, right, above and below."""
    sides = []
    for axis in (2, 1):
        kernel, stride = layer.kernel_size[axis - 1], layer.strides[axis - 1]
        total = max(0, (after[axis] - 1) * stride + kernel - before[axis])
        sides += [total // 2, total - total // 2]
    return sides
