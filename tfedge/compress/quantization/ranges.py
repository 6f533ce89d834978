"""Ranges of the fake quantization, from data, before the first training step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.core.data import Batch, regroup
from tfedge.core.errors import CalibrationError, DataError, ModelError
from tfedge.core.sampling import sample
from tfedge.models.training.activation_range import symmetric_ends, watching
from tfedge.models.training.exportable import range_variables
from tfedge.models.wrappers import is_quantized, is_quantizing

_BATCH = 64
_MOST_SAMPLES = 1024


def calibrate_ranges(model: Any, data: Any, *, samples: int = _MOST_SAMPLES) -> None:
    """Set the activation ranges of a QAT model from data, and the kernel ranges anew.

    The float network runs (normalizations by their moving statistics, no dropout), and each
    activation range becomes the smallest and largest value seen, widened to hold 0. A range in
    which only zeros were seen is left as it was.

    Args:
        model: A model from :func:`tfedge.quantize`. Its ranges are changed in place, nothing else.
        data: Typical inputs, in any form that :func:`tfedge.core.data.batches` reads.
        samples: Largest number of samples used.

    Raises:
        ModelError: If the model is not quantized.
        CalibrationError: If the data do not fit the inputs, or a range is not finite.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> qat = tfedge.quantize(keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]))
        >>> calibrate_ranges(qat, np.array([[-1.0, 3.0], [0.5, 2.0]]))
        >>> [(w.name.split("/")[-1], float(w)) for w in qat.layers[-1].weights][1:]
        [('output_min:0', 0.0), ('output_max:0', 3.0)]
    """
    if not is_quantized(model):
        raise ModelError(f"{model.name!r} is not quantized: call tfedge.quantize first.")
    set_kernel_ranges(model)
    slots = range_variables(model.layers)
    before = [(low.numpy(), high.numpy()) for _, low, high in slots]
    for _, low, high in slots:
        low.assign(0.0)
        high.assign(0.0)
    try:
        _observe(model, data, samples)
        _check(slots, before)
        _settle(model)
    except BaseException:
        for (_, low, high), (old_low, old_high) in zip(slots, before, strict=True):
            low.assign(old_low)
            high.assign(old_high)
        raise


def set_kernel_ranges(model: Any) -> None:
    """Set the ranges of all kernels of a QAT model from their values.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> set_kernel_ranges(tf_keras().Sequential())
    """
    for layer in model.layers:
        for kernel, scheme, state in getattr(layer, "_weight_vars", ()):
            scheme.set_range(kernel, state)


def _observe(model: Any, data: Any, samples: int) -> None:
    """Run the data through the float network while the ranges watch."""
    with watching():
        specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs]
        run = tf.function(lambda *inputs: model(list(inputs), training=False))
        watch = run.get_concrete_function(*specs)
        for inputs in _inputs(model, data, samples):
            watch(*inputs)


def _settle(model: Any) -> None:
    """Make what was seen the ranges; those that saw nothing but zeros stay as they were."""
    for layer in model.layers:
        for one, variables in getattr(layer, "ranges", {}).values():
            if one.has_variables:
                low, high = variables["min_var"], variables["max_var"]
                ends = symmetric_ends(low, high) if one.symmetric else (low, high)
                for variable, end in zip((low, high), ends, strict=True):
                    variable.assign(end)
                for ratio in (variables[key] for key in variables if key == "ratio"):
                    ratio.assign(1.0)
        if is_quantizing(layer):
            layer.optimizer_step.assign(0)


def _inputs(model: Any, data: Any, samples: int) -> Iterator[Any]:
    """Yield batches of inputs as the model takes them, no more than ``samples`` in all."""
    pairs = zip(model.input_names, model.inputs, strict=True)
    shapes = {name: tuple(tensor.shape)[1:] for name, tensor in pairs}
    parts = (Batch(x) for x in sample(data, samples, shapes=shapes))
    try:
        for batch in regroup(parts, _BATCH):
            yield _arranged(batch.x, model)
    except (DataError, ValueError, tf.errors.InvalidArgumentError) as error:
        raise CalibrationError(
            f"The calibration data do not fit {model.name!r}, whose inputs are {shapes}: {error}"
        ) from error


def _arranged(x: Any, model: Any) -> list[Any]:
    """Return the arrays in the order of the model's inputs, as tensors of their types."""
    names = list(model.input_names)
    if isinstance(x, dict):
        if set(x) != set(names):
            raise DataError(f"inputs are named {names}, the data bring {sorted(x)}.")
        x = [x[name] for name in names]
    arrays = x if isinstance(x, list) else [x]
    if len(arrays) != len(names):
        raise DataError(f"{len(names)} inputs are needed, the data bring {len(arrays)}.")
    for array, tensor in zip(arrays, model.inputs, strict=True):
        if not tensor.shape.is_compatible_with(array.shape):
            raise DataError(f"an array of shape {array.shape} was found.")
    return [
        tf.cast(array, tensor.dtype) for array, tensor in zip(arrays, model.inputs, strict=True)
    ]


def _check(slots: list, before: list) -> None:
    """Refuse ranges that are not finite; give back those that saw nothing but zeros."""
    for (place, low, high), (old_low, old_high) in zip(slots, before, strict=True):
        found = (float(low.numpy()), float(high.numpy()))
        if not np.all(np.isfinite(found)):
            raise CalibrationError(
                f"The range of {place!r} is {found} after calibration: the data or the weights "
                f"hold NaN or infinite values. Check both before quantizing."
            )
        if found == (0.0, 0.0):
            low.assign(old_low)
            high.assign(old_high)
