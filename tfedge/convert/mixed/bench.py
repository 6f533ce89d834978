"""A place to try out files of one model: calibrated once, rounded in many ways."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tfedge.convert.conversion import Conversion
from tfedge.convert.dispatch import converter_worker
from tfedge.convert.mixed.grid import on_grid
from tfedge.convert.mixed.units import Kernel, Unit, units_of
from tfedge.core.errors import ConversionError
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.worker import WorkerCallError


class Bench:
    """Files of one model in which some layers are in float, or have weights of few values.

    Args:
        conversion: To ``int8``, with ranges of our own.

    Attributes:
        integer: The file with every layer in integers.
        reference: The float file.
        units: Its operators, by layer.

    Raises:
        CalibrationError: If a tensor is not finite on the calibration samples.
        ConversionError: If the converter refuses or dies, or operators stay in float.
    """

    def __init__(self, conversion: Conversion):
        self._conversion = conversion
        self.integer, found = conversion.studied()
        self._ranged = found["ranged"]
        self.reference = TFLiteModel(self._ranged.tobytes(), f"{conversion.name} in float")
        self.units = units_of(self.reference, found.get("ends", {}), conversion.model)
        self._grid: dict[str, np.ndarray] = {}

    def alone(self, unit: Unit) -> TFLiteModel:
        """Return the file in which one layer alone is in integers; it takes and gives floats."""
        kept = [node for other in self.units if other is not unit for node in other.nodes]
        return self._rounded(kept, {}, "float32", "float32")

    def lowered_alone(self, units: Collection[Unit]) -> TFLiteModel:
        """Return the float file in which the weights of some layers lie on a grid."""
        arguments = (self._ranged, self._kernels(units))
        return self._called("with_kernels", *arguments)

    def file(self, kept: Collection[Unit] = (), lowered: Collection[Unit] = ()) -> TFLiteModel:
        """Return the integer file with some layers in float, and weights of others on a grid."""
        if not kept and not lowered:
            return self.integer
        nodes = [node for unit in kept for node in unit.nodes]
        borders = (self._conversion.input_type, self._conversion.output_type)
        return self._rounded(nodes, self._kernels(lowered), *borders)

    def grid(self, kernel: Kernel) -> np.ndarray:
        """Return a kernel on its grid."""
        if kernel.name not in self._grid:
            values = self.reference.weights()[kernel.name]
            by_channel = kernel.name in self._channelwise()
            self._grid[kernel.name] = on_grid(values, kernel.axis if by_channel else None)
        return self._grid[kernel.name]

    def _channelwise(self) -> set[str]:
        """Return the tensors of the integer file that have a scale for each channel."""
        return {item.name for item in self.integer.tensors() if isinstance(item.scale, tuple)}

    def _kernels(self, units: Collection[Unit]) -> dict[str, np.ndarray]:
        """Return the kernels of some layers on their grids."""
        return {kernel.name: self.grid(kernel) for unit in units for kernel in unit.kernels}

    def _rounded(
        self, kept: list[str], kernels: Mapping[str, np.ndarray], *borders: str
    ) -> TFLiteModel:
        """Return an integer file."""
        return self._called("rounded", self._ranged, kept, dict(kernels), *borders)

    def _called(self, function: str, *arguments: Any) -> TFLiteModel:
        """Return the file that a function of the worker makes."""
        target = f"tfedge.convert.mixed.rounding:{function}"
        try:
            content = converter_worker().call(target, *arguments)
        except WorkerCallError as failure:
            raise ConversionError(
                f"Rounding {self._conversion.name!r} with some layers in float failed: {failure}"
            ) from failure
        return TFLiteModel(content.tobytes(), self._conversion.name)
