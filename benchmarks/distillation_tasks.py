"""The teachers, students and data of distillation.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from channel_networks import Named, Network, fashion_residual, kept, residual, resnet8, trained
from ptq_networks import BANDS, FRAMES, quick, spoken

import tfedge

FEW = 5_000


@dataclasses.dataclass(frozen=True)
class Task(Named):
    """A trained teacher, an untrained student, and their data.

    Args:
        network: The teacher and the data.
        build: Returns the student.
        epochs: How long the student is trained.
        rate: Learning rate at the beginning.
        work: Folder of what is kept.
    """

    build: Callable[[], Any]
    epochs: int
    rate: float
    work: Path

    @property
    def cache(self) -> Path:
        """Where what the teacher says is kept."""
        return self.work / f"{self.name}_said"

    def teacher(self) -> Any:
        """Return the trained teacher."""
        return self.network.model(self.work)

    def student(self) -> Any:
        """Return the student with weights by the seed that is set."""
        return self.build()


def student(name: str, **settings: Any) -> Callable[[], Any]:
    """Return what builds an architecture of the zoo with ten classes."""
    return lambda: tfedge.zoo.build(name, classes=10, **settings)


def fashion_mnist(folder: Path, work: Path) -> Task:
    """A residual network teaches a thinner one."""
    work = work.parent / "channels"
    network = dataclasses.replace(fashion_residual(folder, work), name="fashion_mnist")
    build = student("ResNet8", input_shape=(28, 28, 1), width=0.3, round_to=2)
    return Task(network, build, epochs=8, rate=1e-2, work=work)


def fashion_few(folder: Path, work: Path) -> Task:
    """The same, where the student has a few of the images that the teacher has seen."""
    whole = fashion_mnist(folder, work)
    chosen = np.random.default_rng(0).permutation(len(whole.data["x"]))[:FEW]
    data = whole.data | {part: whole.data[part][chosen] for part in ("x", "y")}
    make = lambda network, work: whole.network.model(work)  # noqa: E731
    network = dataclasses.replace(whole.network, name="fashion_few", data=data, make=make)
    return dataclasses.replace(whole, network=network, epochs=60)


def spoken_digits(folder: Path, work: Path) -> Task:
    """A separable network learns spoken digits, tested on a speaker whom neither ever heard."""
    small = student("DSCNN", input_shape=(FRAMES, BANDS, 1), width=0.25, dropout=0.0)
    return Task(spoken_network(folder), lambda: quick(small()), epochs=60, rate=1e-2, work=work)


def spoken_network(folder: Path) -> Network:
    """A residual network on spectrograms that were moved along time and frequency."""
    build = lambda: quick(residual((FRAMES, BANDS, 1), (12, 24, 48), "spoken_moved"))  # noqa: E731
    make = kept("spoken_moved", build, epochs=60, train=_moved)
    return Network("spoken_digits", spoken(folder), make, augment=False)


def _moved(model: Any, network: Network, epochs: int) -> Any:
    """Train a model on inputs that are shifted by up to a tenth of each axis."""
    shift = tf_keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")
    inputs = tf_keras.Input(model.input_shape[1:])
    trained(tf_keras.Sequential([inputs, shift, model]), network, epochs, rate=1e-2)
    return model


def cifar10(folder: Path, work: Path) -> Task:
    """MLPerf Tiny's ResNet8 teaches a thinner one; images are not changed."""
    work = work.parent / "channels"
    network = dataclasses.replace(resnet8(folder, work), name="cifar10", augment=False)
    build = student("ResNet8", input_shape=(32, 32, 3), width=0.25)
    return Task(network, build, epochs=8, rate=1e-2, work=work)


TASKS = {made.__name__: made for made in (fashion_mnist, fashion_few, spoken_digits, cifar10)}
