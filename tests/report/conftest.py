"""Reports that several tests look at, each made once."""

import keras
import numpy as np
import pytest

import tfedge
from tfedge.report import model_report

QUICK = {"runs": 30, "verbose": 0}
TRIALS = [
    {"trial": 0, "gzip_bytes": 9000, "latency_ms": 0.5, "metrics": {"accuracy": 0.97}},
    {"trial": 1, "gzip_bytes": 5000, "latency_ms": 0.3, "metrics": {"accuracy": 0.95}},
    {"trial": 2, "gzip_bytes": 6000, "latency_ms": 0.4, "metrics": {"accuracy": 0.90}},
    {"trial": 3, "gzip_bytes": 5000, "latency_ms": 0.2, "accuracy": 0.96, "chosen": True},
    {"trial": 4, "state": "failed"},
]


@pytest.fixture(scope="session")
def of_files(load, digits):
    """Report of an int8 file against a float file, with everything that can be given."""
    return model_report(
        load("cnn_int8"),
        load("cnn_float"),
        digits["x"],
        digits["y"],
        budget=[
            {"name": "size_bytes", "limit": 50_000, "value": 20_000, "met": True, "how": "bytes"},
            {"name": "latency_ms", "limit": 0.001, "value": 0.02, "met": False},
        ],
        recipe={"name": "balanced", "steps": [{"kind": "prune"}, {"kind": "convert"}]},
        stages=[{"kind": "prune", "seconds": 2.5, "metrics": {"accuracy": 0.9}}],
        trials=TRIALS,
        **QUICK,
    )


@pytest.fixture(scope="session")
def vectors():
    """Inputs of six values and their largest of the first three as class."""
    x = np.random.default_rng(0).random((120, 6), "float32")
    return x, x[:, :3].argmax(1)


@pytest.fixture(scope="session")
def of_keras(vectors):
    """Report of a file whose Keras model lost channels, and the three of them."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,), name="features")
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")(inputs)
    outputs = keras.layers.Dense(3, activation="softmax", name="head")(hidden)
    model = keras.Model(inputs, outputs, name="tiny")
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(*vectors, batch_size=16, epochs=12, verbose=0)
    slim = tfedge.prune_channels(model, ratio=0.5)
    lite = tfedge.convert(slim, "int8", vectors[0])
    names = ["first", "second", "third"]
    report = model_report(lite, model, *vectors, shipped=slim, class_names=names, **QUICK)
    return report, model, slim, lite
