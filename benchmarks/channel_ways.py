"""The ways of making a network smaller that channels.py compares, each with its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tf_keras
from channel_networks import BATCH, Network, stream

import tfedge
from tfedge.models.flavours import tfmot

ONE_SHOT = ("l1", "l2", "bn_scale", "fpgm", "lamp", "taylor", "fisher", "activation", "random")
ALPHA = 0.3
HINT = 10.0
SOFT = tfedge.distill.SoftTarget(temperature=4)
STEPS = ((0, 0.1), (0.1, 0.2), (0.2, 1))


def int8(model: Any, network: Network) -> tfedge.TFLiteModel:
    """Return the INT8 file of a model."""
    return tfedge.convert(model, "int8", network.sample()[0][:200], parity=False)


class Cosine(tf_keras.optimizers.schedules.CosineDecay):
    """The learning rate of all tools, for a part of the training that begins later."""

    def __init__(self, rate: float, steps: int, begin: int) -> None:
        super().__init__(rate, steps)
        self.begin = begin

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step of this part."""
        return super().__call__(step + self.begin)


def train(
    model: Any, network: Network, seed: int, callbacks: Sequence = (), part: tuple = (0, 1)
) -> None:
    """Train on the batches that every tool sees, or on a part of them."""
    steps = network.epochs * (len(network.data["x"]) // BATCH)
    begin, end = (round(place * steps) for place in part)
    rate = Cosine(network.rate, steps, begin)
    model.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    data = stream(network, network.epochs, seed).skip(begin).take(end - begin).prefetch(2)
    model.fit(data, callbacks=list(callbacks), verbose=0)


def removed(model: Any, network: Network, **settings: Any) -> Any:
    """Return the model with fewer channels, not trained yet."""
    return tfedge.prune_channels(model, **request(network, **settings))


def request(network: Network, **settings: Any) -> dict[str, Any]:
    """Return what channels are to be removed."""
    return {
        "macs": network.left,
        "scope": "global",
        "data": network.sample(),
        "loss": "sparse_categorical_crossentropy",
        **settings,
    }


def one_shot(importance: str, **settings: Any) -> Callable:
    """Return the plain way: remove at once, then train on labels."""

    def run(model: Any, network: Network, seed: int) -> Any:
        slim = removed(model, network, importance=importance, **settings)
        train(slim, network, seed)
        return slim

    return run


def taught(parts: Sequence[tuple] = ((0, 1),), *, rounded: bool = False) -> Callable:
    """Return our way: remove in one or several steps, with the unpruned model as a teacher."""

    def run(model: Any, network: Network, seed: int) -> Any:
        multiple = network.multiple if rounded else 1
        settings = request(network, importance="fisher", round_to=multiple)
        for slim, part in zip(
            tfedge.channel_steps(model, steps=len(parts), **settings), parts, strict=True
        ):
            learn(slim, model, network, seed, [SOFT], part)
        return slim

    return run


def hinted(model: Any, network: Network, seed: int) -> Any:
    """Return our best way: remove at once; features teach in the first half, outputs throughout.

    So the order of FitNets (Romero et al., ICLR 2015): hints first.
    """
    slim = removed(model, network, importance="fisher")
    learn(slim, model, network, seed, [SOFT, tfedge.distill.FeatureHint(weight=HINT)], (0, 0.5))
    learn(slim, model, network, seed, [SOFT], (0.5, 1))
    return slim


def learn(
    slim: Any, model: Any, network: Network, seed: int, losses: list[Any], part: tuple
) -> None:
    """Train a part with the unpruned model as a teacher."""
    distiller = tfedge.Distiller(student=slim, teacher=model, losses=losses, alpha=ALPHA)
    train(distiller, network, seed, part=part)
    slim.set_weights(distiller.student.get_weights())


def zeros(model: Any, network: Network, seed: int) -> Any:
    """Train as tfmot's tutorial does, with zeros for a file as small as without channels."""
    api = tfmot().sparsity.keras
    end = round(0.8 * network.epochs * (len(network.data["x"]) // BATCH))
    final = sparsity_of_equal_size(model, network)
    schedule = api.PolynomialDecay(0.0, final, 0, end, frequency=50)

    def wrap(layer: Any) -> Any:
        """Wrap what has a kernel, as tfmot's guide does: it refuses models with a Rescaling."""
        kernel = isinstance(layer, (tf_keras.layers.Conv2D, tf_keras.layers.Dense))
        return api.prune_low_magnitude(layer, schedule) if kernel else layer

    wrapped = tf_keras.models.clone_model(model, clone_function=wrap)
    train(wrapped, network, seed, callbacks=[api.UpdatePruningStep()])
    return api.strip_pruning(wrapped)


def sparsity_of_equal_size(model: Any, network: Network) -> float:
    """Return the fraction of zeros with which a file is as small as one without channels."""
    goal = int8(removed(model, network, importance="l2"), network).gzip_bytes
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if int8(with_zeros(model, middle), network).gzip_bytes > goal
            else (low, middle)
        )
    return high


def with_zeros(model: Any, fraction: float) -> Any:
    """Return a copy in which the smallest weights of each kernel are zeros."""
    copy = tf_keras.models.clone_model(model)
    copy.set_weights([_pruned(w, fraction) if w.ndim > 1 else w for w in model.get_weights()])
    return copy


def _pruned(weight: np.ndarray, fraction: float) -> np.ndarray:
    """Return a kernel without its smallest values."""
    return np.where(np.abs(weight) < np.quantile(np.abs(weight), fraction), 0, weight)


WAYS: dict[str, Callable] = {f"{name}, global": one_shot(name) for name in ONE_SHOT}
WAYS["fisher, global, reconstructed"] = one_shot("fisher", reconstruct=True)
WAYS["fisher, global, with teacher"] = taught()
WAYS["fisher, global, hints, then teacher"] = hinted
WAYS["fisher, global, in 3 steps, with teacher"] = taught(STEPS)
WAYS["fisher, global, widths rounded, with teacher"] = taught(rounded=True)
TFMOT: dict[str, Callable] = {"zeros, at equal size": zeros}
