"""A small Keras model in a file, data of every kind, and the command line in this process."""

import json
from typing import NamedTuple

import keras
import numpy as np
import pytest

from tfedge.cli import main


class Ran(NamedTuple):
    """What one command did."""

    status: int
    out: str
    err: str

    @property
    def result(self):
        """The result in the JSON that it printed."""
        return json.loads(self.out)["result"]


@pytest.fixture
def tfedge(capsysbinary, tmp_path, monkeypatch):
    """A function that runs one command in an empty folder, and tells what it did."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsysbinary.readouterr()
        status = main([str(word) for word in words])
        out, err = capsysbinary.readouterr()
        return Ran(status, out.decode("utf-8", "surrogateescape"), err.decode())

    return run


@pytest.fixture
def stdin(monkeypatch):
    """A function that puts bytes on stdin."""
    import io
    import sys

    def put(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.fixture(scope="session")
def cli_files(tmp_path_factory, tflite_files):
    """Folder with ``model.keras`` and its data, and the files of the small classifier."""
    folder = tmp_path_factory.mktemp("cli")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    hidden = layers.Conv2D(8, 3, activation="relu", name="first")(image)
    hidden = layers.Flatten(name="flat")(
        layers.Conv2D(8, 3, activation="relu", name="second")(hidden)
    )
    digit = layers.Dense(10, activation="softmax", name="digit")(hidden)
    keras.Model(image, digit, name="digits").save(folder / "model.keras")
    with np.load(tflite_files / "cnn.npz") as file:
        x, y = file["x"][:200], file["y"][:200]
    np.savez(folder / "digits.npz", x=x, y=y)
    np.savez(folder / "parts.npz", x_train=x[:150, ..., 0], y_train=y[:150], x_test=x, y_test=y)
    for name in ("cnn_float", "cnn_int8", "two_by_two"):
        (folder / f"{name}.tflite").write_bytes((tflite_files / f"{name}.tflite").read_bytes())
    return folder
