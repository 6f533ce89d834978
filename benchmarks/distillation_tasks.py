"""The teachers, students and data of distillation.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from channel_networks import Named, Network, fashion_residual, kept, residual, resnet8
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
    shape = (FRAMES, BANDS, 1)
    build = lambda: quick(residual(shape, (12, 24, 48), "spoken_teacher"))  # noqa: E731
    make = kept("spoken_teacher", build, epochs=30)
    network = Network("spoken_digits", spoken(folder), make, augment=False)
    small = student("DSCNN", input_shape=shape, width=0.25, dropout=0.0)
    return Task(network, lambda: quick(small()), epochs=30, rate=1e-2, work=work)


def cifar10(folder: Path, work: Path) -> Task:
    """MLPerf Tiny's ResNet8 teaches a thinner one; images are not changed."""
    work = work.parent / "channels"
    network = dataclasses.replace(resnet8(folder, work), name="cifar10", augment=False)
    build = student("ResNet8", input_shape=(32, 32, 3), width=0.25)
    return Task(network, build, epochs=8, rate=1e-2, work=work)


TASKS = {made.__name__: made for made in (fashion_mnist, fashion_few, spoken_digits, cifar10)}
