"""Whether calibration data is scaled as the training data was (0 to 255, or 0 to 1?).

A file calibrated on the wrong scale runs without an error and is useless. Three witnesses can
tell, the surest first: the input range that QAT learned, the statistics of the first
BatchNormalization, and, where neither exists, the look of 8-bit pixel values.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfedge.models.flavours import KERAS3, flavour_of, is_model, keras3, tf_keras
from tfedge.models.nodes import functional, has_graph, inputs_of, nodes_of

_FACTOR = 8.0
_PROBE = 32
_SCALING = ("Rescaling", "Normalization")


def warn_of_scale(model: Any, samples: Mapping[str, np.ndarray]) -> None:
    """Warn when calibration data seem to be on another scale than the training data.

    Args:
        model: The model to convert.
        samples: Calibration arrays by input name.
    """
    if not is_model(model) or len(samples) != 1:
        return
    ((name, array),) = samples.items()
    if array.dtype.kind != "f":
        return
    for witness in (_learned_range, _batch_statistics, _looks_like_pixels):
        verdict = witness(model, array[:_PROBE])
        if verdict is None:
            continue
        if verdict:
            low, high = float(array.min()), float(array.max())
            warnings.warn(
                f"Calibration data of input {name!r} lie in [{low:.4g}, {high:.4g}]. {verdict} "
                "Scale the calibration data exactly as the training data.",
                UserWarning,
                stacklevel=4,
            )
        return


def _learned_range(model: Any, array: np.ndarray) -> str | None:
    """Compare with the range of the input that quantization-aware training learned."""
    layer = _first(model, "QuantizeLayer")
    if layer is None:
        return None
    low, high = (_scalar(layer, ending) for ending in ("min", "max"))
    learned = max(abs(low), abs(high))
    if learned == 0:
        return None
    if _alike(float(np.abs(array).max()), learned):
        return ""
    return f"Training saw [{low:.4g}, {high:.4g}]."


def _scalar(layer: Any, ending: str) -> float:
    """Return the value of a layer's variable whose name ends so."""
    found = [weight for weight in layer.weights if weight.name.split(":")[0].endswith(ending)]
    return float(found[0].numpy()) if found else 0.0


def _batch_statistics(model: Any, array: np.ndarray) -> str | None:
    """Compare the variance that reaches the first BatchNormalization with the one it keeps."""
    layer = _first(model, "BatchNormalization")
    source = _source(model, layer)
    if source is None:
        return None
    if not np.any(np.asarray(layer.moving_mean)) and np.all(np.asarray(layer.moving_variance) == 1):
        return None
    kept = np.mean(np.asarray(layer.moving_variance) + np.square(np.asarray(layer.moving_mean)))
    seen = np.mean(np.square(_value_of(model, source, array)))
    if _alike(float(np.sqrt(seen)), float(np.sqrt(kept))):
        return ""
    return (
        f"They reach {layer.name!r} with a root mean square of {np.sqrt(seen):.3g}, where training "
        f"kept statistics of {np.sqrt(kept):.3g}."
    )


def _looks_like_pixels(model: Any, array: np.ndarray) -> str | None:
    """Recognize raw 8-bit values given to a model that does not scale them itself."""
    if any(type(layer).__name__ in _SCALING for layer in model.layers):
        return ""
    raw = array.min() >= 0 and 64 < array.max() <= 255 and np.array_equal(array, np.rint(array))
    if not raw or array.ndim != 4:
        return ""
    return (
        "They look like raw 8-bit pixels, and the model has no layer that scales them: right only "
        "if it was trained on such values."
    )


def _first(model: Any, kind: str) -> Any:
    """Return the first layer of a class, None if there is none."""
    return next((layer for layer in model.layers if type(layer).__name__ == kind), None)


def _alike(one: float, other: float) -> bool:
    """Return whether two magnitudes agree within a factor."""
    return other / _FACTOR <= one <= other * _FACTOR


def _source(model: Any, layer: Any) -> Any:
    """Return the tensor that a layer takes in this model, None if there is not just one."""
    if layer is None or not has_graph(model):
        return None
    calls = [args for one, args, _, _ in nodes_of(functional(model)) if one is layer]
    found = calls[0][0] if len(calls) == 1 else None
    return found if hasattr(found, "shape") else None


def _value_of(model: Any, tensor: Any, array: np.ndarray) -> np.ndarray:
    """Return the value of a tensor of the model."""
    keras = keras3() if flavour_of(model) == KERAS3 else tf_keras()
    return np.asarray(keras.Model(inputs_of(functional(model)), tensor)(array, training=False))
