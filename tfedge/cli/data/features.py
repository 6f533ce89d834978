"""Features of TFRecord files, in words: ``x=float32[8,8,1]``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.cli.data.request import Request
from tfedge.core.errors import ArgumentError, DataError

_PLAIN = ("float32", "int64")
_RAW = ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
_FORM = re.compile(r"([\w/.:-]+)=(image|raw-\w+|float32|int64)(?:\[([\d,\s]*)\])?")
_EXAMPLE = "x=float32[8,8,1], label=int64, pixels=raw-uint8[8,8,1] or photo=image[96,96,3]"


@dataclass(frozen=True)
class Feature:
    """One feature of an example.

    Args:
        name: Its key.
        kind: ``"float32"`` or ``"int64"`` as stored, ``"raw-uint8"`` and so on for bytes of an
            array, ``"image"`` for a PNG, JPEG, GIF or BMP file.
        shape: Shape of one sample.
    """

    name: str
    kind: str
    shape: tuple[int, ...]

    def parser(self) -> Any:
        """Return what ``tf.io.parse_example`` needs to know."""
        import tensorflow as tf

        if self.kind in _PLAIN:
            return tf.io.FixedLenFeature(self.shape, self.kind)
        return tf.io.FixedLenFeature((), tf.string)

    def decoded(self, values: Any, request: Request) -> np.ndarray:
        """Return the values of one batch, shape ``(samples, *shape)``.

        Raises:
            DataError: If bytes are not what was said.
        """
        if self.kind in _PLAIN:
            return values.numpy()
        if self.kind == "image":
            return np.stack([self._picture(one, request) for one in values.numpy()])
        dtype = np.dtype(self.kind.removeprefix("raw-"))
        return np.stack([self._raw(one, dtype, request) for one in values.numpy()])

    def _raw(self, content: bytes, dtype: np.dtype, request: Request) -> np.ndarray:
        """Return bytes as an array."""
        wanted = int(np.prod(self.shape)) * dtype.itemsize
        if len(content) != wanted:
            raise DataError(
                f"Feature {self.name!r} of {request.spec!r} has {len(content)} bytes; "
                f"{self.kind}{list(self.shape)} has {wanted}."
            )
        return np.frombuffer(content, dtype).reshape(self.shape)

    def _picture(self, content: bytes, request: Request) -> np.ndarray:
        """Return an image file as an array, brought to the shape."""
        from tfedge.cli.data.pictures import picture_of

        height, width, colours = self.shape
        return picture_of(content, f"feature {self.name!r}", (height, width, colours), request)


def features_of(request: Request) -> dict[str, Feature]:
    """Return the features that were named, by name.

    Raises:
        ArgumentError: If there are none, or one is not written as it should be.
        DataError: If the file of features cannot be read.

    Example:
        >>> features_of(Request("", "", "", features=("x=float32[8, 8]",)))["x"].shape
        (8, 8)
    """
    words = [*request.features, *_in_file(request.features_file)]
    if not words:
        raise ArgumentError(
            f"{request.spec!r} does not say what it holds. Name each feature with --feature, such "
            f"as {_EXAMPLE}, or all in a JSON file with --features."
        )
    return {one.name: one for one in map(_feature, words)}


def _in_file(path: str | None) -> list[str]:
    """Return the features that a JSON file names."""
    if path is None:
        return []
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"The features in {path!r} cannot be read: {error}.") from error
    if not isinstance(found, dict) or not all(isinstance(kind, str) for kind in found.values()):
        raise DataError(f'{path!r} must be an object such as {{"x": "float32[8,8,1]"}}.')
    return [f"{name}={kind}" for name, kind in found.items()]


def _feature(word: str) -> Feature:
    """Return one feature."""
    found = _FORM.fullmatch(word)
    if found is None or (found[2].startswith("raw-") and found[2][4:] not in _RAW):
        raise ArgumentError(f"{word!r} is no feature. Write {_EXAMPLE}.")
    shape = tuple(int(size) for size in (found[3] or "").replace(" ", "").split(",") if size)
    if found[2] == "image" and (len(shape) != 3 or shape[2] not in (1, 3, 4)):
        raise ArgumentError(f"{word!r}: an image needs [height,width,colours].")
    return Feature(found[1], found[2], shape)
