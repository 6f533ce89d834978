"""Learned rounding: whether each weight is better rounded up or down, from inputs alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.quantization.calibration_data import input_batches
from tfedge.compress.quantization.rounding.adaround import Task, errors, learned
from tfedge.compress.quantization.rounding.kernel_grid import grid_of, narrowed_range
from tfedge.compress.quantization.rounding.reconstruction import Reconstruction
from tfedge.compress.quantization.rounding.windows import Windows
from tfedge.core.checks import whole_number, within
from tfedge.core.errors import ModelError
from tfedge.core.progress import progress
from tfedge.core.records import Record
from tfedge.models.graph import Step
from tfedge.models.training.exportable import unset_ranges
from tfedge.models.training.fake_quant import BITS
from tfedge.models.wrappers import is_quantized

_STEPS, _BATCH, _RATE, _SAMPLES = 1000, 32, 0.1, 1024
_POSITIONS = 32


@dataclasses.dataclass(frozen=True, repr=False)
class LayerRounding(Record):
    """What learning changed in one kernel.

    Attributes:
        layer: Name of the layer.
        bits: Width of its integers.
        error_nearest: Squared error of what the operator makes, as a share of its variance, with
            weights rounded to the nearest.
        error_learned: The same in the end.
        changed: Share of the weights that are not at the nearest integer.
    """

    layer: str
    bits: int
    error_nearest: float
    error_learned: float
    changed: float


def learn_rounding(
    qat_model: Any,
    data: Any,
    *,
    steps: int = _STEPS,
    batch_size: int = _BATCH,
    learning_rate: float = _RATE,
    samples: int = _SAMPLES,
    seed: int = 0,
    verbose: int = 1,
) -> list[LayerRounding]:
    """Round each weight up or down as it serves the output of its layer, not to the nearest.

    Layer by layer, in the order in which the model runs: the layer gets what the rounded layers
    before it make, and its weights are rounded so that its output, up to the ReLU, comes near to
    that of the float layer. Where kernels have fewer than 8 bits, their ranges are narrowed
    first if that does less harm. Afterwards the kernels lie on their integers, and
    ``tfedge.convert(qat_model, "int8")`` writes these.

    Kernels with shared values and layers that are called more than once stay as they are.

    Args:
        qat_model: A model from :func:`tfedge.quantize` or :func:`tfedge.recover`, its ranges set.
            Its kernels are changed in place, and where they are narrowed their ranges.
        data: Typical inputs, in any form that :func:`tfedge.core.data.batches` reads; labels are
            ignored. A few hundred samples serve, a thousand are better.
        steps: Gradient steps for each layer.
        batch_size: Samples for each step. Of feature maps as many positions are looked at as
            32 to a sample make.
        learning_rate: Of Adam, for values of which 0 is the middle between two integers.
        samples: Largest number of samples used. All are in memory at once, with what one layer
            makes of them.
        seed: Seed of the choice of samples and positions.
        verbose: 0 for no progress bar.

    Returns:
        What changed, one record for each layer.

    Raises:
        ArgumentError: If a number is not positive.
        ModelError: If the model is not quantized, its ranges are not set, or it has no kernel
            that can be learned.
        CalibrationError: If the data do not fit the inputs.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((16,)), layers.Dense(8, name="head")])
        >>> x = np.random.default_rng(0).random((64, 16))
        >>> qat = tfedge.quantize(model, calibration=x, layers={"head": {"weight_bits": 4}})
        >>> [head] = learn_rounding(qat, x, verbose=0)
        >>> head.error_learned < head.error_nearest
        True

    Reference:
        Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020,
        arXiv:2004.10568.
    """
    for name, value in (("steps", steps), ("batch_size", batch_size), ("samples", samples)):
        whole_number(name, value)
    within("learning_rate", learning_rate, 1e-6, 10.0)
    _check(qat_model)
    batches = list(input_batches(qat_model, data, samples))
    settings = {"steps": steps, "batch_size": batch_size, "learning_rate": learning_rate}
    found = round_kernels(qat_model, batches, settings, seed=seed, verbose=verbose)
    if not found:
        raise ModelError(
            f"{qat_model.name!r} has no kernel whose rounding could be learned: they are tfmot's "
            f"own wrappers, share their values, or belong to layers that are called twice."
        )
    return found


def round_kernels(
    model: Any, batches: Sequence[Any], settings: Any = None, *, seed: int = 0, verbose: int = 0
) -> list[LayerRounding]:
    """Do what :func:`learn_rounding` does with batches as they come.

    Args:
        model: The fake-quantized model; its kernels are changed in place.
        batches: Inputs, each a list of tensors in the order of the model.
        settings: ``steps``, ``batch_size`` and ``learning_rate``, None for the defaults.
        seed: Seed of the choice of samples and positions.
        verbose: 0 for no progress bar.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> inputs = tf_keras().Input((4,))
        >>> relu = tf_keras().layers.ReLU()
        >>> round_kernels(tf_keras().Model(inputs, relu(inputs)), [[np.ones((2, 4))]])
        []
    """
    settings = settings or {"steps": _STEPS, "batch_size": _BATCH, "learning_rate": _RATE}
    work = Reconstruction(model, batches, seed)
    found = []
    with progress("learn rounding", len(work.steps), verbose, unit="layer") as count:
        for number, (step, task) in enumerate(work):
            rows = min(len(task.rows) // work.samples, _POSITIONS) * settings["batch_size"]
            changed = {"batch_size": rows, "seed": seed + number}
            found.append(_round(step, task, {**settings, **changed}))
            count(1)
    return found


def _check(model: Any) -> None:
    """Raise unless a model has ranges to round into."""
    if not is_quantized(model):
        raise ModelError(f"{model.name!r} is not quantized: call tfedge.quantize first.")
    if unset := unset_ranges(model):
        raise ModelError(
            f"{model.name!r} has {len(unset)} activation ranges that nothing has set, first "
            f"{unset[0]!r}: what the rounded layers make is not known. Give tfedge.quantize "
            f"calibration data."
        )


def _round(step: Step, task: Task, settings: dict[str, Any]) -> LayerRounding:
    """Learn the rounding of one kernel and write it into the layer."""
    kernel, scheme, state = step.layer._weight_vars[0]
    windows = Windows(step.layer.layer)
    values = scheme.structured(kernel, state)
    largest = state["max_var"].numpy()
    nearest = grid_of(windows, values, scheme, largest)
    before = errors(task, nearest.weights(tf.round(nearest.rest)))
    if scheme.bits < BITS:
        power = tf.reduce_mean(task.rows**2, 0)[..., None]
        importance = windows.kernel(power * tf.ones_like(nearest.rest)).numpy()
        largest = narrowed_range(values.numpy(), largest, importance, scheme)
        state["max_var"].assign(largest)
    grid = grid_of(windows, values, scheme, largest)
    weights = grid.weights(learned(task, grid, **settings))
    kernel.assign(tf.cast(windows.kernel(weights), kernel.dtype))
    variance = float(tf.reduce_sum(tf.math.reduce_variance(task.target, 0))) or 1.0
    return LayerRounding(
        layer=step.name,
        bits=scheme.bits,
        error_nearest=float(tf.reduce_sum(before)) / variance,
        error_learned=float(tf.reduce_sum(errors(task, weights))) / variance,
        changed=_changed(grid, weights),
    )


def _changed(grid: Any, weights: Any) -> float:
    """Return the share of weights that are not at the nearest integer."""
    nearest = grid.weights(tf.round(grid.rest))
    return float(np.mean(np.abs(weights - nearest) > grid.size / 2))
