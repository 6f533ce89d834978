"""The models of the coverage benchmark: one per row, with random weights that show faults."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import time
from typing import Any

import numpy as np

import tfedge
from tfedge.models import adopt
from tfedge.models.flavours import keras3, tf_keras

ZOO = "tfedge.zoo"
FLAVOURS = {"keras3": keras3, "tf_keras": tf_keras, ZOO: tf_keras}
SIDE = 96
SPARSITY, CHANNELS, CLUSTERS = 0.5, 0.3, 16


@dataclasses.dataclass
class Case:
    """One model under test; what several columns need is computed once."""

    name: str
    flavour: str
    precision: str = "float32"

    @functools.cached_property
    def model(self) -> Any:
        """The user's model, logits out, with random weights."""
        keras = FLAVOURS[self.flavour]()
        keras.mixed_precision.set_global_policy(self.precision)
        model = built(self.name) if self.flavour == ZOO else application(keras, self.name)
        keras.mixed_precision.set_global_policy("float32")
        randomize(model, self.images)
        return model

    @functools.cached_property
    def images(self) -> np.ndarray:
        """Two random images, or other inputs."""
        return self.random(2, seed=1).astype(self.precision)

    def random(self, samples: int, seed: int) -> np.ndarray:
        """Return random inputs: pixels in [0, 255], or normal values for the zoo."""
        rng = np.random.default_rng(seed)
        if self.flavour != ZOO:
            return rng.uniform(0, 255, (samples, SIDE, SIDE, 3))
        [row] = [row for row in tfedge.zoo.list().rows if row.name == self.name]
        return rng.normal(size=(samples, *row.input_shape))

    @functools.cached_property
    def expected(self) -> np.ndarray:
        """What the user's model answers."""
        return np.asarray(self.model(self.images, training=False))

    @functools.cached_property
    def adopted_in(self) -> tuple[Any, float]:
        """The adopted model and the seconds that took."""
        model = self.model
        start = time.perf_counter()
        adopted = adopt(model)
        return adopted, time.perf_counter() - start

    @functools.cached_property
    def pruned(self) -> Any:
        """The model with pruning wrappers, after a training step."""
        return stepped(tfedge.prune(self.model, tfedge.ConstantSparsity(SPARSITY, 0)), self.images)

    @functools.cached_property
    def slim(self) -> Any:
        """The model with fewer channels."""
        return tfedge.prune_channels(self.model, CHANNELS)

    @functools.cached_property
    def clustered(self) -> Any:
        """The model with clustering wrappers, after a training step."""
        return stepped(tfedge.cluster(self.model, CLUSTERS), self.images)


def names(flavour: str) -> list[str]:
    """Return the names of all constructors."""
    if flavour == ZOO:
        return [row.name for row in tfedge.zoo.list().rows]
    members = vars(FLAVOURS[flavour]().applications).items()
    return [name for name, member in members if callable(member) and name[0].isupper()]


def application(keras: Any, name: str) -> Any:
    """Return a model of ``keras.applications``, logits out."""
    return getattr(keras.applications, name)(
        weights=None, input_shape=(SIDE, SIDE, 3), classes=10, classifier_activation=None
    )


def built(name: str) -> Any:
    """Return a model of the zoo, logits out where it classifies."""
    classifies = "classifier_activation" in inspect.signature(getattr(tfedge.zoo, name)).parameters
    return tfedge.zoo.build(name, **({"classifier_activation": None} if classifies else {}))


def stepped(model: Any, images: np.ndarray) -> Any:
    """Train a model for one step; gradients are clipped, as random networks can explode."""
    optimizer = tf_keras().optimizers.SGD(1e-3, clipnorm=1.0)
    model.compile(optimizer, "mse", run_eagerly=True)
    model.fit(images, np.zeros((len(images), *model.output_shape[1:])), verbose=0)
    return model


def randomize(model: Any, images: np.ndarray, seed: int = 0) -> None:
    """Give every weight a random value, so that no two could be swapped unseen.

    Batch normalization statistics are first taken from the images: with arbitrary ones the
    signal dies on its way through a deep network, and equal outputs would prove nothing.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "count" not in weight.name:
            weight.assign(_random(weight.name, tuple(weight.shape), rng))
    norms = [one for one in model.layers if type(one).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        deviation = np.sqrt(np.asarray(layer.moving_variance)) + 1e-3
        shift = rng.normal(0, 0.3, deviation.shape) * deviation
        layer.moving_mean.assign(np.asarray(layer.moving_mean) + shift)
        layer.moving_variance.assign((deviation * rng.uniform(0.8, 1.5, deviation.shape)) ** 2)
    for layer in model.layers:
        if type(layer).__name__ == "Normalization":
            layer.finalize_state()


def _random(name: str, shape: tuple, rng: np.random.Generator) -> np.ndarray:
    """Return random values that keep the size of a signal."""
    if len(shape) >= 2:
        fan_in = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
        return rng.normal(0, np.sqrt(2 / fan_in), shape).astype("float32")
    if "variance" in name or "gamma" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return rng.normal(0, 0.1, shape).astype("float32")
