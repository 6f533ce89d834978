"""tf.keras.applications lose 30 % of every group: a few always, all of them in the slow sweep."""

import inspect
import subprocess
import sys
import time

import keras as keras3
import numpy as np
import pytest
import tf_keras
from channel_proof import choose, difference, outputs, randomize

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.surgery import masked, remove

KERASES = {"keras3": keras3, "tf_keras": tf_keras}
SIDE = 96


def constructors():
    """Return (name, Keras) of every application."""
    for flavour, keras in KERASES.items():
        for name, value in vars(keras.applications).items():
            if inspect.isfunction(value) and "weights" in inspect.signature(value).parameters:
                yield name, flavour


def build(name, flavour, side=SIDE):
    """Return an application with random weights through which a signal finds its way."""
    keras = KERASES[flavour]
    settings = {"weights": None, "input_shape": (side, side, 3), "classes": 10}
    model = getattr(keras.applications, name)(**settings, classifier_activation=None)
    x = np.random.default_rng(1).uniform(0, 255, (2, side, side, 3)).astype("float32")
    randomize(model)
    norms = [one for one in model.layers if type(one).__name__ == "BatchNormalization"]
    for layer in norms:
        layer.momentum = 0.0
    model(x, training=True)
    for layer in model.layers:
        if type(layer).__name__ == "Normalization":
            layer.finalize_state()
    return model, x


def prune(model, x):
    """Remove 30 % of every removable group and compare with the mask; return the groups."""
    graph = read_channels(model)
    drop = choose(graph.removable, np.random.default_rng(0), 0.3)
    small, zeros = outputs(remove(model, drop), x), outputs(masked(model, drop), x)
    assert difference(small, zeros) <= 1e-5
    assert difference(zeros, outputs(model, x)) > 1e-4
    return graph


@pytest.mark.parametrize("flavour", KERASES)
def test_mobilenet_is_quick(flavour):
    model, _ = build("MobileNetV2", flavour, 32)
    start = time.perf_counter()
    drop = choose(read_channels(model).removable, np.random.default_rng(0), 0.3)
    small = remove(model, drop)
    assert time.perf_counter() - start < 15, "it takes 1.3 s on a quiet machine"
    assert small.count_params() < 0.6 * model.count_params()


@pytest.mark.parametrize(("name", "groups"), [("MobileNetV3Small", 27), ("DenseNet121", 120)])
def test_small_applications(name, groups):
    graph = prune(*build(name, "keras3"))
    assert len(graph.removable) == groups
    assert [group.fixed for group in graph.fixed] == ["it is an output of the model"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "flavour"), list(constructors()))
def test_every_application(name, flavour):
    command = [sys.executable, __file__, name, flavour]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


if __name__ == "__main__":
    groups = prune(*build(*sys.argv[1:3]))
    print(*sys.argv[1:3], len(groups.removable), {group.fixed for group in groups.fixed})
