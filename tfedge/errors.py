"""The errors that tfedge raises on purpose, for ``except``: see `tfedge.core.errors`."""

from tfedge.core.errors import (
    ArgumentError,
    CalibrationError,
    ConversionError,
    DataError,
    DeviceError,
    MissingPackageError,
    ModelError,
    NoisyTimingWarning,
    TfedgeError,
    WorkerError,
)

__all__ = [
    "ArgumentError",
    "CalibrationError",
    "ConversionError",
    "DataError",
    "DeviceError",
    "MissingPackageError",
    "ModelError",
    "NoisyTimingWarning",
    "TfedgeError",
    "WorkerError",
]
