"""Labels as metrics need them, checked against the predictions they belong to."""

from __future__ import annotations

import numpy as np

from tfedge.core.errors import DataError


def columns(prediction: np.ndarray) -> int:
    """Return the number of outputs per decision: classes, or 1 for a single output.

    Example:
        >>> columns(np.zeros((8, 10))), columns(np.zeros((8, 1))), columns(np.zeros(8))
        (10, 1, 1)
    """
    return prediction.shape[-1] if prediction.ndim > 1 else 1


def class_of(prediction: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Return predicted classes: the highest output, or for a single one whether it is above.

    Args:
        prediction: Shape ``(samples, ..., classes)``, ``(samples, ..., 1)`` or ``(samples,)``.
        threshold: For a single output.

    Example:
        >>> class_of(np.array([[0.2, 0.8], [0.7, 0.3]]))
        array([1, 0])
    """
    if columns(prediction) > 1:
        return prediction.argmax(axis=-1)
    flat = prediction[..., 0] if prediction.ndim > 1 else prediction
    return (flat > threshold).astype(np.int64)


def labels_like(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return class numbers, one per decision in ``prediction``.

    Args:
        y: Class numbers, shape ``(samples, ...)`` or ``(samples, ..., 1)``, or one-hot, shaped
            like ``prediction``.
        prediction: Shape ``(samples, ..., classes)`` or ``(samples,)``.

    Raises:
        DataError: If shapes do not fit, or a label is not a class number in range; names it.

    Example:
        >>> labels_like(np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros((2, 2)))
        array([1, 0])
    """
    y = np.asarray(y)
    _check_numbers(y)
    classes = columns(prediction)
    wanted = prediction.shape[:-1] if prediction.ndim > 1 else prediction.shape
    if classes > 1 and y.shape == prediction.shape:
        return y.argmax(axis=-1)
    if y.shape == (*wanted, 1):
        y = y[..., 0]
    if y.shape != wanted:
        raise DataError(
            f"Labels of shape {y.shape} do not fit predictions of shape {prediction.shape}: "
            f"expected class numbers {wanted} or one-hot {prediction.shape}."
        )
    return _class_numbers(y, max(2, classes))


def _check_numbers(y: np.ndarray) -> None:
    """Raise unless labels are numbers."""
    if y.dtype.kind not in "fiub":
        raise DataError(f"Labels of dtype {y.dtype} found; class numbers from 0 expected.")


def _class_numbers(y: np.ndarray, classes: int) -> np.ndarray:
    """Return labels as integers, or raise for the first that is no class number."""
    wrong = ~((y >= 0) & (y < classes) & (y == np.floor(y)))
    if wrong.any():
        first = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), y.shape))
        raise DataError(
            f"Label {y[first]} of sample {first[0]} is not a class number from 0 to "
            f"{classes - 1}, and the model tells {classes} classes apart. For real-valued "
            "targets use 'mse' or 'mae'."
        )
    return y.astype(np.int64)


def targets_like(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return real-valued targets in the shape of ``prediction``, float64.

    A last axis of 1 may be there or not; nothing else is broadcast.

    Raises:
        DataError: If shapes do not fit.

    Example:
        >>> targets_like(np.array([1, 2]), np.zeros((2, 1))).shape
        (2, 1)
    """
    y = np.asarray(y)
    _check_numbers(y)
    alike = (prediction.shape, prediction.shape[:-1], (*prediction.shape, 1))
    if y.shape not in alike or y.size != prediction.size:
        raise DataError(
            f"Targets of shape {y.shape} do not fit predictions of shape {prediction.shape}."
        )
    return y.reshape(prediction.shape).astype(np.float64)
