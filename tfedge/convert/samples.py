"""What a conversion starts from: a model without wrappers, and checked calibration samples."""

from __future__ import annotations

import os
from typing import Any

from tfedge.convert.inputs import input_specs
from tfedge.convert.modes import Mode
from tfedge.convert.representative import representative_samples
from tfedge.convert.scale_check import warn_of_scale
from tfedge.core.errors import CalibrationError
from tfedge.core.openers import open_path
from tfedge.models.flavours import is_model
from tfedge.models.strip import has_wrappers, strip
from tfedge.models.wrappers import is_quantized


def exportable(model: Any) -> Any:
    """Return a model without training-time wrappers; a plain one as it is."""
    if isinstance(model, (str, os.PathLike)):
        model = open_path(model)
    student = getattr(model, "student", None)
    if is_model(student):
        model = student
    return strip(model) if is_model(model) and has_wrappers(model) else model


def calibration_of(model: Any, mode: Mode, calibration: Any, limit: int, least: int) -> dict | None:
    """Return checked calibration samples, None where there are none and none are needed.

    Args:
        model: The model.
        mode: What it becomes.
        calibration: The user's data.
        limit: Largest number of samples.
        least: Samples in one batch of the file.

    Raises:
        CalibrationError: If there are no data and some are needed, or they do not fit.
    """
    if calibration is None:
        if mode.calibrated and not (is_model(model) and is_quantized(model)):
            raise CalibrationError(
                f"quantize={mode.name!r} needs calibration data, from which the ranges of "
                "activations are read; none was given. Pass calibration=x_train, or any dataset "
                "of some hundred typical samples, or train with tfedge.quantize first."
            )
        return None
    samples = representative_samples(calibration, input_specs(model), limit)
    count = len(next(iter(samples.values())))
    if mode.calibrated and count < least:
        raise CalibrationError(
            f"{count} calibration samples do not fill one batch of "
            f"batch_size={least}. Give more, or raise calibration_samples={limit}."
        )
    warn_of_scale(model, samples)
    return samples
