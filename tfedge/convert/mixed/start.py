"""What is refused before files of mixed precision are tried out, and what they start from."""

from __future__ import annotations

from typing import Any

from tfedge.convert.conversion import Conversion
from tfedge.convert.modes import MODES
from tfedge.convert.ranges import TFLITE, observers_for
from tfedge.convert.samples import calibration_of, exportable
from tfedge.convert.signature import signature_of
from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.core.observers import Observer
from tfedge.models.flavours import is_model
from tfedge.models.wrappers import is_quantized


def conversion_of(
    model: Any, calibration: Any, limit: int, observer: str | Observer, input_shapes: Any
) -> Conversion:
    """Return the conversion of a model to ``int8``, settled.

    Args:
        model: As `tfedge.convert` takes it.
        calibration: Calibration data.
        limit: Largest number of calibration samples.
        observer: How ranges are drawn from them.
        input_shapes: Shapes of open inputs.

    Raises:
        ArgumentError: If a setting is not known, or ``observer="tflite"``.
        ModelError: If the model was trained with fake quantization.
        CalibrationError: If calibration data is missing, empty or does not fit.
    """
    whole_number("calibration_samples", limit)
    model = exportable(model)
    check_mixable(model, observer)
    samples = calibration_of(model, MODES["int8"], calibration, limit, 1)
    signature = signature_of(model, 1, input_shapes, samples)
    name = str(getattr(model, "name", "model"))
    return Conversion(model, name, MODES["int8"], signature, samples, observers_for(observer))


def check_mixable(model: Any, observer: str | Observer, sparse: Any = False) -> None:
    """Raise unless single layers of a model can be rounded or not.

    Args:
        model: The model.
        observer: How ranges are drawn from samples.
        sparse: Whether a sparse encoding is asked for.

    Raises:
        ArgumentError: If TensorFlow's own calibrator or a sparse encoding is asked for.
        ModelError: If the model was trained with fake quantization.
    """
    if isinstance(observer, str) and observer == TFLITE:
        raise ArgumentError(
            "observer='tflite' calibrates and rounds in one go, so that no layer can be rounded "
            "on its own. Take another observer; 'minmax' gives nearly the same ranges."
        )
    if sparse:
        raise ArgumentError(
            f"sparse={sparse!r} goes with quantize='int8' and others, not with MixedPrecision: "
            "its limits were measured on the dense file. gzip_bytes counts zeros too."
        )
    if is_model(model) and is_quantized(model):
        raise ModelError(
            f"{model.name!r} was trained with fake quantization, which settles what every layer "
            "is rounded to. Choose layers there, with tfedge.quantize(exclude=…, layers=…), or "
            "give the model from before it."
        )
