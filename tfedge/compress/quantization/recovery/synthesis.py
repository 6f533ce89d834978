"""Inputs made up from what the normalizations of a model remember of its training data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.quantization.recovery.noise import KINDS, Noise
from tfedge.core.errors import CalibrationError
from tfedge.models.flavours import tf_keras
from tfedge.models.graph import read_graph
from tfedge.models.layers import class_names
from tfedge.models.running import inference, run

_BATCH = 64
_MOST_STEPS = 200
_FEW_STEPS = 50
_RATE = 0.1
_NEAR = 0.005
"""Mismatch of a normalization, on average, at which inputs are moved no further."""

_ALIKE = 0.1
"""Mismatch below which noise is good enough to be among the inputs as it is.

Also that of moved inputs below which the bounds of their noise are taken for those of inputs."""


def synthetic_inputs(model: Any, samples: int, seed: int = 0) -> list[np.ndarray]:
    """Return inputs that give every BatchNormalization the mean and variance that it remembers.

    Noise of several kinds and scales is tried, and a warning says if none comes near. Batches of
    the one that fits best are moved by gradient until the statistics of each batch come near to
    the moving statistics. Noise that fits well is kept beside them, every second batch: its
    samples differ more from each other.

    Args:
        model: A functional tf_keras model.
        samples: Number of samples.
        seed: Seed of the noise.

    Returns:
        One float32 array for each input.

    Raises:
        CalibrationError: If the model has no BatchNormalization, or an input that is no float or
            has an open size.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((2,))
        >>> norm = keras.layers.BatchNormalization()
        >>> model = keras.Model(inputs, norm(inputs))
        >>> statistics = [np.array([3.0, -3.0]), np.ones(2)]
        >>> norm.set_weights([np.ones(2), np.zeros(2), *statistics])
        >>> [x] = synthetic_inputs(model, 64)
        >>> x.mean(0).round().tolist()
        [3.0, -3.0]

    Reference:
        Cai et al., "ZeroQ", CVPR 2020, arXiv:2001.00281, section 3.1.
    """
    _check(model)
    mismatch, rng = _mismatch(model), np.random.default_rng(seed)
    shapes = [(min(samples, _BATCH), *tuple(tensor.shape)[1:]) for tensor in model.inputs]
    kinds, fit = _fitting(mismatch, shapes, seed)
    first = _moved(_drawn(kinds, shapes, rng), kinds, mismatch)
    if mismatch(first) >= _ALIKE:
        kinds = [noise.unbounded() for noise in kinds]
        first = _moved(_drawn(kinds, shapes, rng), kinds, mismatch)
        _warn_if_far(model, float(mismatch(first)))
    batches = [first]
    for number in range(1, -(-samples // shapes[0][0])):
        start = _drawn(kinds, shapes, rng)
        as_it_is = number % 2 and fit < _ALIKE
        batches.append(start if as_it_is else _moved(start, kinds, mismatch))
    return [np.concatenate(column)[:samples] for column in zip(*batches, strict=True)]


def _drawn(kinds: list[Noise], shapes: list[tuple], rng: np.random.Generator) -> list[np.ndarray]:
    """Return a batch of noise."""
    return [noise.drawn(shape, rng) for noise, shape in zip(kinds, shapes, strict=True)]


def _fitting(mismatch: Callable, shapes: list[tuple], seed: int) -> tuple[list[Noise], float]:
    """Return the noise that fits best for each input, one after the other, and how it fits.

    Where no noise fits as it is, the best of each scale is moved a little to see which comes near.
    """
    kinds, fit = [KINDS[0] for _ in shapes], np.inf

    def tried(place: int, noise: Noise, *, moved: bool = False) -> float:
        """Return the mismatch with this noise at one input."""
        chosen = [*kinds[:place], noise, *kinds[place + 1 :]]
        start = _drawn(chosen, shapes, np.random.default_rng(seed))
        return float(mismatch(_moved(start, chosen, mismatch, _FEW_STEPS) if moved else start))

    for place in range(len(shapes)):
        fits = {noise: tried(place, noise) for noise in KINDS}
        kinds[place] = min(fits, key=fits.__getitem__)
        if fits[kinds[place]] >= _ALIKE:
            ways = _best_by_scale(fits)
            kinds[place] = min(ways, key=lambda noise: tried(place, noise, moved=True))
        fit = fits[kinds[place]]
    return kinds, fit


def _best_by_scale(fits: dict[Noise, float]) -> list[Noise]:
    """Return the noise of each scale that fits best."""
    best: dict[tuple, Noise] = {}
    for noise in sorted(fits, key=fits.__getitem__):
        best.setdefault(noise.scale, noise)
    return list(best.values())


def _check(model: Any) -> None:
    """Raise unless inputs can be made up."""
    graph = read_graph(model)
    if not any(map(_remembers, graph.layers().values())):
        raise CalibrationError(
            f"{model.name!r} has no BatchNormalization, so nothing in it tells what its inputs "
            f"look like. Give calibration data: a hundred typical inputs, no labels."
        )
    for name, tensor in zip(model.input_names, model.inputs, strict=True):
        if not tensor.dtype.is_floating or None in tuple(tensor.shape)[1:]:
            raise CalibrationError(
                f"The input {name!r} of {model.name!r} has shape {tuple(tensor.shape)} and dtype "
                f"{tensor.dtype.name}: only float inputs of a known size can be made up. Give "
                f"calibration data."
            )


def _remembers(layer: Any) -> bool:
    """Return whether a layer holds statistics of training data."""
    return "BatchNormalization" in class_names(layer)


def _mismatch(model: Any) -> Callable[[list[Any]], Any]:
    """Return a function of a batch: how far its statistics are from those that are remembered."""
    graph = read_graph(model)

    def of(inputs: list[Any]) -> Any:
        """Average squared differences, in units of the remembered deviation."""
        parts = []

        def seen(step: Any, args: tuple, kwargs: dict) -> Any:
            """Note what goes into a normalization."""
            if _remembers(step.layer):
                parts.append(_distance(step.layer, args[0]))
            return inference(step, args, kwargs)

        run(graph, inputs, seen)
        return tf.add_n(parts) / len(parts)

    return of


def _distance(layer: Any, values: Any) -> Any:
    """Return how far the statistics of a batch are from those of a normalization."""
    kept = np.atleast_1d(layer.axis)[0] % len(values.shape)
    axes = [axis for axis in range(len(values.shape)) if axis != kept]
    mean, variance = tf.nn.moments(tf.cast(values, tf.float32), axes)
    known = layer.moving_variance + layer.epsilon
    shift = (mean - layer.moving_mean) ** 2 / known
    stretch = (tf.sqrt((variance + layer.epsilon) / known) - 1) ** 2
    return tf.reduce_mean(shift + stretch)


def _warn_if_far(model: Any, mismatch: float) -> None:
    """Say so where no inputs were found that the normalizations know."""
    if mismatch >= _ALIKE:
        warnings.warn(
            f"Made-up inputs of {model.name!r} miss what its BatchNormalization layers remember "
            f"by {mismatch**0.5:.1f} standard deviations on average, so ranges from them are "
            f"likely to be wrong. Give calibration data: a hundred typical inputs, no labels.",
            UserWarning,
            stacklevel=4,
        )


def _moved(
    start: list[np.ndarray], kinds: list[Noise], mismatch: Callable, most: int = _MOST_STEPS
) -> list[np.ndarray]:
    """Return a batch whose statistics have come near to those that are remembered."""
    variables = [tf.Variable(x / noise.spread) for x, noise in zip(start, kinds, strict=True)]
    schedule = tf_keras().optimizers.schedules.CosineDecay(_RATE, most)
    optimizer = tf_keras().optimizers.Adam(schedule)

    def inputs() -> list[Any]:
        """Return the batch as it is now."""
        pairs = zip(variables, kinds, strict=True)
        return [tf.clip_by_value(kind.spread * one, kind.low, kind.high) for one, kind in pairs]

    @tf.function
    def step() -> Any:
        """Move the batch by one gradient."""
        with tf.GradientTape() as tape:
            loss = mismatch(inputs())
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    for _ in range(most):
        if float(step()) < _NEAR:
            break
    return [one.numpy() for one in inputs()]
