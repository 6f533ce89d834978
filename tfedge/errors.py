"""The errors that tfedge raises on purpose, for ``except``: see `tfedge.core.errors`."""

from tfedge.core.errors import (
    ArgumentError,
    CalibrationError,
    ConversionError,
    DataError,
    DeviceError,
    MeterError,
    MissingPackageError,
    ModelError,
    NoisyTimingWarning,
    StorageError,
    TfedgeError,
    WorkerError,
)

__all__ = [
    "ArgumentError",
    "CalibrationError",
    "ConversionError",
    "DataError",
    "DeviceError",
    "MeterError",
    "MissingPackageError",
    "ModelError",
    "NoisyTimingWarning",
    "StorageError",
    "TfedgeError",
    "WorkerError",
]
