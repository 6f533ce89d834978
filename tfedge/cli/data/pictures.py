"""Image files as arrays, with Pillow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.cli.data.request import Request
from tfedge.core.errors import DataError, MissingPackageError

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def check_readable(paths: Sequence[Path]) -> None:
    """Look at the heads of images.

    Raises:
        DataError: If one is no image; names it.
        MissingPackageError: If Pillow is not installed.
    """
    image = _pillow()
    for path in paths:
        try:
            with image.open(path):
                continue
        except OSError as error:
            raise DataError(_refusal(repr(str(path)), error)) from error


def read_picture(path: Path, shape: tuple[int, int, int], request: Request) -> np.ndarray:
    """Return the image in a file; `picture_of` says how.

    Args:
        path: The file.
        shape: Height, width, and colours: 1, 3 or 4.
        request: Whether to cut or to stretch, and how to resize.

    Raises:
        DataError: If the file is damaged; names it.
    """
    return picture_of(path.read_bytes(), repr(str(path)), shape, request)


def picture_of(
    content: bytes, name: str, shape: tuple[int, int, int], request: Request
) -> np.ndarray:
    """Return an image as uint8 of that shape; a turn that its camera noted is made.

    Args:
        content: The bytes of an image file.
        name: What to call it in messages.
        shape: Height, width, and colours: 1, 3 or 4.
        request: Whether to cut or to stretch, and how to resize.

    Raises:
        DataError: If it is damaged; names it.
        MissingPackageError: If Pillow is not installed.
    """
    image = _pillow()
    from PIL import ImageOps

    height, width, colours = shape
    how = image.Resampling[request.interpolation.upper()]
    try:
        with image.open(io.BytesIO(content)) as file:
            picture = ImageOps.exif_transpose(file).convert(_MODES[colours])
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(_refusal(name, error)) from error
    if request.crop:
        picture = ImageOps.fit(picture, (width, height), how)
    elif picture.size != (width, height):
        picture = picture.resize((width, height), how)
    return np.asarray(picture).reshape(shape)


def _refusal(name: str, error: Exception) -> str:
    """Return what to say about an image."""
    reason = "it is no image" if "cannot identify" in str(error) else str(error)
    return f"The image {name} cannot be read: {reason}. Replace or remove it."


def _pillow() -> Any:
    """Return Pillow's ``Image``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError(
            "Images need Pillow, which is not installed. Install it with: pip install "
            "'tfedge[images]'"
        ) from error
    return Image
