"""Pixels of 0 to 255 as the model was trained on them."""

from __future__ import annotations

import numpy as np

from tfedge.core.errors import DataError

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

MEANING = {
    "none": "left at 0 to 255",
    "unit": "divided by 255, into [0, 1]",
    "symmetric": "divided by 127.5, less 1, into [-1, 1]",
    "imagenet": "divided by 255, less ImageNet's mean, by its deviation, for each colour",
}


def scaled(x: np.ndarray, scale: str | None) -> np.ndarray:
    """Return pixels on another scale, float32; without a scale they stay what they are.

    Args:
        x: Values of 0 to 255, colours along the last axis.
        scale: A key of `MEANING`, or None.

    Raises:
        DataError: If ``"imagenet"`` meets anything but three colours.

    Example:
        >>> scaled(np.array([0, 255], np.uint8), "symmetric").tolist()
        [-1.0, 1.0]
    """
    if scale is None:
        return x
    x = x.astype(np.float32)
    if scale == "unit":
        return x / np.float32(255)
    if scale == "symmetric":
        return x / np.float32(127.5) - np.float32(1)
    if scale == "imagenet":
        if x.shape[-1:] != (3,):
            raise DataError(f"--scale imagenet is for 3 colours; the last axis is {x.shape[-1:]}.")
        return (x / np.float32(255) - _MEAN) / _DEVIATION
    return x
