"""From users' arrays to what an interpreter takes, and back.

Arrays are real values, as the Keras model takes them: an ``int8`` input is quantized from them
here. Only with ``raw=True`` are arrays of the file's own integer type taken and given as codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.core.affine import dequantize
from tfedge.core.errors import DataError, ModelError
from tfedge.runtime.codes import to_codes
from tfedge.runtime.graph import TensorInfo


def arrange(x: Any, inputs: Sequence[TensorInfo]) -> list[np.ndarray]:
    """Return one array per input, in the order of the inputs, all of as many samples.

    Args:
        x: One array, arrays by input name, or arrays in the order of ``inputs``.
        inputs: The inputs of the file.

    Raises:
        DataError: If names, number, ranks or shapes do not fit; the message says which.
    """
    arrays = [
        _as_array(item, tensor) for item, tensor in zip(_listed(x, inputs), inputs, strict=True)
    ]
    for array, tensor in zip(arrays, inputs, strict=True):
        _check_shape(array, tensor)
    counts = {tensor.name: len(array) for array, tensor in zip(arrays, inputs, strict=True)}
    if len(set(counts.values())) > 1:
        raise DataError(f"The inputs differ in their number of samples: {counts}.")
    if not len(arrays[0]):
        raise DataError(f"There are no samples: input {inputs[0].name!r} is empty.")
    return arrays


def _listed(x: Any, inputs: Sequence[TensorInfo]) -> list[Any]:
    """Return the user's arrays in the order of the inputs."""
    names = [tensor.name for tensor in inputs]
    if isinstance(x, Mapping):
        if set(x) != set(names):
            raise DataError(f"The model's inputs are {names}; arrays were given for {list(x)}.")
        return [x[name] for name in names]
    if len(inputs) == 1:
        single = isinstance(x, (list, tuple)) and len(x) == 1
        wrapped = single and np.ndim(x[0]) == len(inputs[0].shape)
        return [x[0] if wrapped else x]
    if isinstance(x, (list, tuple)) and len(x) == len(inputs):
        return list(x)
    found = f"{len(x)} arrays" if isinstance(x, (list, tuple)) else f"one {type(x).__name__}"
    raise DataError(
        f"The model has {len(inputs)} inputs {names}; {found} was given. Pass a dict of arrays by "
        "input name."
    )


def _as_array(item: Any, tensor: TensorInfo) -> np.ndarray:
    """Return an array of numbers."""
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise DataError(f"Input {tensor.name!r}: no array can be made of it ({error}).") from error
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"Input {tensor.name!r}: dtype {array.dtype} found, numbers expected (the file takes "
            f"{tensor.dtype})."
        )
    return array


def _check_shape(array: np.ndarray, tensor: TensorInfo) -> None:
    """Raise unless the array is samples of what the input takes."""
    wanted = tensor.shape_signature
    if not wanted:
        raise ModelError(f"Input {tensor.name!r} is a single number; it has no axis for samples.")
    if array.ndim == len(wanted) and all(
        size in (-1, given) for size, given in zip(wanted[1:], array.shape[1:], strict=True)
    ):
        return
    expected = ", ".join(["samples", *("any" if size < 0 else str(size) for size in wanted[1:])])
    raise DataError(
        f"Input {tensor.name!r}: shape {array.shape} found, ({expected}) expected."
        f"{_advice(array.shape, wanted)}"
    )


def _advice(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return what most likely repairs a shape."""
    if len(found) == len(wanted) - 1:
        if found[1:] == wanted[1:-1] and wanted[-1] == 1:
            return " The axis of channels is missing: pass x[..., None]."
        if found == wanted[1:]:
            return " This looks like one sample without a batch axis: pass x[None]."
    return ""


def encode(array: np.ndarray, tensor: TensorInfo, start: int = 0, raw: bool = False) -> np.ndarray:
    """Return an array in the exact type of an input tensor.

    Args:
        array: Real values, or codes when ``raw``.
        tensor: The input.
        start: Number of the first sample, for messages.
        raw: Whether integer codes are given for a quantized input.

    Raises:
        DataError: If a value is not finite, or not one that the type can hold.
    """
    quantized = tensor.scale is not None and tensor.scale != 0
    if raw and quantized:
        if array.dtype != tensor.dtype:
            raise DataError(
                f"Input {tensor.name!r}: dtype {array.dtype} found; raw=True takes the file's own "
                f"codes, {tensor.dtype}."
            )
        return array
    if quantized:
        codes = to_codes(array, float(tensor.scale), int(tensor.zero_point), tensor.dtype)  # type: ignore[arg-type]
        if codes is not None:
            return codes
    _check_finite(array, tensor, start)
    if tensor.dtype.startswith("float"):
        return np.ascontiguousarray(array, tensor.dtype)
    return _whole(array, tensor, start)


def checked(array: np.ndarray, tensor: TensorInfo) -> np.ndarray:
    """Return values that any file with such an input takes, whether it is quantized or not.

    Args:
        array: Real or whole numbers, as the input takes them.
        tensor: The input.

    Returns:
        The array itself; for inputs of whole numbers in the exact type of the tensor.

    Raises:
        DataError: As `encode`.
    """
    _check_finite(array, tensor, 0)
    return array if takes_real(tensor) else _whole(array, tensor, 0)


def takes_real(tensor: TensorInfo) -> bool:
    """Return whether users pass real numbers for an input: it is of floats, or quantized."""
    return tensor.dtype.startswith("float") or bool(tensor.scale)


def _check_finite(array: np.ndarray, tensor: TensorInfo, start: int) -> None:
    """Raise if a value is NaN or infinite, and name the first."""
    if array.dtype.kind in "iub":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.float32(array.min())) and np.isfinite(np.float32(array.max())):
            return
        bad = ~np.isfinite(array.astype(np.float32, copy=False))
    if bad.any():
        first = tuple(int(i) for i in np.unravel_index(np.argmax(bad), array.shape))
        raise DataError(
            f"Input {tensor.name!r}: value {array[first]} in sample {first[0] + start} at "
            f"{first[1:]}; every value must be a finite float32. Remove or fill such samples."
        )


def _whole(array: np.ndarray, tensor: TensorInfo, start: int) -> np.ndarray:
    """Return whole numbers in the type of the tensor, or raise if one does not fit."""
    if tensor.dtype not in ("bool", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64))):
        raise ModelError(f"Input {tensor.name!r} takes {tensor.dtype}, which is not supported.")
    whole = array.astype(tensor.dtype)
    wrong = whole.astype(np.float64) != array.astype(np.float64)
    if wrong.any():
        first = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), array.shape))
        raise DataError(
            f"Input {tensor.name!r}: value {array[first]} in sample {first[0] + start} at "
            f"{first[1:]} is not a whole number that {tensor.dtype} can hold."
        )
    return np.ascontiguousarray(whole)


def decode(array: np.ndarray, tensor: TensorInfo, raw: bool = False) -> np.ndarray:
    """Return an output as real values, or as it is when ``raw`` or not quantized."""
    if raw or tensor.scale is None or tensor.scale == 0:
        return array
    return dequantize(array, float(tensor.scale), int(tensor.zero_point))  # type: ignore[arg-type]
