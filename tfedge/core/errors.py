"""The errors of the house: few, and each also the builtin that a caller would expect.

Every message says what was asked, what was found, why it matters and what to do.
"""


class TfedgeError(Exception):
    """Base of every error that tfedge raises on purpose."""


class ArgumentError(TfedgeError, ValueError):
    """A setting is outside what the function accepts."""


class ModelError(TfedgeError, ValueError):
    """A model, or a file that should hold one, cannot be used as asked."""


class DataError(TfedgeError, ValueError):
    """Samples or labels do not fit the model or the metric."""


class CalibrationError(DataError):
    """Calibration data or the ranges drawn from it cannot be used."""


class ConversionError(TfedgeError, RuntimeError):
    """The converter refused, failed or died."""


class WorkerError(TfedgeError, RuntimeError):
    """A worker process died or could not be started."""


class DeviceError(TfedgeError, ConnectionError):
    """A device cannot be reached, or went away in the middle."""


class MeterError(TfedgeError, RuntimeError):
    """A meter of energy or power is missing, cannot be read, or reads what cannot be."""


class StorageError(TfedgeError, OSError):
    """A result cannot be kept: the disk is full, or the folder cannot be written."""


class MissingPackageError(TfedgeError, ImportError):
    """An optional package is not installed; the message names what to install."""


class NoisyTimingWarning(UserWarning):
    """Timings came out, but the machine was too busy or too unsteady to trust them far."""
