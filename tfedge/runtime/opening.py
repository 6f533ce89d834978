"""Whatever users have of a ``.tflite`` file, as a `TFLiteModel`."""

from __future__ import annotations

import os
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.core.openers import open_path
from tfedge.runtime.model import TFLiteModel


def opened_model(model: Any) -> Any:
    """Return the model of a path or of the bytes of a ``.tflite`` file; anything else as it is.

    Raises:
        ModelError: If it is a file that cannot be read.

    Example:
        >>> opened_model(3)
        3
    """
    if isinstance(model, (str, os.PathLike)):
        model = open_path(model)
    if isinstance(model, (bytes, bytearray, memoryview)):
        model = TFLiteModel(bytes(model))
    return model


def opened_file(model: Any, purpose: str) -> TFLiteModel:
    """Return a file as a `TFLiteModel`.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        purpose: What it is for, as messages say it: ``"be timed in an interpreter"``.

    Raises:
        ModelError: If it is something else, such as a Keras model.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> opened_file(sample_model().content, "run").operators[0].name
        'MUL'
        >>> opened_file(3, "run")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ModelError: A int cannot run. Convert it to a TFLiteModel first: ...
    """
    model = opened_model(model)
    if isinstance(model, TFLiteModel):
        return model
    raise ModelError(
        f"A {type(model).__name__} cannot {purpose}. Convert it to a TFLiteModel first: "
        "tfedge.convert(model, 'int8', calibration=x)."
    )
