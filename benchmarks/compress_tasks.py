"""The trained networks and data of compress.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from channel_networks import (
    BATCH,
    Named,
    Network,
    fashion_residual,
    kept,
    resnet8,
)
from distillation_tasks import spoken_network
from images import batches
from ptq_networks import quick

LENGTH, HOP = 128, 16
"""Samples of a window of a recording at 50 Hz, and from one window to the next."""
layers = tf_keras.layers


@dataclasses.dataclass(frozen=True)
class Task(Named):
    """A trained network with its data, and how long everybody may train.

    Args:
        network: The network and its data.
        pruning: Epochs that tfmot's tutorial path has for zeros.
        rounding: Epochs that it has for integers.
    """

    pruning: int
    rounding: int

    @property
    def epochs(self) -> int:
        """Epochs that everybody has."""
        return self.pruning + self.rounding

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return samples, float32, and labels of a part: ``""``, ``"_val"`` or ``"_test"``."""
        return self.data[f"x{name}"].astype("float32"), self.data[f"y{name}"]

    def reader(self, seed: int) -> Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]:
        """Return what yields an epoch of batches, in a new order each time."""
        seeds = iter(np.random.SeedSequence(seed).generate_state(10_000).tolist())
        x, y, augment = self.data["x"], self.data["y"], self.network.augment
        return lambda: batches(x, y, epochs=1, size=BATCH, seed=next(seeds), augment=augment)


def cifar10(folder: Path, work: Path) -> Task:
    """MLPerf Tiny's ResNet8; images are shifted and mirrored."""
    network = resnet8(folder, work.parent / "channels")
    return Task(dataclasses.replace(network, name="cifar10"), pruning=3, rounding=2)


def fashion_mnist(folder: Path, work: Path) -> Task:
    """A small residual network."""
    network = fashion_residual(folder, work.parent / "channels")
    return Task(_in(network, "fashion_mnist", work.parent / "channels"), pruning=3, rounding=2)


def spoken_digits(folder: Path, work: Path) -> Task:
    """A residual network on spectrograms, tested on a speaker whom it never heard."""
    network = _in(spoken_network(folder), "spoken_digits", work.parent / "distillation")
    return Task(network, pruning=18, rounding=12)


def exercises(folder: Path, work: Path) -> Task:
    """A convolutional network on a smartwatch's sensors, tested on subjects whom it never saw.

    Convolutions along time are two-dimensional, 9 x 1: tfmot trains no other ones in integers.
    """
    network = Network("", _watched(), kept("exercises", _along_time, epochs=30), augment=False)
    return Task(_in(network, "exercises", work), pruning=18, rounding=12)


TASKS: dict[str, Callable[[Path, Path], Task]] = {
    made.__name__: made for made in (cifar10, fashion_mnist, spoken_digits, exercises)
}


def _in(network: Network, name: str, work: Path) -> Network:
    """Return a network by another name, whose model is kept in a folder."""
    make = lambda _, __: network.make(network, work)  # noqa: E731
    return dataclasses.replace(network, name=name, make=make)


def _watched() -> dict[str, np.ndarray]:
    """Return windows of seglearn's recordings: six axes, three subjects for the test.

    Units are as they come, over the deviation of each axis in training.
    """
    from seglearn.datasets import load_watch

    watch = load_watch()
    found: dict[str, list] = {name: [] for name in ("x", "y", "subject")}
    for recording, label, subject in zip(watch["X"], watch["y"], watch["subject"], strict=True):
        for start in range(0, len(recording) - LENGTH + 1, HOP):
            found["x"].append(recording[start : start + LENGTH])
            found["y"].append(label)
            found["subject"].append(subject)
    x, y, subject = (np.array(found[name]) for name in ("x", "y", "subject"))
    people = np.unique(subject)
    held = {"_test": people[-3:], "_val": people[-4:-3], "": people[:-4]}
    masks = {part: np.isin(subject, who) for part, who in held.items()}
    x = (x / x[masks[""]].std(axis=(0, 1)))[:, :, None, :].astype("float32")
    data = {f"x{part}": x[mask] for part, mask in masks.items()}
    return data | {f"y{part}": y[mask].astype(np.int64) for part, mask in masks.items()}


def _along_time() -> Any:
    """Return convolutions along time with normalizations that follow quickly."""
    inputs = x = layers.Input((LENGTH, 1, 6), name="sensors")
    for width, stride in ((32, 1), (48, 2), (64, 2)):
        x = layers.Conv2D(width, (9, 1), (stride, 1), padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return quick(tf_keras.Model(inputs, layers.Dense(7, activation="softmax")(x), name="exercises"))
