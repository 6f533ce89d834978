"""Ranges of the fake quantization, from data, before the first training step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from tfedge.compress.quantization.calibration_data import input_batches
from tfedge.compress.quantization.suspicion import warn_of_ranges
from tfedge.core.errors import CalibrationError, ModelError
from tfedge.core.observers import MinMax, Observer, observer_named
from tfedge.core.statistics import Statistics
from tfedge.models.training.activation_range import symmetric_ends, watching
from tfedge.models.wrappers import is_quantized, is_quantizing

_MOST_SAMPLES = 1024
_MOST_COUNTED = 1 << 18


def calibrate_ranges(
    model: Any,
    data: Any,
    *,
    observer: str | Observer = MinMax.name,
    samples: int = _MOST_SAMPLES,
) -> None:
    """Set the activation ranges of a QAT model from data, and the kernel ranges anew.

    The float network runs (normalizations by their moving statistics, no dropout), and an
    observer makes each activation range from the values seen, widened to hold 0. A range in
    which only zeros were seen is left as it was.

    Args:
        model: A model from :func:`tfedge.quantize`. Its ranges are changed in place, nothing else.
        data: Typical inputs, in any form that :func:`tfedge.core.data.batches` reads.
        observer: The rule, a name or an object of :mod:`tfedge.core.observers`: ``"minmax"``,
            ``"moving_average"`` (over batches of 64), ``"percentile"``, ``"mse"``, ``"entropy"``.
        samples: Largest number of samples used.

    Raises:
        ArgumentError: If the observer is not known.
        ModelError: If the model is not quantized.
        CalibrationError: If the data do not fit the inputs, or a range is not finite.

    Example:
        >>> import numpy as np
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> qat = tfedge.quantize(keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]))
        >>> calibrate_ranges(qat, np.array([[-1.0, 3.0], [0.5, 2.0]]))
        >>> [(w.name.split("/")[-1], float(w)) for w in qat.layers[-1].weights][1:]
        [('output_min:0', 0.0), ('output_max:0', 3.0)]
    """
    rule = observer_named(observer)
    if not is_quantized(model):
        raise ModelError(f"{model.name!r} is not quantized: call tfedge.quantize first.")
    set_kernel_ranges(model)
    seen = observe(model, data, [rule], samples)
    warn_of_ranges(model.name, seen)
    set_ranges(model, seen, rule)


def set_ranges(model: Any, seen: Mapping[str, Statistics], rule: Observer) -> None:
    """Set the activation ranges of a QAT model from what :func:`observe` returned.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> set_ranges(tf_keras().Sequential(), {}, MinMax())
    """
    for place, one, variables in _slots(model):
        _set(one, variables, seen[place], rule)
    for layer in model.layers:
        if is_quantizing(layer):
            layer.optimizer_step.assign(0)


def set_kernel_ranges(model: Any) -> None:
    """Set the ranges of all kernels of a QAT model from their values.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> set_kernel_ranges(tf_keras().Sequential())
    """
    for layer in model.layers:
        for kernel, scheme, state in getattr(layer, "_weight_vars", ()):
            scheme.set_range(kernel, state)


def observe(
    model: Any, data: Any, rules: Iterable[Observer], samples: int = _MOST_SAMPLES
) -> dict[str, Statistics]:
    """Return what passes each activation range while the float network runs, by its place.

    Args:
        model: A model from :func:`tfedge.quantize`.
        data: Typical inputs, in any form that :func:`tfedge.core.data.batches` reads.
        rules: The observers that are to make ranges of it.
        samples: Largest number of samples used.

    Raises:
        CalibrationError: If the data do not fit the inputs, or a value is not finite.

    Example:
        >>> import numpy as np
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> qat = tfedge.quantize(keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]))
        >>> seen = observe(qat, np.array([[-1.0, 3.0], [0.5, 2.0]]), [MinMax()])
        >>> [(one.low, one.high) for one in seen.values()]
        [(-1.0, 3.0), (0.0, 3.0)]
    """
    most = _MOST_COUNTED if any(rule.counts_values for rule in rules) else 0
    places = {id(variables["min_var"]): place for place, _, variables in _slots(model)}
    seen = {place: Statistics(most) for place in places.values()}

    def note(variables: dict[str, Any], values: Any) -> None:
        """Take values into account."""
        place = places[id(variables["min_var"])]
        try:
            seen[place].update(tf.cast(values, tf.float32).numpy())
        except CalibrationError as error:
            raise CalibrationError(
                f"The range of {place!r} cannot be found: {error} The data or the weights hold "
                f"NaN or infinite values. Check both before quantizing."
            ) from error

    with watching(note):
        for inputs in input_batches(model, data, samples):
            model(inputs, training=False)
    return seen


def _slots(model: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield place, range and variables of each activation range that is set from data."""
    for layer in model.layers:
        for name, (one, variables) in getattr(layer, "ranges", {}).items():
            if one.has_variables:
                yield f"{layer.name}/{name}", one, variables


def _set(one: Any, variables: dict[str, Any], seen: Statistics, rule: Observer) -> None:
    """Make a range of what was seen; where that was nothing but zeros it stays as it was."""
    if not seen.lows or seen.low == seen.high == 0:
        return
    ends = rule.range(seen)
    if one.symmetric:
        ends = symmetric_ends(*ends)
    for name, end in zip(("min_var", "max_var"), ends, strict=True):
        variables[name].assign(end)
    if "ratio" in variables:
        variables["ratio"].assign(1.0)
