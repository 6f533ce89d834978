"""A conversion, settled before it starts: the model, what it becomes, and on which samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfedge.convert.calibration.record import CalibrationRecord, warn_of_few, warn_of_idle
from tfedge.convert.dispatch import dispatch
from tfedge.convert.integers import require_integers
from tfedge.convert.modes import MODES, Mode
from tfedge.convert.signature import Signature
from tfedge.convert.sources import sources
from tfedge.core.observers import Observer
from tfedge.runtime.model import TFLiteModel


@dataclass(frozen=True)
class Conversion:
    """What is to be converted, and how.

    Args:
        model: The model, without training-time wrappers.
        name: What to call the file.
        mode: What it becomes.
        signature: The model's inputs, outputs and function.
        samples: Calibration arrays by input name, None without calibration.
        observers: Rules for the ranges, to choose from; empty for TensorFlow's own calibrator.
        input_type: Type of the inputs of an integer file.
        output_type: Type of its outputs.
        float_fallback: Whether an integer file may hold float operators.
        sparse: Whether weights with many zeros are stored sparsely.
    """

    model: Any
    name: str
    mode: Mode
    signature: Signature
    samples: Mapping[str, np.ndarray] | None
    observers: tuple[Observer, ...] = ()
    input_type: str = "int8"
    output_type: str = "int8"
    float_fallback: bool = False
    sparse: bool = False

    def files(self) -> Iterator[TFLiteModel]:
        """Yield the file, and after it others that are larger and may be more accurate.

        Raises:
            CalibrationError: If a tensor is not finite on the samples.
            ConversionError: If the converter refuses or dies, or operators stay in float.
        """
        return (lite for lite, _ in self._made(study=False))

    def studied(self) -> tuple[TFLiteModel, dict[str, Any]]:
        """Return the file of an integer mode, and what it takes to round it again otherwise.

        Returns:
            The file, and ``"ranged"``: the float file with its ranges, ``"ends"``: which
            operator of the graph made each output, by name.

        Raises:
            CalibrationError: If a tensor is not finite on the samples.
            ConversionError: If the converter refuses or dies, or operators stay in float.
        """
        return next(self._made(study=True))

    def _made(self, study: bool) -> Iterator[tuple[TFLiteModel, dict[str, Any]]]:
        """Yield files, and what was found out on the way."""
        for source in sources(self.model, self.mode, self.signature.inputs):
            signature = self.signature
            if source.model is not self.model:
                signature = signature.computed_by(source.model)
            settings = {**self._settings(), "study": study}
            content, found = dispatch(signature, self.name, composite=source.composite, **settings)
            lite = TFLiteModel(content, self.name, self._notes(found))
            if self.mode.calibrated and not self.float_fallback:
                require_integers(lite, calibrated=self.samples is not None)
            yield lite, found

    def float_twin(self) -> TFLiteModel:
        """Return the float32 file of the same model."""
        return next(replace(self, mode=MODES["float32"]).files())

    def _notes(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return what is to be said about a file."""
        notes: dict[str, Any] = {"quantize": self.mode.name}
        if found["calibration"]:
            notes["calibration"] = CalibrationRecord(**found["calibration"])
            warn_of_idle(notes["calibration"], self.name)
            warn_of_few(notes["calibration"], self.name)
        if "weights" in found:
            notes["weights"] = found["weights"]
        return notes

    def _settings(self) -> dict[str, Any]:
        """Return what the worker is told."""
        return {
            "mode": self.mode.name,
            "weight_bits": self.mode.weight_bits,
            "input_type": self.input_type,
            "output_type": self.output_type,
            "float_fallback": self.float_fallback,
            "sparse": self.sparse,
            "samples": self.samples,
            "batch": self.signature.inputs[0].shape[0] or 1,
            "observers": self.observers,
        }
