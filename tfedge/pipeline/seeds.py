"""Randomness by a seed, for a while: what callers draw afterwards is as it would have been."""

from __future__ import annotations

import contextlib
import importlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfedge.models.flavours import tf_keras


def seed_of_stage(seed: int, place: int) -> int:
    """Return the seed of a stage, which stages before or after it do not change.

    Example:
        >>> seed_of_stage(0, 1) == seed_of_stage(0, 1) != seed_of_stage(0, 2)
        True
    """
    return int(np.random.SeedSequence([seed, place]).generate_state(1)[0] >> 1)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, NumPy, TensorFlow and tf_keras inside; put them back afterwards.

    TensorFlow's own generator starts anew from the seed that it had, if it had one.

    Example:
        >>> with seeded(3):
        ...     first = random.random(), np.random.rand()
        >>> with seeded(3):
        ...     first == (random.random(), np.random.rand())
        True
    """
    import tensorflow as tf
    from tensorflow.python.eager import context

    before = random.getstate(), np.random.get_state(), context.global_seed()
    layers = _seeds_of_layers()
    seeds_of_layers = getattr(layers, "generator", None)
    tf_keras().utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        tf.random.set_seed(before[2])
        if seeds_of_layers is None:
            del layers.generator
        else:
            layers.generator = seeds_of_layers


def _seeds_of_layers() -> Any:
    """Return where tf_keras keeps the generator of the seeds of layers."""
    backend = importlib.import_module(f"{tf_keras().__name__}.src.backend")
    return backend._SEED_GENERATOR
