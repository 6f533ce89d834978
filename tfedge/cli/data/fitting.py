"""Arrays brought to what the model takes, where that is plain; everything else is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfedge.cli.data.request import ModelInput, Request
from tfedge.cli.data.scaling import scaled
from tfedge.core.errors import DataError

Shape = tuple[int | None, ...]


def fit_inputs(
    x: Any, inputs: Sequence[ModelInput], request: Request, *, flat: bool = False
) -> Any:
    """Return inputs scaled as asked, in the shapes of the model.

    An axis of one channel at the end is added where it is missing; with ``flat`` rows of numbers
    are laid out in the shape of the model.

    Args:
        x: An array, or arrays by name of input, samples along the first axis.
        inputs: The inputs of the model.
        request: How data are read.
        flat: Whether samples are rows of numbers.

    Raises:
        DataError: If a shape does not fit; says which, and which is taken.

    Example:
        >>> x = np.zeros((5, 8, 8))
        >>> fit_inputs(x, [ModelInput("image", (8, 8, 1))], Request("x.npz", "", "")).shape
        (5, 8, 8, 1)
    """
    by_name = {one.name: one for one in inputs}
    if isinstance(x, dict):
        return {name: _fit(value, by_name[name], request, flat) for name, value in x.items()}
    return _fit(x, inputs[0], request, flat)


def _fit(array: np.ndarray, wanted: ModelInput, request: Request, flat: bool) -> np.ndarray:
    """Return one input as the model takes it."""
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"Input {wanted.name!r} of {request.spec!r} holds {array.dtype}; numbers are needed."
        )
    if array.ndim == 0:
        raise DataError(
            f"Input {wanted.name!r} of {request.spec!r} is a single number; the first axis must "
            "be that of samples."
        )
    change = _change(array.shape[1:], wanted.shape, flat)
    if change is None:
        raise DataError(
            f"A sample of {request.spec!r} has shape {_text(array.shape[1:])}; input "
            f"{wanted.name!r} of the model takes {_text(wanted.shape)}."
        )
    _tell_of_scale(array, request)
    return scaled(change(array), request.scale)


def _change(found: Shape, wanted: Shape, flat: bool) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what brings a sample's shape to that of the model, None where nothing does."""
    if fits(found, wanted):
        return lambda array: array
    if wanted and wanted[-1] == 1 and fits(found, wanted[:-1]):
        return lambda array: array[..., None]
    sizes = [size for size in wanted if size is not None]
    if flat and len(sizes) == len(wanted) and math.prod(sizes) == found[0]:
        return lambda array: array.reshape(len(array), *sizes)
    return None


def fits(found: Shape, wanted: Shape) -> bool:
    """Return whether a shape is what is wanted, None or -1 for sizes that are open.

    Example:
        >>> fits((8, 8, 1), (None, None, 1))
        True
    """
    return len(found) == len(wanted) and all(
        size in (None, -1, given) for given, size in zip(found, wanted, strict=True)
    )


def _tell_of_scale(array: np.ndarray, request: Request) -> None:
    """Say that integers, pixels maybe, are taken as they are."""
    if request.scale is None and array.dtype == np.uint8:
        request.say(
            f"{request.spec!r} holds integers of 0 to 255, which are taken as they are. If the "
            "model was trained on scaled pixels, say so: --scale unit, symmetric or imagenet."
        )


def _text(shape: Shape) -> str:
    """Return a shape as people write it."""
    return "(" + ", ".join("any" if size in (None, -1) else str(size) for size in shape) + ")"
