"""The trained networks of qat.py, and their pruned and clustered forms, from which all start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from channel_networks import BATCH, Network, cifar, fashion, kept

import tfedge

IMAGES = 10_000
SPARSITY, PRUNING_STEPS = 0.6, 300
CLUSTERS = 16
LOSS = "sparse_categorical_crossentropy"
layers = tf_keras.layers


def resnet8(folder: Path, work: Path) -> Network:
    """MLPerf Tiny's ResNet8 on CIFAR-10; integer training sees 10,000 images."""

    def make(network: Network, work: Path) -> Any:
        return tfedge.load(folder / "resnet8_cifar10_jpeg.h5")

    data = cifar(folder, work)
    short = {**data, "x": data["x"][:IMAGES], "y": data["y"][:IMAGES]}
    return Network("resnet8", short, make, augment=True, epochs=2, rate=3e-4)


def depthwise(folder: Path, work: Path) -> Network:
    """A small MobileNet on Fashion-MNIST; integer training sees 10,000 images."""
    data = fashion(folder)
    for name in ("x", "x_val", "x_test"):
        data[name] = (data[name] / 255).astype("float32")
    build = kept("depthwise", _mobile, epochs=4)
    build(Network("depthwise", data, build, augment=False), work)
    short = {**data, "x": data["x"][:IMAGES], "y": data["y"][:IMAGES]}
    return Network("depthwise", short, build, augment=False, epochs=2, rate=3e-4)


def digits(folder: Path, work: Path) -> Network:
    """A small network of plain convolutions on 8×8 digits."""
    return _on_digits("digits", _plain, work)


def digits_swish(folder: Path, work: Path) -> Network:
    """The same with what tfmot has no rules for: separable convolutions, swish, scalings."""
    return _on_digits("digits_swish", _unusual, work)


NETWORKS: dict[str, Callable[[Path, Path], Network]] = {
    made.__name__: made for made in (resnet8, depthwise, digits, digits_swish)
}


def _on_digits(name: str, build: Callable[[], Any], work: Path) -> Network:
    """Return a network on scikit-learn's digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32").reshape(-1, 8, 8, 1), y[order].astype("int64")
    cuts = {"": slice(0, 1200), "_val": slice(1200, 1400), "_test": slice(1400, None)}
    data = {f"x{part}": x[cut] for part, cut in cuts.items()}
    data |= {f"y{part}": y[cut] for part, cut in cuts.items()}
    return Network(name, data, kept(name, build, epochs=40), augment=False, epochs=2, rate=3e-4)


def _mobile() -> Any:
    """Depthwise and pointwise convolutions with ReLU6."""
    x = inputs = layers.Input((28, 28, 1), name="image")
    for place, width in enumerate((16, 32, 32, 64)):
        kinds = [layers.Conv2D(width, 3 if place == 0 else 1, 2 if place == 0 else 1, "same")]
        if place:
            kinds.insert(0, layers.DepthwiseConv2D(3, 1 + place % 2, padding="same"))
        for convolution in kinds:
            x = layers.ReLU(6.0)(layers.BatchNormalization()(convolution(x)))
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="depthwise")


def _plain() -> Any:
    """Two normalized convolutions and two Dense layers."""
    x = inputs = layers.Input((8, 8, 1), name="image")
    for width, stride in ((16, 1), (32, 2)):
        x = layers.Conv2D(width, 3, stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(32, activation="relu")(layers.Flatten()(x))
    return tf_keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="digits")


def _unusual() -> Any:
    """Scaled inputs, separable convolutions with swish, a gate."""
    inputs = layers.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, activation="relu")(layers.Rescaling(2.0, -1.0)(inputs))
    x = layers.SeparableConv2D(32, 3, activation="swish")(layers.BatchNormalization()(x))
    x = layers.Multiply()([x, layers.Conv2D(32, 1, activation="sigmoid")(x)])
    x = layers.Dense(10, activation="softmax")(layers.Flatten()(x))
    return tf_keras.Model(inputs, x, name="digits_swish")


def start(network: Network, sparse: bool, clustered: bool, work: Path) -> Any:
    """Return the model from which every tool starts, made once.

    Args:
        network: The network.
        sparse: Whether 60 % of each kernel are zeros, trained for 300 steps.
        clustered: Whether the weights of a kernel share 16 values.
        work: Folder in which it is kept.
    """
    path = work / f"{network.name}{'_sparse' * sparse}{'_clustered' * clustered}_start.h5"
    if not path.exists():
        model = start(network, True, False, work) if sparse and clustered else network.model(work)
        if clustered:
            model = tfedge.strip(tfedge.cluster(model, CLUSTERS))
        elif sparse:
            model = tfedge.strip(_pruned(model, network))
        model.save(path)
    return tfedge.load(path)


def _pruned(model: Any, network: Network) -> Any:
    """Return a model with zeros but in depthwise kernels, as tfmot prunes, trained with them."""
    schedule = tfedge.ConstantSparsity(SPARSITY, 0)
    free = [one.name for one in model.layers if isinstance(one, layers.DepthwiseConv2D)]
    wrapped = tfedge.prune(model, schedule, layers=".*", exclude=free)
    wrapped.compile(tf_keras.optimizers.Adam(1e-3), LOSS)
    x, y = network.data["x"].astype("float32"), network.data["y"]
    wrapped.fit(x, y, batch_size=BATCH, epochs=-(-PRUNING_STEPS // (len(x) // BATCH)), verbose=0)
    return wrapped
